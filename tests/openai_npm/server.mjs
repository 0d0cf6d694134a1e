// A tiny model with a chat template, trained for three seconds on generated text, and a server for it.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const program = process.env.PARLEY ?? path.join(import.meta.dirname, '../../build/parley');

const WORDS = 'the a big small fox dog sees likes runs jumps over under river tree house weather Paris London city name value true false null are is what how why hello thank you please 狐狸 看见 大 树 你好 天气 北京 今天 很 好'.split(' ');

function writeData(folder) {
  let state = 12345n;
  const below = (n) => Number((state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n)) >> 33n) % n;
  const some = (n) => Array.from({ length: n }, () => WORDS[below(WORDS.length)]).join(' ');
  let text = '';
  let chats = '';
  for (let i = 0; i < 80; ++i) {
    text += JSON.stringify({ text: `${some(30)}. ${JSON.stringify({ name: some(2), value: below(100) })} ${some(20)}。` }) + '\n';
    chats += JSON.stringify({ messages: [{ role: 'user', content: `${some(5)}?` }, { role: 'assistant', content: `${some(6)}.` }] }) + '\n';
  }
  fs.writeFileSync(path.join(folder, 'text.jsonl'), text);
  fs.writeFileSync(path.join(folder, 'chats.jsonl'), chats);
  const shape = { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], vocab_size: 512, n_positions: 2048, n_embd: 32, n_layer: 2, n_head: 2,
    activation_function: 'gelu_new', layer_norm_epsilon: 1e-5, tie_word_embeddings: true };
  fs.writeFileSync(path.join(folder, 'tiny.json'), JSON.stringify(shape));
}

function run(folder, ...args) {
  const done = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`parley ${args.join(' ')}:\n${done.error ?? done.stderr}`);
  return done.stdout;
}

// Trains the model in `folder`; returns its directory.
export function makeModel(folder) {
  writeData(folder);
  run(folder, 'pretrain', '--data', 'text.jsonl', '--preset', 'tiny.json', '--vocab-size', '512', '--seq', '2048', '--batch', '1', '--grad-accum', '1',
    '--steps', '60', '--lr', '0.005', '--fim-rate', '0.5', '--val-every', '60', '--checkpoint-every', '60', '--sample-every', '60', '--out', 'base');
  run(folder, 'sft', '--model', 'base/model', '--data', 'chats.jsonl', '--steps', '80', '--batch', '8', '--lr', '0.005', '--sample-tokens', '4', '--out', 'sft');
  return path.join(folder, 'sft', 'model');
}

// {env, log(), stop(), kill()}: env is what the tests need to find it.
export async function startServer(folder, extra = []) {
  const model = fs.existsSync(path.join(folder, 'sft')) ? path.join(folder, 'sft', 'model') : makeModel(folder);
  const portFile = path.join(folder, 'port');
  fs.rmSync(portFile, { force: true });
  const keyFile = path.join(folder, 'keys.json');
  const newKey = (...limits) => JSON.parse(run(folder, 'key', 'new', '--file', keyFile, '--name', 'test', '--json', ...limits)).key;
  const keys = { PARLEY_KEY: newKey(), PARLEY_LIMITED_KEY: newKey('--requests-per-minute', '60') };
  const args = ['serve', '--model', model, '--keys', keyFile, '--access-log', path.join(folder, 'access.log'),
    '--database', path.join(folder, 'app.db'), '--alias', 'gpt-3.5-turbo', '--port', '0', '--port-file', portFile, ...extra];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let ended;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { log = (log + bytes).slice(-20000); });
  const end = new Promise((resolve) => child.on('close', (code, signal) => resolve((ended = signal ?? code))));
  const kill = () => { if (ended === undefined) child.kill('SIGKILL'); };
  process.on('exit', kill);
  for (let tries = 0; ; ++tries) {
    const port = fs.existsSync(portFile) ? fs.readFileSync(portFile, 'utf8').trim() : '';
    if (port) return { env: { PARLEY_URL: `http://127.0.0.1:${port}`, PARLEY_MODEL: 'gpt-3.5-turbo', ...keys, PARLEY_PID: String(child.pid) }, log: () => log, kill,
      stop: async () => {
        child.kill('SIGTERM');
        const late = sleep(20000, 'not at all within 20 s', { ref: false });
        return Promise.race([end, late]);
      } };
    if (ended !== undefined || tries > 300) {
      kill();
      throw new Error(`the server did not start (${ended}):\n${log}`);
    }
    await sleep(50);
  }
}

// Compares `parley tokenizer encode` with the npm packages tiktoken (OpenAI's Rust code as
// WebAssembly) and gpt-tokenizer (TypeScript), with the rank files tiktoken brings along:
//
//   npm ci && npm test
//
// $PARLEY names another program than build/parley. Ends with 1 at the first difference.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tiktoken } from 'tiktoken';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const parley = process.env.PARLEY ?? join(here, '../../build/parley');
const folder = mkdtempSync(join(tmpdir(), 'parley-'));
const separator = '<|endoftext|>';

// A small generator of our own, so that a failure can be repeated.
let state = 42;
function below(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}

// Without U+FEFF, which to JavaScript, and so to gpt-tokenizer, is white space, and without
// the long s, which its o200k does not fold to s.
const soup = [
  ' ', '  ', '\n', '\r\n', '\t', '\u00a0', '\u3000', 'a', 'A', 'é', '中', '文字', "'", "'s", "'LL", "'Re",
  '1', '२', '½', '12345', '\u0301', 'ʰ', 'א', '.', '!!!', '//', '😀', '👩‍👩‍👧', '\u200d', 'hello', 'World',
  'HTML', 'iOS', '日本', 'ß', '\0', '-', '_', '(', '🇨🇳',
];
const mixed = () => Array.from({ length: 1 + below(40) }, () => soup[below(soup.length)]).join('');
// Random bytes, as JavaScript's strings can hold them: what is not UTF-8 becomes U+FFFD.
const bytes = () => Buffer.from(Array.from({ length: 1 + below(60) }, () => below(256))).toString();

const source = readFileSync(fileURLToPath(import.meta.url), 'utf8');
const texts = [
  'The quick brown fox jumps over the lazy dog. It\'s 3.14159, isn\'t it? WE\'RE done.',
  '你好，世界！今天天气怎么样？我们去公园散步吧。天地玄黃，宇宙洪荒。',
  'こんにちは、世界。안녕하세요. Привет, мир! שלום. مرحبا. हिन्दी १२३',
  '😀😃👨‍👩‍👧‍👦🏳️‍🌈 👍🏽 🇨🇳🇺🇸',
  source,
  ' '.repeat(300) + 'x',
  '中'.repeat(500),
  ...Array.from({ length: 400 }, mixed),
  ...Array.from({ length: 200 }, bytes),
]
  // The published expressions changed once in how they cut white space that ends a text;
  // the packages differ in which they have.
  .map((text) => text.trimEnd())
  .filter((text) => text && !text.includes('<|'));

// The package's "! first token token ...", a line for each run of ranks.
function writeRanks(ranks, path) {
  const lines = [];
  for (const line of ranks.split('\n').filter(Boolean)) {
    const [, first, ...tokens] = line.split(' ');
    tokens.forEach((token, i) => lines.push(`${token} ${Number(first) + i}`));
  }
  writeFileSync(path, lines.join('\n') + '\n');
}

function parleyRun(command, tokenizer, input, ...flags) {
  return execFileSync(parley, ['tokenizer', command, '--tokenizer', tokenizer, ...flags], {
    input,
    maxBuffer: 2 ** 30,
  });
}

function requireSame(name, ours, theirs) {
  const at = theirs.findIndex((id, i) => id !== ours[i]);
  if (at < 0 && ours.length === theirs.length) return;
  console.error(`${name}: ids differ at ${at}: ${ours.slice(at, at + 8)} is not ${theirs.slice(at, at + 8)}`);
  process.exit(1);
}

async function compare(name) {
  const { pat_str, special_tokens, bpe_ranks } = require(`tiktoken/encoders/${name}.json`);
  const ranks = join(folder, `${name}.tiktoken`);
  writeRanks(bpe_ranks, ranks);
  const reference = new Tiktoken(bpe_ranks, special_tokens, pat_str);
  const { encode } = await import(`gpt-tokenizer/encoding/${name}`);

  // Many texts in one call: between special tokens each is encoded alone.
  const all = texts.join(separator);
  const ours = JSON.parse(parleyRun('encode', ranks, all, '--allow-special'));
  requireSame(`${name}, tiktoken`, ours, [...reference.encode(all, 'all')]);
  const apart = texts.flatMap((text) => [special_tokens[separator], ...encode(text)]).slice(1);
  requireSame(`${name}, gpt-tokenizer`, ours, apart);
  if (parleyRun('decode', ranks, JSON.stringify(ours)).toString() !== all) {
    console.error(`${name}: decoding does not give the text back`);
    process.exit(1);
  }
  // A megabyte of one letter: the packages take their time, so they see a part.
  const letters = (n) => JSON.parse(parleyRun('encode', ranks, 'a'.repeat(n)));
  requireSame(`${name}, letters`, letters(20000), [...reference.encode('a'.repeat(20000))]);
  const begin = performance.now();
  letters(2 ** 20);
  const seconds = (performance.now() - begin) / 1000;
  console.log(`${name}: ${texts.length} texts, ${ours.length} ids: the same; 1 MiB of "a" in ${seconds.toFixed(2)} s`);
  reference.free();
}

try {
  for (const name of ['r50k_base', 'p50k_base', 'cl100k_base', 'o200k_base']) await compare(name);
} finally {
  rmSync(folder, { recursive: true });
}

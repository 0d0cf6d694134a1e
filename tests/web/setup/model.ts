// Two small models, made in seconds of generated text: one that answers in a few words, and one that goes on and on.
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { kProgram, kTop } from "./paths";

const kWords =
  "the a big small fox dog sees likes runs jumps over under river tree house weather Paris London city name are is what how why hello thank you please 狐狸 看见 大 树 你好 天气 北京 今天 很 好".split(" ");

function writeData(folder: string): void {
  let state = 12345n;
  const below = (n: number) => Number((state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n)) >> 33n) % n;
  const some = (n: number) => Array.from({ length: n }, () => kWords[below(kWords.length)]).join(" ");
  const text: string[] = [];
  const chats: string[] = [];
  for (let i = 0; i < 80; ++i) {
    text.push(JSON.stringify({ text: `${some(30)}. ${some(20)}。` }));
    const question = { role: "user", content: `${some(5)}?` };
    chats.push(JSON.stringify({ messages: [question, { role: "assistant", content: `${some(6)}.` }] }));
  }
  fs.writeFileSync(path.join(folder, "text.jsonl"), text.join("\n") + "\n");
  fs.writeFileSync(path.join(folder, "chats.jsonl"), chats.join("\n") + "\n");
  // Texts that hardly end.
  const tales = Array.from({ length: 3 }, () => JSON.stringify({ text: some(3000) }));
  fs.writeFileSync(path.join(folder, "tales.jsonl"), tales.join("\n") + "\n");
  const shape = (width: number, layers: number) =>
    JSON.stringify({
      model_type: "llama",
      architectures: ["LlamaForCausalLM"],
      vocab_size: 400,
      max_position_embeddings: 128,
      hidden_size: width,
      intermediate_size: width * 2,
      num_hidden_layers: layers,
      num_attention_heads: width / 16,
      num_key_value_heads: width / 16,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: true,
      hidden_act: "silu",
    });
  fs.writeFileSync(path.join(folder, "small.json"), shape(64, 2));
  fs.writeFileSync(path.join(folder, "large.json"), shape(256, 6));
}

function run(folder: string, ...args: string[]): void {
  const env = { ...process.env, XDG_CACHE_HOME: path.join(folder, "cache"), OMP_WAIT_POLICY: "passive" };
  const done = spawnSync(kProgram, args, { cwd: folder, encoding: "utf8", env });
  if (done.status !== 0) throw new Error(`parley ${args.join(" ")}:\n${String(done.error ?? done.stderr)}`);
}

// Trained on little at a time; read at any length, since positions are rotations.
function lengthen(model: string): string {
  const file = path.join(model, "config.json");
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as object;
  fs.writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: 16384 }));
  return model;
}

export interface Models {
  quick: string; // a short answer, then it stops
  own: boolean; // quick is models/parley-mini
  slow: string; // some hundred tokens a second, thousands of tokens long
}

export function makeModels(folder: string): Models {
  fs.mkdirSync(folder, { recursive: true });
  writeData(folder);
  const pretrain = (data: string, shape: string, steps: number, rate: string, out: string) =>
    run(folder, "pretrain", "--data", data, "--preset", shape, "--vocab-size", "400", "--seq", "128", "--batch", "1", "--grad-accum", "1",
      "--steps", `${steps}`, "--lr", rate, "--optimizer", "adamw", "--val-every", `${steps}`, "--checkpoint-every", `${steps}`,
      "--sample-every", `${steps}`, "--out", out);
  const own = path.join(kTop, "models", "parley-mini");
  let quick = own;
  if (!fs.existsSync(own)) {
    pretrain("text.jsonl", "small.json", 150, "0.005", "small");
    run(folder, "sft", "--model", "small/model", "--data", "chats.jsonl", "--steps", "150", "--batch", "8", "--lr", "0.005", "--sample-tokens", "4", "--out", "quick");
    quick = lengthen(path.join(folder, "quick", "model"));
  }
  // Only the form of a chat is new to it, not that answers end.
  pretrain("tales.jsonl", "large.json", 40, "0.002", "large");
  run(folder, "sft", "--model", "large/model", "--data", "chats.jsonl", "--steps", "1", "--batch", "1", "--lr", "1e-7", "--sample-tokens", "1", "--out", "slow");
  return { quick, own: quick === own, slow: lengthen(path.join(folder, "slow", "model")) };
}

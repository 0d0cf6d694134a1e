// The mock's playground streams, runs, win rates, feedback examples and accounts. MOCK_USERS=1 asks for a log-in
// (any name, the password "password"), MOCK_USERS=setup for the first administrator.
import { randomBytes } from "node:crypto";
import { Refusal, type Route } from "./api";
import { extraRoutes } from "./extra";
import type { FeedbackRow, Invitation, Session, User, UserRow } from "../src/api/types";

// Its own, since api.ts loads this file before it is ready itself.
const makeId = () => randomBytes(16).toString("base64url");

// ---- playground ----

const kEnglish =
  " there was a small town by the sea, where an old keeper lit the lamp every evening.\nOne night the lamp would not burn, and the ships came home by the light of the children's lanterns. 从前的灯塔 😀 stood dark.";
const kChinese = "山上有一座庙,庙里有一个老和尚在讲故事。\n他说:“很久以前,海边住着一位守灯塔的老人,他每天傍晚都会点亮那盏灯。”";

const kOthers = [" the", " a", ",", " and", " old", "。", "的", "\n", " was", " bytes"];

// Pieces of a few letters; characters that are rare come as bytes, as in byte-level BPE.
function split(text: string): string[] {
  return (text.match(/\s?[A-Za-z']{1,6}|[\u4e00-\u9fff]{1,2}|\n|[^\n]/gu) ?? []).flatMap((piece) => {
    if (!/[\u{1f000}-\u{1ffff}]|塔/u.test(piece)) return [piece];
    const bytes = [...new TextEncoder().encode(piece)].map((byte) => `\\x${byte.toString(16)}`);
    return bytes.length > 3 ? [`bytes:${bytes.slice(0, 2).join("")}`, `bytes:${bytes.slice(2).join("")}`] : bytes.map((byte) => `bytes:${byte}`);
  });
}

function topOf(chosen: string, seed: number): [string, number][] {
  const chance = (i: number) => Math.abs(Math.sin(seed * 12.9898 + i * 78.233) * 43758.5453) % 1;
  const p = [0.97, 0.9, 0.62, 0.4, 0.12, 0.02][Math.floor(chance(0) * 6)]!;
  let left = 1 - p;
  const tops: [string, number][] = [[chosen, Math.log(p)]];
  for (let i = 1; tops.length < 5; ++i) {
    const text = kOthers[(seed + i) % kOthers.length]!;
    if (text === chosen) continue;
    const share = left * (0.35 + 0.3 * chance(i));
    tops.push([text, Math.log(Math.max(share, 1e-9))]);
    left -= share;
  }
  return tops;
}

function streamed(chat: boolean): Route {
  return async ({ body, request }) => {
    const asked = (await body()) as { prompt?: string; messages?: { content: string }[]; n?: number; max_tokens?: number; suffix?: string };
    if (asked.suffix) throw new Refusal(400, "This model was not trained to insert text: its tokenizer has no <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|>. Leave out 'suffix'.");
    const question = asked.prompt ?? asked.messages?.at(-1)?.content ?? "";
    const all = split(/\p{Script=Han}/u.test(question) ? kChinese : kEnglish);
    const most = Number(asked.max_tokens ?? 128);
    const parts = all.slice(0, most);
    const n = Number(asked.n ?? 1);
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        const send = (frame: unknown) => controller.enqueue(encoder.encode(`data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\n\n`));
        for (let i = 0; i < parts.length; ++i) {
          if (request.signal.aborted) return;
          for (let index = 0; index < n; ++index) {
            const token = parts[i]!;
            const text = token.startsWith("bytes:") ? "" : token;
            const tops = topOf(token, i * 7 + index * 31);
            const logprobs = chat
              ? { content: [{ token, logprob: tops[0]![1], bytes: null, top_logprobs: tops.map(([other, logprob]) => ({ token: other, logprob, bytes: null })) }] }
              : { tokens: [token], token_logprobs: [tops[0]![1]], top_logprobs: [Object.fromEntries(tops)], text_offset: [0] };
            send({ choices: [{ index, ...(chat ? { delta: { content: text } } : { text }), logprobs, finish_reason: null }] });
          }
          await new Promise((done) => setTimeout(done, 25));
        }
        for (let index = 0; index < n; ++index)
          send({ choices: [{ index, ...(chat ? { delta: {} } : { text: "" }), logprobs: null, finish_reason: parts.length < all.length ? "length" : "stop" }] });
        send({ choices: [], usage: { prompt_tokens: 12, completion_tokens: parts.length * n, prompt_tokens_details: { cached_tokens: 8 } } });
        send("[DONE]");
        controller.close();
      },
    });
    return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
  };
}

// ---- training ----

const kStarted = Date.now();
const noise = (i: number) => (Math.sin(i * 12.9898) * 43758.5453) % 1;

interface MockRun {
  stage: string;
  steps: number;
  live?: boolean;
  line: (i: number) => Record<string, unknown>;
  config: Record<string, unknown>;
}

const kRuns: Record<string, MockRun> = {
  "story/pretrain": {
    stage: "pretrain",
    steps: 1400,
    live: true,
    line: (i) => ({
      step: i,
      tokens: i * 16384,
      loss: 3.1 + 6.4 * Math.exp(-i / 140) + 0.12 * noise(i),
      lr: 6e-4 * Math.min(1, i / 100) * (0.55 + 0.45 * Math.cos((Math.PI * i) / 3000)),
      grad_norm: 0.4 + 1.5 * Math.exp(-i / 60) + 0.1 * Math.abs(noise(i + 3)),
      tokens_per_s: 4450 + 90 * noise(i + 7),
      share: 0.73 + 0.01 * noise(i + 9),
      ...(i % 100 === 0 ? { val_loss: 3.2 + 6.3 * Math.exp(-i / 140), val_bpb: 1.1 + 1.9 * Math.exp(-i / 140) } : {}),
      time: i * 3.7,
    }),
    config: { preset: "mini", batch: 16, lr: 6e-4 },
  },
  "story/pretrain-muon": {
    stage: "pretrain",
    steps: 1200,
    line: (i) => ({
      step: i,
      tokens: i * 16384,
      loss: 2.95 + 6.5 * Math.exp(-i / 90) + 0.12 * noise(i + 5),
      lr: 2e-3 * Math.min(1, i / 100),
      grad_norm: 0.6 + 1.2 * Math.exp(-i / 50) + 0.15 * Math.abs(noise(i + 1)),
      tokens_per_s: 4180 + 80 * noise(i + 2),
      ...(i % 100 === 0 ? { val_loss: 3.05 + 6.4 * Math.exp(-i / 90), val_bpb: 1.06 + 1.9 * Math.exp(-i / 90) } : {}),
      time: i * 3.9,
    }),
    config: { preset: "mini", optimizer: "muon", batch: 16, lr: 2e-3 },
  },
  "story/ppo": {
    stage: "ppo",
    steps: 80,
    line: (i) => ({
      step: i,
      reward: -0.4 + 2.1 * (1 - Math.exp(-i / 25)) + 0.15 * noise(i),
      gold: -0.4 + 1.5 * (1 - Math.exp(-i / 20)) - 0.006 * i + 0.12 * noise(i + 4),
      kl: 0.2 * i ** 0.9 + 0.3 * Math.abs(noise(i)),
      beta: 0.05,
      entropy: 3.1 - 0.012 * i,
      answer_tokens: 60 + 20 * noise(i),
      finished: Math.min(1, 0.4 + i / 120),
      policy_loss: -0.01 + 0.01 * noise(i),
      value_loss: 0.3 * Math.exp(-i / 30),
      ratio_mean: 1 + 0.01 * noise(i),
      ratio_max: 1.6 + 0.3 * Math.abs(noise(i + 6)),
      clip_fraction: 0.08 + 0.02 * noise(i),
      lr: 1e-5,
      rollout_tokens_per_s: 2100 + 60 * noise(i),
      rollout_share: 0.21,
      scoring_share: 0.1,
      update_share: 0.69,
      novelty: 0.5 + 0.1 * noise(i),
      time: i * 31,
    }),
    config: { episodes: 128, kl: 0.05 },
  },
};

function linesOf(run: MockRun): Record<string, unknown>[] {
  const steps = run.steps + (run.live ? Math.floor((Date.now() - kStarted) / 1500) : 0);
  return Array.from({ length: steps }, (_, i) => run.line(i + 1));
}

const pair = (a: string, b: string, wins: number, ties: number, losses: number, p: number, more = {}) => {
  const n = wins + ties + losses;
  const rate = (wins + ties / 2) / n;
  const half = 1.96 * Math.sqrt((rate * (1 - rate)) / n);
  const interval = [rate - half, rate + half];
  return { a, b, n, wins, ties, losses, win_rate: rate, win_rate_interval: interval, bootstrap_interval: interval, length_controlled: rate - 0.03, length_controlled_interval: [rate - 0.03 - half, rate - 0.03 + half], sign_p: p, ...more };
};

const kWinRates = [
  {
    run: "story/winrate.json",
    judge: "runs/gold/model (reward model)",
    prompts: 240,
    models: [
      { name: "ppo", mean_length: 212, mean_win_rate: 0.79 },
      { name: "sft", mean_length: 188, mean_win_rate: 0.51 },
      { name: "base:prompted", mean_length: 240, mean_win_rate: 0.2 },
    ],
    pairs: [
      pair("ppo", "sft", 152, 22, 66, 1.2e-8),
      pair("ppo", "base:prompted", 205, 12, 23, 1e-30, { length_extrapolated: true }),
      pair("sft", "base:prompted", 131, 14, 95, 0.017),
    ],
  },
];

// ---- feedback ----

const examples: FeedbackRow[] = [
  ["rating", "Explain what a tokenizer does in two sentences.", "A tokenizer cuts text into pieces from a fixed vocabulary. Models read the pieces' numbers instead of letters.", "", 1, ["clear"], ""],
  ["comparison", "写一首关于秋天的短诗。", "秋风起,\n落叶轻轻铺满小径,\n像一封封寄给大地的信。", "秋天来了,树叶黄了。", 0, [], ""],
  ["correction", "When was GPT-3 published?", "GPT-3 was published in 2018.", "", 0, ["wrong"], "GPT-3 was published in May 2020 (Brown et al., “Language Models are Few-Shot Learners”)."],
  ["rating", "Give me a recipe for rye bread.", "Bread is a kind of food. Food is good. Bread is a kind of food.", "", -1, ["repetitive", "not helpful"], ""],
].map(([kind, prompt, answer, other, rating, reasons, text], i) => ({
  id: `example-${i}`,
  kind: kind as FeedbackRow["kind"],
  message: `m${i}`,
  other: other as string,
  rating: rating as number,
  reasons: reasons as string[],
  comment: i === 3 ? "It goes round in circles." : "",
  text: text as string,
  tie: false,
  model: i % 2 ? "parley-chat-int4" : "parley-chat",
  created: Date.now() - i * 5_400_000,
  user: i % 2 ? "mei" : "local",
  prompt: prompt as string,
  answer: answer as string,
}));

// ---- accounts ----

const account = (name: string, role: User["role"], more: Partial<UserRow> = {}): UserRow => ({
  id: makeId(),
  name,
  role,
  disabled: false,
  daily_tokens: 0,
  created: Date.now() - 40 * 86_400_000,
  tokens_today: 0,
  conversations: 0,
  ...more,
});

const mode = process.env.MOCK_USERS ?? "";
const users: UserRow[] =
  mode === "setup"
    ? []
    : [
        account("lin", "admin", { tokens_today: 18_240, conversations: 76 }),
        account("mei", "user", { tokens_today: 9_120, daily_tokens: 10_000, conversations: 31 }),
        account("old-account", "user", { disabled: true, conversations: 4 }),
      ];
let invitations: Invitation[] = [
  { id: makeId(), role: "user", created: Date.now() - 3_600_000, expires: Date.now() + 6 * 86_400_000, used_by: null },
  { id: makeId(), role: "admin", created: Date.now() - 9 * 86_400_000, expires: Date.now() - 2 * 86_400_000, used_by: null },
  { id: makeId(), role: "user", created: Date.now() - 5 * 86_400_000, expires: Date.now() + 86_400_000, used_by: users[1]?.id ?? null },
];
let loggedIn: User | null = null;
const checkLast = (user: UserRow) => {
  if (user.role === "admin" && !users.some((other) => other !== user && other.role === "admin" && !other.disabled))
    throw new Refusal(409, "This is the last administrator. Make another user administrator first.", "last_admin");
};
const named = (id: string | undefined) => {
  const user = users.find((one) => one.id === id);
  if (!user) throw new Refusal(404, "There is no such user.", "not_found");
  return user;
};

const accountRoutes = (sessionRoute: Route): Record<string, Route> => {
  const session: Route = async (call) => ({
    ...((await sessionRoute(call)) as Session),
    users_enabled: true,
    setup_needed: users.length === 0,
    user: loggedIn,
  });
  return {
    "GET /session": session,
    "POST /login": async (call) => {
      const { name, password } = (await call.body()) as unknown as { name: string; password: string };
      if (password !== "password") throw new Refusal(401, "The name or the password is wrong.", "wrong_password");
      loggedIn = users.find((one) => one.name === name) ?? users[0] ?? null;
      return session(call);
    },
    "POST /logout": () => ((loggedIn = null), {}),
    "POST /signup": async (call) => {
      const { name, password, invitation } = (await call.body()) as unknown as { name: string; password: string; invitation?: string };
      if (users.length > 0 && invitation !== "CODE") throw new Refusal(403, "This invitation is not valid any more. Ask for a new one.", "bad_invitation");
      if (users.some((one) => one.name === name)) throw new Refusal(409, "This name is taken. Choose another.", "name_taken");
      if (password.length < 8) throw new Refusal(400, "The password is too short: at least 8 characters.");
      const user = account(name, users.length ? "user" : "admin");
      users.push(user);
      loggedIn = user;
      return session(call);
    },
  };
};

export function pageRoutes(sessionRoute: Route): Record<string, Route> {
  return {
    ...(mode ? accountRoutes(sessionRoute) : {}),
    "POST /playground/completions": streamed(false),
    "POST /playground/chat": streamed(true),
    "POST /password": async ({ body }) => {
      const { old } = (await body()) as unknown as { old: string };
      if (old !== "password") throw new Refusal(401, "The old password is wrong.", "wrong_password");
      return {};
    },

    "GET /runs": () => ({
      configured: true,
      runs: Object.entries(kRuns).map(([name, run], i) => {
        const lines = linesOf(run);
        return {
          name,
          stage: run.stage,
          started: kStarted - (i + 1) * 7_200_000,
          updated: run.live ? Date.now() - 1000 : kStarted - i * 3_600_000,
          steps: lines.length,
          last: lines.at(-1),
          config: run.config,
        };
      }),
    }),
    "GET /runs/:/metrics": ({ parts, query }) => {
      const run = kRuns[decodeURIComponent(parts[0] ?? "")];
      if (!run) throw new Refusal(404, "There is no such run.", "not_found");
      const lines = linesOf(run);
      return { lines: lines.slice(Number(query.get("after") ?? 0)), next: lines.length };
    },
    "GET /runs/:/samples": ({ parts }) => ({
      markdown: `# ${decodeURIComponent(parts[0] ?? "")}\n\n## Step 500\n\n> **Once upon a time** there was a little house in the\n\n> **从前** 有一个人\n\n## Step 1000\n\n> **Once upon a time** there was a small town by the sea, and the people of the town were happy.\n\n> **从前** 有一座山,山上有一座庙。\n\n\`\`\`python\ndef main():\n    return 0\n\`\`\`\n\n<script>alert(1)</script> [bad](javascript:alert(1))`,
    }),
    "GET /winrates": () => ({ tables: kWinRates }),

    "GET /feedback": async (call) => {
      const given = (await extraRoutes["GET /feedback"]!(call)) as { feedback: FeedbackRow[] };
      const kind = call.query.get("kind");
      return { feedback: [...given.feedback, ...examples.filter((one) => !kind || one.kind === kind)], next: null };
    },
    "DELETE /feedback/:": (call) => {
      const at = examples.findIndex((one) => one.id === call.parts[0]);
      if (at < 0) return extraRoutes["DELETE /feedback/:"]!(call);
      examples.splice(at, 1);
      return {};
    },

    "GET /users": () => ({ users }),
    "PATCH /users/:": async ({ parts, body }) => {
      const user = named(parts[0]);
      const change = (await body()) as Partial<UserRow>;
      if (change.role === "user" || change.disabled) checkLast(user);
      return Object.assign(user, change);
    },
    "DELETE /users/:": ({ parts }) => {
      const user = named(parts[0]);
      checkLast(user);
      users.splice(users.indexOf(user), 1);
      return {};
    },
    "GET /invitations": () => ({ invitations }),
    "POST /invitations": async ({ body }) => {
      const { role = "user", days = 7 } = (await body()) as unknown as { role?: User["role"]; days?: number };
      const invitation = { id: makeId(), role, created: Date.now(), expires: Date.now() + days * 86_400_000, used_by: null };
      invitations.unshift(invitation);
      return [201, { ...invitation, code: makeId() }];
    },
    "DELETE /invitations/:": ({ parts }) => ((invitations = invitations.filter((one) => one.id !== parts[0])), {}),
  };
}

// The mock's memories, files, presets, feedback, playground and training.
import { findMessage, makeId, Refusal, type Route } from "./api";
import type { Feedback, Memory, Preset } from "../src/api/types";

export const extraRoutes: Record<string, Route> = {
  "POST /logout": () => ({}),
  "GET /users": () => ({ users: [] }),
  "GET /invitations": () => ({ invitations: [] }),

  "GET /memories": ({ state }) => ({ memories: state.memories }),
  "POST /memories": async ({ state, body }) => {
    const { text } = (await body()) as unknown as { text: string };
    if (state.memories.some((one) => one.text === text)) throw new Refusal(409, "This is remembered already.", "conflict");
    const memory: Memory = { id: makeId(), text, enabled: true, created: Date.now(), updated: Date.now(), source: null };
    state.memories.unshift(memory);
    return [201, memory];
  },
  "PATCH /memories/:": async ({ state, parts, body }) => {
    const memory = state.memories.find((one) => one.id === parts[0]);
    if (!memory) throw new Refusal(404, "There is no such memory.");
    return Object.assign(memory, await body(), { updated: Date.now() });
  },
  "DELETE /memories/:": ({ state, parts }) => ((state.memories = state.memories.filter((one) => one.id !== parts[0])), {}),
  "DELETE /memories": ({ state }) => ((state.memories = []), {}),
  "GET /memories/export": ({ state }) => ({ memories: state.memories }),

  "GET /documents": ({ state }) => ({ documents: [...state.documents.values()].map(({ text: _text, ...rest }) => rest) }),
  "POST /documents": async ({ state, query, request }) => {
    const name = query.get("name") ?? "file";
    const bytes = new Uint8Array(await request.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    if (!/\.pdf$/i.test(name) && text.includes("\u0000")) throw new Refusal(415, `${name} is neither text nor PDF.`, "unsupported");
    const document = {
      id: makeId(),
      name,
      bytes: bytes.length,
      characters: text.length,
      passages: Math.max(1, Math.ceil(text.length / 800)),
      kind: /\.pdf$/i.test(name) ? ("pdf" as const) : ("text" as const),
      created: Date.now(),
    };
    state.documents.set(document.id, { ...document, text });
    return [201, document];
  },
  "DELETE /documents/:": ({ state, parts }) => (state.documents.delete(parts[0] ?? ""), {}),
  "GET /documents/:/passages/:": ({ state, parts }) => {
    const document = state.documents.get(parts[0] ?? "");
    if (!document) throw new Refusal(404, "There is no such document.");
    const number = Number(parts[1]);
    const text = document.text.slice(number * 800, number * 800 + 800) || document.text;
    return { document: document.id, name: document.name, number, text, page: document.kind === "pdf" ? 12 : 0, start_line: 40 };
  },

  "GET /presets": ({ state }) => ({ presets: state.presets }),
  "POST /presets": async ({ state, body }) => {
    const preset = { ...((await body()) as unknown as Preset), id: makeId(), builtin: false };
    state.presets.push(preset);
    return [201, preset];
  },
  "PATCH /presets/:": async ({ state, parts, body }) => {
    const preset = state.presets.find((one) => one.id === parts[0] && !one.builtin);
    if (!preset) throw new Refusal(404, "There is no such preset.");
    return Object.assign(preset, await body());
  },
  "DELETE /presets/:": ({ state, parts }) => ((state.presets = state.presets.filter((one) => one.id !== parts[0])), {}),

  "POST /feedback": async ({ state, body }) => {
    const given = (await body()) as unknown as Partial<Feedback> & { chosen?: string; rejected?: string };
    const id = given.chosen ?? given.message;
    const { message } = findMessage(state, id);
    const feedback: Feedback = {
      id: makeId(),
      kind: given.kind ?? "rating",
      message: message.id,
      other: given.rejected ?? null,
      rating: given.rating ?? 0,
      reasons: given.reasons ?? [],
      comment: given.comment ?? "",
      text: given.text ?? "",
      tie: given.tie ?? false,
      model: message.model ?? "",
      created: Date.now(),
      user: "local",
    };
    if (feedback.kind === "rating") {
      message.feedback = message.feedback.filter((one) => one.kind !== "rating");
      state.feedback = state.feedback.filter((one) => one.kind !== "rating" || one.message !== message.id);
    }
    message.feedback.push(feedback);
    state.feedback.unshift(feedback);
    return [201, feedback];
  },
  "DELETE /feedback/:": ({ state, parts }) => {
    const feedback = state.feedback.find((one) => one.id === parts[0]);
    if (!feedback) throw new Refusal(404, "There is no such feedback.");
    state.feedback = state.feedback.filter((one) => one !== feedback);
    const { message } = findMessage(state, feedback.message);
    message.feedback = message.feedback.filter((one) => one !== feedback);
    return {};
  },
  "GET /feedback": ({ state, query }) => ({
    feedback: state.feedback
      .filter((one) => !query.get("kind") || one.kind === query.get("kind"))
      .map((one) => ({ ...one, prompt: "What is attention?", answer: findMessage(state, one.message).message.content, other: one.other ? findMessage(state, one.other).message.content : "" })),
    next: null,
  }),
  "GET /feedback/stats": ({ state }) => ({
    counts: {
      up: state.feedback.filter((one) => one.rating === 1).length + 42,
      down: state.feedback.filter((one) => one.rating === -1).length + 9,
      comparisons: state.feedback.filter((one) => one.kind === "comparison").length + 31,
      ties: state.feedback.filter((one) => one.tie).length + 4,
      corrections: state.feedback.filter((one) => one.kind === "correction").length + 6,
    },
    by_model: [
      { model: "parley-chat", up: 30, down: 4, wins: 19, losses: 8 },
      { model: "parley-chat-int4", up: 12, down: 5, wins: 8, losses: 19 },
    ],
    agreement: { pairs: 6, agree: 13, share: 0.81 },
    by_day: Array.from({ length: 21 }, (_, i) => ({
      day: new Date(Date.now() - (20 - i) * 86_400_000).toISOString().slice(0, 10),
      up: (i * 7) % 5,
      down: (i * 3) % 3,
      comparisons: (i * 5) % 4,
    })),
  }),

  "POST /playground/tokenize": async ({ body }) => {
    const { text } = (await body()) as unknown as { text: string };
    return { tokens: (text.match(/ ?\w{1,4}|\s|[^\s\w]/gu) ?? []).map((one, index) => ({ id: 100 + index, text: one, special: false })) };
  },
  "POST /playground/render": async ({ body }) => {
    const { messages } = (await body()) as unknown as { messages: { role: string; content: string }[] };
    const prompt = messages.map((one) => `<|im_start|>${one.role}\n${one.content}<|im_end|>\n`).join("") + "<|im_start|>assistant\n";
    return { prompt, tokens: prompt.split(/(<\|[^|]+\|>| ?\w+)/).filter(Boolean).map((text, id) => ({ id, text, special: text.startsWith("<|") })) };
  },

  "GET /runs": () => ({
    configured: true,
    runs: [
      { name: "gpt2-small/pretrain", stage: "pretrain", started: Date.now() - 7_200_000, updated: Date.now() - 20_000, steps: 900, last: { step: 900, loss: 3.41, lr: 0.0003 }, config: { batch: 64, context: 1024 } },
      { name: "gpt2-small/sft", stage: "sft", started: Date.now() - 90_000_000, updated: Date.now() - 80_000_000, steps: 300, last: { step: 300, loss: 1.62 }, config: { batch: 32 } },
    ],
  }),
  "GET /runs/:/metrics": ({ query }) => {
    const after = Number(query.get("after") ?? 0);
    const lines = Array.from({ length: 900 }, (_, i) => ({ step: i + 1, loss: 3.2 + 7 * Math.exp(-i / 120) + Math.sin(i * 12.9) * 0.06, lr: 0.0003 * Math.min(1, i / 100), tokens_per_second: 5200 + (i % 17) * 12 }));
    return { lines: lines.slice(after), next: lines.length };
  },
  "GET /runs/:/samples": () => ({ markdown: "## Step 900\n\n> The capital of France is\n\nParis, and it was the first time that the city had a museum." }),
  "GET /winrates": () => ({ tables: [] }),
};

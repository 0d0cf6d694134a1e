// The server's interface in memory, as a function from Request to Response: the development server and unit tests use it.
import { randomBytes } from "node:crypto";
import type {
  Conversation,
  Document,
  Feedback,
  Memory,
  Message,
  Preset,
  SearchHit,
  Session,
  Settings,
  Summary,
} from "../src/api/types";
import { answerTo } from "./answers";
import { extraRoutes } from "./extra";
import { pageRoutes } from "./pages";
import { seed } from "./seed";

export interface Options {
  tokensPerSecond?: number; // of answers; default 60
  empty?: boolean; // no seeded conversations
}

export interface State {
  conversations: Map<string, Conversation>;
  memories: Memory[];
  documents: Map<string, Document & { text: string }>;
  presets: Preset[];
  feedback: Feedback[];
  settings: Partial<Settings>;
  newDraft: string;
  jobs: Map<string, Job>;
  speed: number;
}

interface Job {
  message: Message;
  rest: string;
  listeners: Set<() => void>;
  timer: ReturnType<typeof setInterval>;
}

export const makeId = () => randomBytes(16).toString("base64url");

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code = "",
  ) {
    super(message);
  }
}

export type Route = (call: Call) => unknown;

export interface Call {
  state: State;
  parts: string[];
  query: URLSearchParams;
  body: () => Promise<Record<string, never> & Record<string, unknown>>;
  request: Request;
}

export function newMessage(conversation: string, parent: string | null, role: "user" | "assistant", content: string): Message {
  return {
    id: makeId(),
    conversation,
    parent,
    role,
    content,
    created: Date.now(),
    status: "done",
    model: role === "assistant" ? "parley-chat" : "",
    params: {},
    finish: role === "assistant" ? "stop" : null,
    error: null,
    prompt_tokens: 0,
    answer_tokens: 0,
    first_token_ms: 0,
    total_ms: 0,
    documents: [],
    citations: [],
    used_memories: [],
    saved_memory: null,
    suggested_memory: null,
    dropped: 0,
    feedback: [],
  };
}

export function newConversation(title: string, more: Partial<Conversation> = {}): Conversation {
  return {
    id: makeId(),
    title,
    model: "parley-chat",
    archived: false,
    created: Date.now(),
    updated: Date.now(),
    system: "",
    params: {},
    leaf: null,
    draft: "",
    messages: [],
    summaries: [],
    ...more,
  };
}

function summary(conversation: Conversation): Summary {
  const { messages: _messages, summaries: _summaries, ...rest } = conversation;
  return rest;
}

function find(state: State, id: string | undefined): Conversation {
  const conversation = state.conversations.get(id ?? "");
  if (!conversation) throw new Refusal(404, "There is no such conversation.", "not_found");
  return conversation;
}

export function findMessage(state: State, id: string | undefined): { conversation: Conversation; message: Message } {
  for (const conversation of state.conversations.values()) {
    const message = conversation.messages.find((one) => one.id === id);
    if (message) return { conversation, message };
  }
  throw new Refusal(404, "There is no such message.", "not_found");
}

function begin(state: State, conversation: Conversation, parent: Message, variant: number): Message {
  const message = newMessage(conversation.id, parent.id, "assistant", "");
  message.status = "streaming";
  message.finish = null;
  message.created = Math.max(message.created, parent.created + 1) + (variant === 1 ? 1 : 0);
  message.prompt_tokens = Math.ceil(parent.content.length / 4) + 40;
  if (parent.documents.length) {
    message.citations = parent.documents.map((document, index) => ({
      number: index + 1,
      document: document.id,
      name: document.name,
      passage: 0,
      page: 0,
      text: state.documents.get(document.id)?.text.slice(0, 400) ?? "",
    }));
  }
  if (state.settings.memory !== false) message.used_memories = state.memories.filter((one) => one.enabled).slice(0, 2).map(({ id, text }) => ({ id, text }));
  conversation.messages.push(message);
  conversation.leaf = message.id;
  conversation.updated = Date.now();
  const cited = message.citations.map((one) => `[${one.number}]`).join("");
  run(state, message, answerTo(parent.content, variant) + (cited ? `\n\nYour file says more about this ${cited}.` : ""), parent.content);
  if (!conversation.title) conversation.title = parent.content.slice(0, 40);
  return message;
}

function run(state: State, message: Message, text: string, question: string): void {
  const started = Date.now();
  let tick = 0;
  const job: Job = {
    message,
    rest: text,
    listeners: new Set(),
    timer: setInterval(
      () => {
        tick++;
        const length = Math.max(1, Math.round((state.speed * 4) / 50));
        if (tick === 1) message.first_token_ms = Date.now() - started;
        message.content += job.rest.slice(0, length);
        job.rest = job.rest.slice(length);
        message.answer_tokens = Math.ceil(message.content.length / 4);
        if (/\berror\b/.test(question) && message.content.length > 120) return end(state, job, "error");
        if (/\bcut\b/.test(question) && message.content.length > 200) {
          message.finish = "length";
          return end(state, job, "done");
        }
        if (!job.rest) {
          message.finish = "stop";
          return end(state, job, "done");
        }
        for (const listener of job.listeners) listener();
      },
      20,
    ),
  };
  state.jobs.set(message.id, job);
}

function end(state: State, job: Job, status: Message["status"]): void {
  clearInterval(job.timer);
  job.message.status = status;
  job.message.total_ms = Date.now() - job.message.created;
  if (status === "error") job.message.error = "The model ran out of memory. Try a shorter conversation.";
  state.jobs.delete(job.message.id);
  for (const listener of job.listeners) listener();
}

function stream(state: State, message: Message, from: number): Response {
  const encoder = new TextEncoder();
  let at = from;
  let close = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: object) => controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
      if (from > message.content.length) {
        send({ type: "reset", text: message.content });
        at = message.content.length;
      }
      const job = state.jobs.get(message.id);
      const news = () => {
        if (message.content.length > at) send({ type: "delta", offset: at, text: message.content.slice(at) });
        at = message.content.length;
        if (message.status === "streaming") return;
        close();
        send({ type: "done", message });
        controller.close();
      };
      close = () => job?.listeners.delete(news);
      job?.listeners.add(news);
      controller.enqueue(encoder.encode(": keep-alive\n\n"));
      news();
    },
    cancel() {
      close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" } });
}

function session(state: State): Session {
  return {
    user: { id: "local", name: "local", role: "admin", disabled: false, daily_tokens: 0, created: 0 },
    csrf: "csrf",
    users_enabled: false,
    setup_needed: false,
    models: [
      { id: "parley-chat", context: 2048, chat: true },
      { id: "parley-chat-int4", context: 2048, chat: true },
      { id: "gpt2", context: 1024, chat: false },
    ],
    version: "mock",
    settings: state.settings,
  };
}

const kRoutes: Record<string, Route> = {
  "GET /session": ({ state }) => session(state),
  "PUT /settings": async ({ state, body }) => Object.assign(state.settings, await body()),

  "GET /conversations": ({ state, query }) => {
    const all = [...state.conversations.values()]
      .filter((one) => one.archived === (query.get("archived") === "1"))
      .sort((a, b) => b.updated - a.updated || (a.id < b.id ? 1 : -1));
    const before = query.get("before");
    const start = before ? all.findIndex((one) => `${one.updated}_${one.id}` === before) + 1 : 0;
    const page = all.slice(start, start + Number(query.get("limit") ?? 50));
    const last = page.at(-1);
    return {
      conversations: page.map(summary),
      next: last && start + page.length < all.length ? `${last.updated}_${last.id}` : null,
    };
  },
  "POST /conversations": async ({ state, body }) => {
    const { title = "", ...more } = (await body()) as Partial<Conversation>;
    const conversation = newConversation(title, more);
    state.conversations.set(conversation.id, conversation);
    return [201, conversation];
  },
  "DELETE /conversations": ({ state }) => (state.conversations.clear(), {}),
  "GET /conversations/:": ({ state, parts }) => find(state, parts[0]),
  "PATCH /conversations/:": async ({ state, parts, body }) => summary(Object.assign(find(state, parts[0]), await body())),
  "DELETE /conversations/:": ({ state, parts }) => (state.conversations.delete(find(state, parts[0]).id), {}),
  "PUT /conversations/:/draft": async ({ state, parts, body }) => {
    const { text } = (await body()) as unknown as { text: string };
    if (parts[0] === "new") state.newDraft = text;
    else find(state, parts[0]).draft = text;
    return {};
  },
  "GET /conversations/:/draft": ({ state, parts }) => ({ text: parts[0] === "new" ? state.newDraft : find(state, parts[0]).draft }),
  "GET /conversations/:/export": ({ state, parts, query }) => {
    const conversation = find(state, parts[0]);
    const markdown = query.get("format") === "markdown";
    const text = markdown
      ? conversation.messages.map((one) => `## ${one.role}\n\n${one.content}`).join("\n\n")
      : JSON.stringify({ format: "parley", version: 1, conversations: [conversation] });
    return new Response(text, {
      headers: { "Content-Disposition": `attachment; filename="conversation.${markdown ? "md" : "json"}"` },
    });
  },
  "GET /export": ({ state }) => ({ format: "parley", version: 1, conversations: [...state.conversations.values()] }),
  "POST /import": async ({ state, body }) => {
    const given = (await body()) as unknown;
    const list = (Array.isArray(given) ? given : (given as { conversations?: unknown[] }).conversations) as
      | { title?: string; mapping?: object; messages?: Message[] }[]
      | undefined;
    if (!list) throw new Refusal(400, "Neither an export of parley nor ChatGPT's conversations.json.");
    const problems: string[] = [];
    let imported = 0;
    list.forEach((one, index) => {
      if (!one.mapping && !one.messages) return void problems.push(`Conversation ${index + 1} has no messages.`);
      const conversation = newConversation(one.title ?? "Imported");
      const first = newMessage(conversation.id, null, "user", "(imported)");
      conversation.messages = one.messages ?? [first];
      conversation.leaf = conversation.messages.at(-1)?.id ?? null;
      state.conversations.set(conversation.id, conversation);
      imported++;
    });
    return { imported, skipped: problems.length, problems };
  },
  "GET /search": ({ state, query }) => {
    const q = (query.get("q") ?? "").toLowerCase();
    const hits: SearchHit[] = [];
    for (const conversation of state.conversations.values())
      for (const message of conversation.messages) {
        const at = message.content.toLowerCase().indexOf(q);
        if (!q || at < 0 || hits.length >= Number(query.get("limit") ?? 30)) continue;
        const text = message.content;
        hits.push({
          conversation: conversation.id,
          title: conversation.title,
          message: message.id,
          role: message.role,
          snippet: `${at > 40 ? "…" : ""}${text.slice(Math.max(0, at - 40), at)}\uE000${text.slice(at, at + q.length)}\uE001${text.slice(at + q.length, at + 80)}`,
          created: message.created,
        });
      }
    return { hits };
  },

  "POST /conversations/:/messages": async ({ state, parts, body }) => {
    const conversation = find(state, parts[0]);
    const { parent, content, documents, answers } = (await body()) as unknown as {
      parent: string | null;
      content: string;
      documents: string[];
      answers: number;
    };
    if (/\bquota\b/.test(content)) throw new Refusal(429, "Today's 10,000 tokens are used up.", "quota");
    if (/\bbusy\b/.test(content)) throw new Refusal(429, "The queue is full.", "busy");
    const user = newMessage(conversation.id, parent, "user", content);
    user.documents = documents.map((id) => ({ id, name: state.documents.get(id)?.name ?? "?" }));
    const save = /^(?:remember that|记住)[,，: ：]*(.+)/i.exec(content)?.[1];
    if (save) {
      user.saved_memory = { id: makeId(), text: save, enabled: true, created: Date.now(), updated: Date.now(), source: conversation.id };
      state.memories.push(user.saved_memory);
    } else if (/^(my name is|i live in|我叫|我住在)/i.test(content)) user.suggested_memory = content;
    conversation.messages.push(user);
    conversation.draft = "";
    const made = Array.from({ length: answers }, (_, i) => begin(state, conversation, user, i));
    conversation.leaf = made[0]?.id ?? user.id;
    return [201, { user, answers: made }];
  },
  "POST /messages/:/regenerate": ({ state, parts }) => {
    const { conversation, message } = findMessage(state, parts[0]);
    const parent = conversation.messages.find((one) => one.id === message.parent);
    if (!parent) throw new Refusal(400, "Only answers can be made anew.");
    const count = conversation.messages.filter((one) => one.parent === parent.id).length;
    return { answers: [begin(state, conversation, parent, count)] };
  },
  "POST /messages/:/continue": ({ state, parts }) => {
    const { message } = findMessage(state, parts[0]);
    message.status = "streaming";
    message.finish = null;
    run(state, message, " And this is how it goes on from there, until everything has been said.", "");
    return { answers: [message] };
  },
  "POST /messages/:/stop": ({ state, parts }) => {
    const { message } = findMessage(state, parts[0]);
    const job = state.jobs.get(message.id);
    if (job) end(state, job, "stopped");
    return message;
  },
  "GET /messages/:": ({ state, parts }) => findMessage(state, parts[0]).message,
  "GET /messages/:/stream": ({ state, parts, query }) =>
    stream(state, findMessage(state, parts[0]).message, Number(query.get("from") ?? 0)),
};

function match(routes: Record<string, Route>, method: string, path: string): { route: Route; parts: string[] } | null {
  for (const [name, route] of Object.entries(routes)) {
    const [verb, pattern = ""] = name.split(" ");
    const found = verb === method && new RegExp(`^${pattern.replaceAll(":", "([^/]+)")}$`).exec(path);
    if (found) return { route, parts: found.slice(1).map(decodeURIComponent) };
  }
  return null;
}

export function createApi(options: Options = {}): { handle: (request: Request) => Promise<Response>; state: State } {
  const state: State = {
    conversations: new Map(),
    memories: [],
    documents: new Map(),
    presets: [],
    feedback: [],
    settings: {},
    newDraft: "",
    jobs: new Map(),
    speed: options.tokensPerSecond ?? 60,
  };
  if (!options.empty) seed(state);
  const routes = { ...kRoutes, ...extraRoutes, ...pageRoutes(kRoutes["GET /session"]!) };
  const handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const found = match(routes, request.method, url.pathname.replace(/^\/app\/api/, ""));
    try {
      if (!found) throw new Refusal(404, `The mock has no ${request.method} ${url.pathname}.`, "not_found");
      if (request.method !== "GET" && request.headers.get("X-CSRF-Token") !== "csrf") throw new Refusal(403, "No CSRF token.", "csrf");
      const answer = await found.route({
        state,
        parts: found.parts,
        query: url.searchParams,
        body: () => request.json() as Promise<never>,
        request,
      });
      if (answer instanceof Response) return answer;
      if (Array.isArray(answer)) return Response.json(answer[1], { status: answer[0] as number });
      return Response.json(answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return Response.json(
        { error: { message: error.message, type: "invalid_request_error", param: null, code: error.code } },
        { status: error.status },
      );
    }
  };
  return { handle, state };
}

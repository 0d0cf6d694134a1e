// The app's own interface, for what a test needs but is not about. It shares the page's session.
import type { APIRequestContext } from "@playwright/test";

export interface Message {
  id: string;
  parent: string | null;
  role: "user" | "assistant";
  content: string;
  status: string;
  model: string;
  prompt_tokens: number;
  answer_tokens: number;
  finish: string | null;
  citations: { number: number; name: string; text: string }[];
  used_memories: { id: string; text: string }[];
  feedback: { kind: string; rating: number; reasons: string[]; comment: string; text: string; tie: boolean }[];
}

export interface Conversation {
  id: string;
  title: string;
  system: string;
  params: Record<string, unknown>;
  model: string;
  leaf: string | null;
  archived: boolean;
  messages: Message[];
}

type Json = unknown;

export class Api {
  private csrf: string | null = null;

  constructor(
    private readonly request: APIRequestContext,
    private readonly base: string,
  ) {}

  // After a log-in or a log-out the token is another one.
  forget(): void {
    this.csrf = null;
  }

  async call<T = Json>(method: string, path: string, body?: Json): Promise<T> {
    if (method !== "GET" && this.csrf === null) {
      const session = await this.request.get(`${this.base}/app/api/session`);
      this.csrf = ((await session.json()) as { csrf: string }).csrf;
    }
    const answer = await this.request.fetch(`${this.base}/app/api${path}`, {
      method,
      headers: this.csrf === null ? {} : { "X-CSRF-Token": this.csrf },
      ...(body === undefined ? {} : { data: body }),
    });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  get<T = Json>(path: string): Promise<T> {
    return this.call<T>("GET", path);
  }
  post<T = Json>(path: string, body: Json = {}): Promise<T> {
    return this.call<T>("POST", path, body);
  }
  settings(change: Record<string, unknown>): Promise<Json> {
    return this.call("PUT", "/settings", change);
  }
  conversation(id: string): Promise<Conversation> {
    return this.get<Conversation>(`/conversations/${id}`);
  }
  // The newest one.
  async latest(): Promise<Conversation> {
    const { conversations } = await this.get<{ conversations: { id: string }[] }>("/conversations");
    return this.conversation(conversations[0]!.id);
  }
  // A conversation of these turns, user first; returns its id.
  async imported(title: string, turns: string[]): Promise<string> {
    const report = await this.post<{ imported: number; problems: string[] }>("/import", exported([{ title, turns }]));
    if (report.imported !== 1) throw new Error(`import: ${report.problems.join(" ")}`);
    const { conversations } = await this.get<{ conversations: { id: string; title: string }[] }>("/conversations");
    return conversations.find((one) => one.title === title)!.id;
  }
}

// What GET /export gives, made by hand.
export function exported(conversations: { title: string; turns: string[] }[]): object {
  const now = Date.now() - 3_600_000;
  return {
    format: "parley",
    version: 1,
    conversations: conversations.map(({ title, turns }, n) => ({
      title,
      system: "",
      params: {},
      model: "",
      archived: false,
      created: now + n,
      updated: now + n + turns.length,
      leaf: `m${turns.length - 1}`,
      messages: turns.map((content, i) => ({
        id: `m${i}`,
        parent: i === 0 ? null : `m${i - 1}`,
        role: i % 2 === 0 ? "user" : "assistant",
        content,
        created: now + n + i,
        status: "done",
      })),
    })),
  };
}

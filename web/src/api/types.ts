// The shapes of docs/app_api.md.

export type Role = "user" | "admin";
export type Language = "en" | "zh";

export interface User {
  id: string;
  name: string;
  role: Role;
  disabled: boolean;
  daily_tokens: number;
  created: number;
}

export interface UserRow extends User {
  tokens_today: number;
  conversations: number;
}

export interface Params {
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  presence_penalty?: number;
  frequency_penalty?: number;
  stop?: string[];
  seed?: number;
}

export interface Instructions {
  about: string;
  style: string;
  enabled: boolean;
}

export interface Settings {
  language: "auto" | Language;
  theme: "auto" | "light" | "dark";
  model: string;
  instructions: Instructions;
  memory: boolean;
  suggest_memories: boolean;
  params: Params;
  send_with_enter: boolean;
}

export interface ModelInfo {
  id: string;
  context: number;
  chat: boolean;
}

export interface Session {
  user: User | null;
  csrf: string;
  users_enabled: boolean;
  setup_needed: boolean;
  models: ModelInfo[];
  version: string;
  settings: Partial<Settings> | null;
}

export interface Invitation {
  id: string;
  code?: string;
  role: Role;
  created: number;
  expires: number;
  used_by: string | null;
}

export interface Summary {
  id: string;
  title: string;
  model: string;
  archived: boolean;
  created: number;
  updated: number;
  system: string;
  params: Params;
  leaf: string | null;
  draft: string;
}

export interface TurnSummary {
  before: string;
  text: string;
  tokens: number;
}

export interface Conversation extends Summary {
  messages: Message[];
  summaries: TurnSummary[];
}

export type Status = "streaming" | "done" | "stopped" | "interrupted" | "error";

export interface Citation {
  number: number;
  document: string;
  name: string;
  passage: number;
  page: number;
  text: string;
}

export interface Message {
  id: string;
  conversation: string;
  parent: string | null;
  role: "user" | "assistant";
  content: string;
  created: number;
  status: Status;
  model: string | null; // NAME@FINGERPRINT
  params: Params;
  finish: "stop" | "length" | null;
  error: string | null;
  prompt_tokens: number;
  answer_tokens: number;
  first_token_ms: number | null;
  total_ms: number | null;
  documents: { id: string; name: string }[];
  citations: Citation[];
  used_memories: { id: string; text: string }[];
  saved_memory: Memory | null;
  suggested_memory: string | null;
  dropped: number;
  feedback: Feedback[];
}

export interface Memory {
  id: string;
  text: string;
  enabled: boolean;
  created: number;
  updated: number;
  source: string | null;
}

export interface Document {
  id: string;
  name: string;
  bytes: number;
  characters: number;
  passages: number;
  kind: "text" | "pdf";
  created: number;
}

export interface Passage {
  document: string;
  name: string;
  number: number;
  text: string;
  page: number;
  start_line: number;
}

export interface Preset {
  id: string;
  title: string;
  system: string;
  template: string;
  params: Params;
  language: string;
  builtin: boolean;
}

export type FeedbackKind = "rating" | "comparison" | "correction";

export interface Feedback {
  id: string;
  kind: FeedbackKind;
  message: string;
  other: string | null;
  rating: number;
  reasons: string[];
  comment: string;
  text: string;
  tie: boolean;
  model: string;
  created: number;
  user: string;
}

export interface FeedbackRow extends Omit<Feedback, "other"> {
  prompt: string;
  answer: string;
  other: string;
}

export interface FeedbackStats {
  counts: { up: number; down: number; comparisons: number; ties: number; corrections: number };
  by_model: { model: string; up: number; down: number; wins: number; losses: number }[];
  agreement: { pairs: number; agree: number; share: number | null };
  by_day: { day: string; up: number; down: number; comparisons: number }[];
}

export interface SearchHit {
  conversation: string;
  title: string;
  message: string | null; // null: found in the title
  role: "user" | "assistant" | null;
  snippet: string;
  created: number;
}

export interface Token {
  id: number;
  text: string;
  special: boolean;
}

export interface Run {
  name: string;
  stage: string;
  started: number;
  updated: number;
  steps: number;
  last: Record<string, unknown>;
  config: Record<string, unknown>;
}

export interface ImportReport {
  imported: number;
  skipped: number;
  problems: string[];
}

// The form's fields as a request of the completions or chat API, and what is wrong with them.
import {
  boundsOf,
  checkNumber,
  checkParams,
  kEmptyParams,
  kMostStops,
  numberIn,
  stopsOf,
  type NumberField,
  type ParamForm,
  type ParamProblems,
  type Problem,
} from "../params/fields";

export type Mode = "completion" | "chat";

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

export interface Form extends ParamForm {
  mode: Mode;
  model: string;
  prompt: string;
  suffix: string;
  messages: ChatMessage[];
  n: string;
}

export const kDefaultForm: Form = {
  ...kEmptyParams,
  mode: "completion",
  model: "",
  prompt: "",
  suffix: "",
  messages: [
    { role: "system", content: "" },
    { role: "user", content: "" },
  ],
  temperature: "0.8",
  top_p: "1",
  max_tokens: "128",
  n: "1",
};

// A form as it was kept in the browser: what does not fit is left at its default.
export function restoreForm(text: string | null): Form {
  const form: Form = { ...kDefaultForm };
  let saved: unknown;
  try {
    saved = JSON.parse(text ?? "null");
  } catch {
    return form;
  }
  if (typeof saved !== "object" || saved === null) return form;
  const kept = saved as Record<string, unknown>;
  for (const key of Object.keys(form) as (keyof Form)[])
    if (key !== "messages" && key !== "mode" && typeof kept[key] === "string") form[key] = kept[key];
  if (kept.mode === "chat") form.mode = "chat";
  if (Array.isArray(kept.messages)) {
    const messages = kept.messages.filter(
      (one: unknown): one is ChatMessage =>
        typeof one === "object" &&
        one !== null &&
        ["system", "user", "assistant"].includes((one as ChatMessage).role) &&
        typeof (one as ChatMessage).content === "string",
    );
    if (messages.length > 0) form.messages = messages;
  }
  return form;
}

export type Problems = ParamProblems & { n?: Problem; messages?: Problem };

export function check(form: Form): Problems {
  const problems: Problems = checkParams(form);
  const n = checkNumber("n", form.n);
  if (n) problems.n = n;
  if (form.mode === "chat" && sentMessages(form).length === 0) problems.messages = "empty";
  return problems;
}

// An empty message is none.
export function sentMessages(form: Form): ChatMessage[] {
  return form.messages.filter((message) => message.content.trim() !== "");
}

export type Body = Record<string, unknown>;

// The request without what only this page needs (stream, logprobs). Fields at the API's own default are left out,
// so that the code samples stay short.
export function requestBody(form: Form): Body {
  const body: Body = { model: form.model };
  if (form.mode === "chat") {
    body.messages = sentMessages(form);
  } else {
    body.prompt = form.prompt;
    if (form.suffix !== "") body.suffix = form.suffix;
  }
  const add = (field: NumberField) => {
    const value = numberIn(field, form[field]);
    if (value !== undefined && value !== boundsOf(field).otherwise) body[field] = value;
  };
  add("temperature");
  add("top_p");
  add("max_tokens");
  add("presence_penalty");
  add("frequency_penalty");
  const stops = stopsOf(form.stop).slice(0, kMostStops);
  if (stops.length > 0) body.stop = stops;
  add("seed");
  add("n");
  return body;
}

// What this page sends: every token with its alternatives, as it comes.
export function streamedBody(form: Form): Body {
  const wanted = form.mode === "chat" ? { logprobs: true, top_logprobs: 5 } : { logprobs: 5 };
  return { ...requestBody(form), ...wanted, stream: true, stream_options: { include_usage: true } };
}

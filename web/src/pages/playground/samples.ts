// The same request as code: curl, Python, JavaScript.
import type { Body, Mode } from "./request";

export type Language = "curl" | "python" | "javascript";

export interface SampleOptions {
  origin: string; // of this page, "http://127.0.0.1:8080"
  mode: Mode;
  body: Body;
}

export function sample(language: Language, options: SampleOptions): string {
  if (language === "curl") return curl(options);
  return language === "python" ? python(options) : javascript(options);
}

const pathOf = (mode: Mode) => (mode === "chat" ? "/v1/chat/completions" : "/v1/completions");

// For a POSIX shell: in single quotes only the quote itself is special.
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function curl({ origin, mode, body }: SampleOptions): string {
  return [
    `curl ${shellQuote(origin + pathOf(mode))} \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -H "Authorization: Bearer $PARLEY_API_KEY" \\`,
    `  -d ${shellQuote(JSON.stringify(body, null, 2))}`,
  ].join("\n");
}

// A JSON value as a Python literal. JSON's escapes are Python's, apart from halves of surrogate
// pairs, which JSON.stringify writes as escapes that Python takes too.
export function pythonLiteral(value: unknown, indent = ""): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object"))
      return `[${value.map((one) => pythonLiteral(one)).join(", ")}]`;
    const inner = indent + "    ";
    return `[\n${value.map((one) => `${inner}${pythonLiteral(one, inner)},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object") {
    const entries = Object.entries(value).map(
      ([key, one]) => `${JSON.stringify(key)}: ${pythonLiteral(one, indent)}`,
    );
    return `{${entries.join(", ")}}`;
  }
  return JSON.stringify(value);
}

function python({ origin, mode, body }: SampleOptions): string {
  const call = mode === "chat" ? "client.chat.completions.create" : "client.completions.create";
  const fields = Object.entries(body).map(
    ([key, value]) => `    ${key}=${pythonLiteral(value, "    ")},`,
  );
  const piece =
    mode === "chat" ? 'chunk.choices[0].delta.content or ""' : "chunk.choices[0].text";
  return [
    "import os",
    "",
    "from openai import OpenAI  # pip install openai",
    "",
    "client = OpenAI(",
    `    base_url=${JSON.stringify(origin + "/v1")},`,
    '    api_key=os.environ.get("PARLEY_API_KEY", "none"),',
    ")",
    `stream = ${call}(`,
    ...fields,
    "    stream=True,",
    ")",
    "for chunk in stream:",
    ...(Number(body.n ?? 1) > 1 ? ["    # several answers come mixed: see choices[0].index"] : []),
    `    print(${piece}, end="", flush=True)`,
  ].join("\n");
}

// A JSON value as a JavaScript literal, keys unquoted where they may be.
export function javascriptLiteral(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object"))
      return `[${value.map((one) => javascriptLiteral(one)).join(", ")}]`;
    const inner = indent + "  ";
    return `[\n${value
      .map((one) => `${inner}${javascriptLiteral(one, inner)},\n`)
      .join("")}${indent}]`;
  }
  if (value && typeof value === "object") {
    const entries = Object.entries(value).map(
      ([key, one]) =>
        `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${javascriptLiteral(one, indent)}`,
    );
    return `{ ${entries.join(", ")} }`;
  }
  return JSON.stringify(value ?? null);
}

function javascript({ origin, mode, body }: SampleOptions): string {
  const call = mode === "chat" ? "client.chat.completions.create" : "client.completions.create";
  const fields = Object.entries(body).map(
    ([key, value]) => `  ${key}: ${javascriptLiteral(value, "  ")},`,
  );
  const piece =
    mode === "chat" ? 'chunk.choices[0].delta.content ?? ""' : "chunk.choices[0].text";
  return [
    'import OpenAI from "openai"; // npm install openai',
    "",
    "const client = new OpenAI({",
    `  baseURL: ${JSON.stringify(origin + "/v1")},`,
    '  apiKey: process.env.PARLEY_API_KEY ?? "none",',
    "});",
    `const stream = await ${call}({`,
    ...fields,
    "  stream: true,",
    "});",
    "for await (const chunk of stream) {",
    ...(Number(body.n ?? 1) > 1 ? ["  // several answers come mixed: see choices[0].index"] : []),
    `  process.stdout.write(${piece});`,
    "}",
  ].join("\n");
}

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { javascriptLiteral, pythonLiteral, sample, shellQuote } from "./samples";

const origin = "http://127.0.0.1:8080";
const kNasty = `It's "so" \\ $HOME \`id\` !! %s 你好 😀\n\ttwo`;
const value = { text: kNasty, stop: ["\n", "User:"], flag: true, none: null, list: [{ role: "user", "a-b": 1.5e-7 }] };

function has(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("literals mean the same in their language", () => {
  it("shell", () => {
    const said = execFileSync("sh", ["-c", `printf %s ${shellQuote(kNasty)}`], { encoding: "utf8" });
    expect(said).toBe(kNasty);
  });

  it("JavaScript", () => {
    expect(new Function(`return ${javascriptLiteral(value)}`)()).toEqual(value);
  });

  it.skipIf(!has("python3"))("Python", () => {
    const said = execFileSync("python3", ["-c", `import json\nprint(json.dumps(${pythonLiteral(value)}))`], {
      encoding: "utf8",
    });
    expect(JSON.parse(said)).toEqual(value);
  });
});

describe("samples", () => {
  const body = { model: "m", prompt: "Once", temperature: 0.8, stop: ["\n"] };
  const chat = { model: "m", messages: [{ role: "user", content: "Hi" }] };

  it("curl", () => {
    const code = sample("curl", { origin, mode: "completion", body });
    expect(code).toContain("curl 'http://127.0.0.1:8080/v1/completions'");
    expect(code).toContain('"temperature": 0.8');
    expect(sample("curl", { origin, mode: "chat", body: chat })).toContain("/v1/chat/completions");
  });

  it("Python", () => {
    const code = sample("python", { origin, mode: "chat", body: chat });
    expect(code).toContain('base_url="http://127.0.0.1:8080/v1"');
    expect(code).toContain("client.chat.completions.create(");
    expect(code).toContain('{"role": "user", "content": "Hi"}');
    expect(sample("python", { origin, mode: "completion", body })).toContain('stop=["\\n"]');
  });

  it("JavaScript", () => {
    const code = sample("javascript", { origin, mode: "completion", body });
    expect(code).toContain('baseURL: "http://127.0.0.1:8080/v1"');
    expect(code).toContain("client.completions.create({");
    expect(code).toContain("process.stdout.write(chunk.choices[0].text)");
  });

  it("say that several answers are mixed", () => {
    expect(sample("python", { origin, mode: "completion", body: { ...body, n: 2 } })).toContain("# several");
  });
});

import { describe, expect, it } from "vitest";
import { check, kDefaultForm, requestBody, restoreForm, streamedBody, type Form } from "./request";

const form = (fields: Partial<Form>): Form => ({ ...kDefaultForm, model: "m", ...fields });

describe("requestBody", () => {
  it("leaves out what the API does anyway", () => {
    expect(requestBody(form({ prompt: "Once", temperature: "1", max_tokens: "" }))).toEqual({
      model: "m",
      prompt: "Once",
    });
  });

  it("has every parameter", () => {
    const body = requestBody(
      form({
        prompt: "a",
        suffix: "z",
        temperature: "0",
        top_p: "0.5",
        max_tokens: "9",
        presence_penalty: "-1",
        frequency_penalty: "2",
        stop: "\\n\nUser:",
        seed: "7",
        n: "3",
      }),
    );
    expect(body).toEqual({
      model: "m",
      prompt: "a",
      suffix: "z",
      temperature: 0,
      top_p: 0.5,
      max_tokens: 9,
      presence_penalty: -1,
      frequency_penalty: 2,
      stop: ["\n", "User:"],
      seed: 7,
      n: 3,
    });
  });

  it("of a chat has messages, no suffix, no empty system message", () => {
    const body = requestBody(
      form({
        mode: "chat",
        suffix: "z",
        messages: [
          { role: "system", content: " " },
          { role: "user", content: "Hi" },
        ],
      }),
    );
    expect(body.messages).toEqual([{ role: "user", content: "Hi" }]);
    expect(body).not.toHaveProperty("suffix");
    expect(body).not.toHaveProperty("prompt");
  });

  it("streams with alternatives in the form of each API", () => {
    expect(streamedBody(form({}))).toMatchObject({ stream: true, logprobs: 5 });
    expect(streamedBody(form({ mode: "chat" }))).toMatchObject({ logprobs: true, top_logprobs: 5 });
  });
});

describe("check", () => {
  it("finds nothing wrong with the defaults", () => expect(check(form({ prompt: "" }))).toEqual({}));

  it("names each problem", () => {
    expect(
      check(form({ temperature: "hot", top_p: "1.5", max_tokens: "1.5", seed: "-1", n: "9", stop: "a\nb\nc\nd\ne" })),
    ).toEqual({
      temperature: "number",
      top_p: "range",
      max_tokens: "integer",
      seed: "range",
      n: "range",
      stop: "stops",
    });
    expect(check(form({ mode: "chat" }))).toEqual({ messages: "empty" });
  });
});

describe("restoreForm", () => {
  it("takes what was kept", () => {
    const kept = form({ mode: "chat", prompt: "x", messages: [{ role: "user", content: "y" }] });
    expect(restoreForm(JSON.stringify(kept))).toEqual(kept);
  });

  it("survives anything", () => {
    for (const text of [null, "", "{", "3", "null", "[]", '{"prompt":5,"mode":"x","messages":[1,{"role":"root"}]}'])
      expect(restoreForm(text)).toEqual(kDefaultForm);
  });
});

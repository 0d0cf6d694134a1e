import { describe, expect, it } from "vitest";
import { checkNumber, checkParams, formOf, kEmptyParams, paramsOf, stopsOf, stopText } from "./fields";

describe("parameters", () => {
  it("come back as they went in", () => {
    const params = { temperature: 0, top_p: 0.9, max_tokens: 100, presence_penalty: -0.5, stop: ["\n", "a\\b\t"], seed: 0 };
    expect(paramsOf(formOf(params))).toEqual(params);
    expect(formOf(null)).toEqual(kEmptyParams);
    expect(paramsOf(kEmptyParams)).toEqual({});
  });

  it("leave out what is wrong", () => {
    expect(paramsOf({ ...kEmptyParams, temperature: "3", top_p: "x" })).toEqual({});
    expect(checkParams({ ...kEmptyParams, temperature: "3", top_p: "x" })).toEqual({ temperature: "range", top_p: "number" });
  });

  it("survive odd values of a server", () => {
    expect(formOf({ temperature: "hot", stop: "x" } as never)).toEqual(kEmptyParams);
  });
});

describe("checkNumber", () => {
  it.each([
    ["temperature", "", null],
    ["temperature", " 0.5 ", null],
    ["temperature", "1e1", "range"],
    ["temperature", "Infinity", "number"],
    ["temperature", "0,5", "number"],
    ["max_tokens", "0", "range"],
    ["max_tokens", "2.5", "integer"],
    ["seed", "9007199254740994", "range"],
  ] as const)("%s %s", (field, text, problem) => {
    expect(checkNumber(field, text)).toBe(problem);
  });
});

describe("stop texts", () => {
  it("are one a line, with escapes", () => {
    expect(stopsOf("\\n\\n\r\n###\n\n\\\\n")).toEqual(["\n\n", "###", "\\n"]);
    expect(stopText(["\n\n", "###", "\\n"])).toBe("\\n\\n\n###\n\\\\n");
  });
});

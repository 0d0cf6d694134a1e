import { describe, expect, it } from "vitest";
import { batches, readImport } from "./import_data";

const kind = (text: string) => {
  try {
    readImport(text);
    return "";
  } catch (error) {
    return (error as { kind: string }).kind;
  }
};

describe("readImport", () => {
  it("knows exports of parley and of ChatGPT", () => {
    const own = readImport('\uFEFF{"format":"parley","version":1,"conversations":[{"title":"a"}]}');
    expect(own.wrap(own.items)).toEqual({ format: "parley", version: 1, conversations: [{ title: "a" }] });
    const chat = readImport('[{"title":"x","mapping":{}},{"title":"y","mapping":{}}]');
    expect(chat.items).toHaveLength(2);
    expect(chat.wrap(chat.items.slice(1))).toEqual([{ title: "y", mapping: {} }]);
  });
  it("refuses everything else, and says why", () => {
    expect(kind("PK\u0003\u0004")).toBe("not_json");
    expect(kind("")).toBe("not_json");
    expect(kind("[]")).toBe("empty");
    expect(kind('{"format":"parley","version":1,"conversations":[]}')).toBe("empty");
    expect(kind("[1,null]")).toBe("unknown");
    expect(kind("null")).toBe("unknown");
    expect(kind('{"format":"other","conversations":[1]}')).toBe("unknown");
  });
});

describe("batches", () => {
  it("keeps parts under the limit and everything in order", () => {
    const items = Array.from({ length: 25 }, (_, i) => ({ title: "标题".repeat(i), i }));
    const parts = [...batches(items, 300, 4)];
    expect(parts.flat()).toEqual(items);
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(4);
      if (part.length > 1) expect(part.reduce((sum, one) => sum + new TextEncoder().encode(JSON.stringify(one)).length, 0)).toBeLessThanOrEqual(300);
    }
    expect([...batches([])]).toEqual([]);
  });
});

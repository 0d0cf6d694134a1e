import { describe, expect, it } from "vitest";
import { newMessage } from "../../mock/api";
import type { Message } from "@/api/types";
import { branchTo, leafThrough, makeTree, newestLeaf, pairOf, siblings, withMessage } from "./tree";

function message(id: string, parent: string | null, created: number, more: Partial<Message> = {}): Message {
  return { ...newMessage("c", parent, /^u/.test(id) ? "user" : "assistant", id), id, created, ...more };
}

//  u1 ─ a1 ─ u2 ─ a2
//     │    └ u3 ─ a3      (u3: u2 edited)
//     └ a4                (a1 made anew)
const messages = [
  message("u1", null, 0),
  message("a1", "u1", 10_000),
  message("u2", "a1", 20_000),
  message("a2", "u2", 30_000),
  message("u3", "a1", 40_000),
  message("a3", "u3", 50_000),
  message("a4", "u1", 60_000),
];
const tree = makeTree(messages);
const ids = (list: Message[]) => list.map((one) => one.id);

describe("tree", () => {
  it("shows the branch of a leaf", () => {
    expect(ids(branchTo(tree, "a2"))).toEqual(["u1", "a1", "u2", "a2"]);
    expect(ids(branchTo(tree, "a4"))).toEqual(["u1", "a4"]);
  });
  it("takes the newest without a leaf, or with one that is gone", () => {
    expect(ids(branchTo(tree, null))).toEqual(["u1", "a4"]);
    expect(ids(branchTo(tree, "gone"))).toEqual(["u1", "a4"]);
    expect(branchTo(makeTree([]), null)).toEqual([]);
  });
  it("knows alternatives in the order they were made", () => {
    expect(ids(siblings(tree, messages[2]!))).toEqual(["u2", "u3"]);
    expect(ids(siblings(tree, messages[6]!))).toEqual(["a1", "a4"]);
    expect(ids(siblings(tree, messages[3]!))).toEqual(["a2"]);
  });
  it("goes down to the newest message of another branch", () => {
    expect(newestLeaf(tree, "a1")).toBe("a3");
    expect(leafThrough(tree, "a1", "a4")).toBe("a3");
    expect(leafThrough(tree, "a1", "a2")).toBe("a2");
    expect(leafThrough(tree, "u2", "a3")).toBe("a2");
    expect(leafThrough(tree, "a4", null)).toBe("a4");
  });
  it("survives damaged trees: lost parents, circles", () => {
    const lost = makeTree([message("u1", "gone", 0), message("a1", "u1", 1)]);
    expect(ids(branchTo(lost, "a1"))).toEqual(["u1", "a1"]);
    expect(ids(siblings(lost, lost.byId.get("u1")!))).toEqual(["u1"]);
    const circle = makeTree([message("u1", "a1", 0), message("a1", "u1", 1)]);
    expect(branchTo(circle, "a1")).toHaveLength(2);
    expect(newestLeaf(circle, "u1")).toBeTruthy();
  });
  it("pairs answers that were asked for together", () => {
    const two = [message("u1", null, 0), message("a1", "u1", 5000), message("a2", "u1", 5002)];
    expect(ids(pairOf(makeTree(two), two[1]!)!)).toEqual(["a1", "a2"]);
    expect(ids(pairOf(makeTree(two), two[2]!)!)).toEqual(["a1", "a2"]);
    expect(pairOf(makeTree([...two, message("u2", "a2", 9000)]), two[1]!)).toBeNull();
    const judged = [two[0]!, two[1]!, message("a2", "u1", 5002, { feedback: [{ kind: "comparison" } as never] })];
    expect(pairOf(makeTree(judged), judged[1]!)).toBeNull();
    expect(pairOf(tree, messages[6]!)).toBeNull();
    // Made anew at once, by somebody quick; or imported without times.
    for (const created of [5300, 5000])
      expect(pairOf(makeTree([two[0]!, two[1]!, message("a2", "u1", created)]), two[1]!)).toBeNull();
    expect(pairOf(tree, messages[0]!)).toBeNull();
    // A third answer, made anew later, does not split the pair.
    const three = [...two, message("a3", "u1", 20_000)];
    expect(pairOf(makeTree(three), three[3]!)).toBeNull();
    expect(ids(pairOf(makeTree(three), three[2]!)!)).toEqual(["a1", "a2"]);
  });
  it("replaces or adds a message without touching the list it had", () => {
    const changed = withMessage(messages, { ...messages[1]!, content: "new" });
    expect(changed[1]?.content).toBe("new");
    expect(messages[1]?.content).toBe("a1");
    expect(withMessage(messages, message("a9", "u1", 99))).toHaveLength(8);
  });
});

// The tree of a conversation's messages, and the branch of it that is shown.
import type { Message } from "@/api/types";

export interface Tree {
  byId: Map<string, Message>;
  children: Map<string | null, Message[]>; // oldest first
}

export function makeTree(messages: readonly Message[]): Tree {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const children = new Map<string | null, Message[]>();
  for (const message of messages) {
    // A parent that is not there (a damaged import) must not hide the message.
    const parent = message.parent !== null && byId.has(message.parent) ? message.parent : null;
    const list = children.get(parent);
    if (list) list.push(message);
    else children.set(parent, [message]);
  }
  // Stable: messages of the same millisecond stay in the server's order.
  for (const list of children.values()) list.sort((a, b) => a.created - b.created);
  return { byId, children };
}

// From the root to `leaf`; without a leaf, to the newest message.
export function branchTo(tree: Tree, leaf: string | null): Message[] {
  let at = leaf !== null ? tree.byId.get(leaf) : undefined;
  if (!at) at = tree.byId.get(newestLeaf(tree, null) ?? "");
  const branch: Message[] = [];
  const seen = new Set<string>();
  while (at && !seen.has(at.id)) {
    seen.add(at.id);
    branch.push(at);
    at = at.parent !== null ? tree.byId.get(at.parent) : undefined;
  }
  return branch.reverse();
}

// The end of the branch that one gets below `id` by always taking the newest.
export function newestLeaf(tree: Tree, id: string | null): string | null {
  const seen = new Set<string | null>();
  let at = id;
  while (!seen.has(at)) {
    seen.add(at);
    const next = tree.children.get(at)?.at(-1);
    if (!next) break;
    at = next.id;
  }
  return at;
}

// Where the branch of a message ends: `leaf` when the message is on its way there, else the newest below it.
export function leafThrough(tree: Tree, id: string, leaf: string | null): string {
  if (branchTo(tree, leaf).some((message) => message.id === id) && leaf !== null && tree.byId.has(leaf)) return leaf;
  return newestLeaf(tree, id) ?? id;
}

// A message and its alternatives: other answers to the same question, other wordings of it.
export function siblings(tree: Tree, message: Message): Message[] {
  const parent = message.parent !== null && tree.byId.has(message.parent) ? message.parent : null;
  return (tree.children.get(parent) ?? []).filter((other) => other.role === message.role);
}

const kTogether = 5; // ms; the server puts at least one between the two

// Two answers that were asked for together and not judged yet: they are shown side by side until one is chosen, or until
// the conversation went on from one of them.
export function pairOf(tree: Tree, message: Message): [Message, Message] | null {
  if (message.role !== "assistant" || message.parent === null) return null;
  const all = siblings(tree, message);
  const index = all.findIndex((other) => other.id === message.id);
  for (const [a, b] of [
    [all[index - 1], all[index]],
    [all[index], all[index + 1]],
  ]) {
    if (!a || !b || b.created === a.created || b.created - a.created > kTogether) continue;
    const fresh = (one: Message) =>
      !tree.children.has(one.id) && one.status !== "error" && !one.feedback.some((given) => given.kind === "comparison");
    if (fresh(a) && fresh(b)) return [a, b];
  }
  return null;
}

// The list with one message put in, or in its place.
export function withMessage(messages: readonly Message[], message: Message): Message[] {
  const index = messages.findIndex((other) => other.id === message.id);
  if (index < 0) return [...messages, message];
  const copy = messages.slice();
  copy[index] = message;
  return copy;
}

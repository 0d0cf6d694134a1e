// Makes [1], [2] … in the text of an answer elements that the page shows as chips, where there is such a citation.
import type { Element, ElementContent, Root } from "hast";

export const kCitationTag = "citation-chip";

export function rehypeCitations(numbers: ReadonlySet<number>) {
  return () => (tree: Root) => {
    if (numbers.size) visit(tree, numbers);
  };
}

function visit(parent: Root | Element, numbers: ReadonlySet<number>): void {
  const children: (ElementContent | Root["children"][number])[] = [];
  for (const child of parent.children) {
    if (child.type === "element") {
      if (!["code", "pre", "a"].includes(child.tagName)) visit(child, numbers);
      children.push(child);
    } else if (child.type === "text") {
      let rest = child.value;
      for (let found = /\[(\d{1,3})\]/.exec(rest); found; found = /\[(\d{1,3})\]/.exec(rest)) {
        const number = Number(found[1]);
        const end = found.index + found[0].length;
        const before = rest.slice(0, numbers.has(number) ? found.index : end);
        if (before) children.push({ type: "text", value: before });
        if (numbers.has(number))
          children.push({ type: "element", tagName: kCitationTag, properties: { dataNumber: number }, children: [] });
        rest = rest.slice(end);
      }
      if (rest) children.push({ type: "text", value: rest });
    } else children.push(child);
  }
  parent.children = children as typeof parent.children;
}

// Raw HTML becomes the text it is written as (but <br>, which models put into tables, a line break), and a picture inside a
// link its description.
import type { PhrasingContent, Root, RootContent } from "mdast";

type Node = Root | RootContent;

export function remarkPlain() {
  return (tree: Root) => visit(tree, false);
}

function visit(parent: Node, inLink: boolean): void {
  if (!("children" in parent)) return;
  const inside = inLink || parent.type === "link" || parent.type === "linkReference";
  parent.children = parent.children.map((child) => {
    if (child.type === "html") return plain(child.value, parent);
    if ((child.type === "image" || child.type === "imageReference") && inside) return { type: "text", value: child.alt ?? "" };
    visit(child, inside);
    return child;
  }) as typeof parent.children;
}

const kFlow = new Set(["root", "blockquote", "listItem", "footnoteDefinition"]);

function plain(value: string, parent: Node): RootContent {
  const content: PhrasingContent = /^<br\s*\/?>$/i.test(value.trim()) ? { type: "break" } : { type: "text", value };
  return kFlow.has(parent.type) ? { type: "paragraph", children: [content] } : content;
}

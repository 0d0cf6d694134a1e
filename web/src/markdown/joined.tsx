// Blocks that are parsed piece by piece and are one element in the page.
import type { Element } from "hast";
import { Children, cloneElement, Fragment, isValidElement, type ReactElement, type ReactNode } from "react";

type AnyElement = ReactElement<{ children?: ReactNode; className?: string; node?: Element }>;

// A parsed piece, taken apart.
export interface Parsed {
  first: AnyElement | undefined; // it may go on in the next piece
  inside: ReactNode;
  loose: boolean | null; // does the list have paragraphs? null: no list
  gap: string | null; // before it
  rest: ReactNode[];
}

const isElement = (node: ReactNode): node is AnyElement => isValidElement(node);
const childrenOf = (node: AnyElement | undefined) => Children.toArray(node?.props.children);
const isTable = (node: AnyElement) => node.props.node?.tagName === "table";
const bodyOf = (nodes: ReactNode[]) => nodes.filter(isElement).find((one) => one.type === "tbody");
const isParagraph = (node: ReactNode) => isElement(node) && node.type === "p";

export function takeApart(root: ReactElement, index: number, gap: string | null): Parsed {
  const nodes = childrenOf(root as AnyElement);
  const first = nodes.find((node, at) => at === 0 && isElement(node)) as AnyElement | undefined;
  const inside = childrenOf(first && isTable(first) ? bodyOf(childrenOf(first)) : first);
  if (inside[0] === "\n") inside.shift();
  const items = inside.filter(isElement).filter((one) => one.type === "li");
  return {
    first,
    inside: (
      <Fragment key={index}>
        {gap}
        {inside}
      </Fragment>
    ),
    loose: items.length ? items.some((item) => childrenOf(item).some(isParagraph)) : null,
    gap,
    rest: first ? nodes.slice(1) : nodes,
  };
}

function goesOn(part: Parsed, before: Parsed): boolean {
  const [a, b] = [before.first, part.first];
  const same = a && b && a.type === b.type && a.props.className === b.props.className && before.loose === part.loose;
  // Items with a blank line between them make a list loose, even if each piece by itself is not.
  return !!same && before.rest.length === 0 && (part.loose !== false || !part.gap);
}

function joined(parts: Parsed[]): AnyElement {
  const element = parts[0]!.first!;
  const inside = parts.map((part) => part.inside);
  const { node } = element.props;
  const props = node && { node: { ...node, children: parts.flatMap((part) => part.first!.props.node!.children) } };
  if (!isTable(element)) return cloneElement(element, props, inside);
  const children = childrenOf(element);
  const body = bodyOf(children);
  return cloneElement(element, props, children.map((child) => (body && child === body ? cloneElement(body, {}, inside) : child)));
}

// What the pieces are together; not exact when one of them is not what the one before it began.
export function join(parts: Parsed[]): { nodes: ReactNode; exact: boolean } {
  const runs: Parsed[][] = [];
  parts.forEach((part, index) => {
    if (index > 0 && goesOn(part, parts[index - 1]!)) runs.at(-1)!.push(part);
    else runs.push([part]);
  });
  const nodes = runs.map((run, index) => (
    <Fragment key={index}>
      {run.length > 1 ? joined(run) : run[0]!.first}
      {run.at(-1)!.rest}
    </Fragment>
  ));
  return { nodes, exact: runs.length === 1 };
}

// Colours for code: highlight.js's grammars as a tree (no HTML strings), loaded when the first code block is seen.
import { createElement, useEffect, useMemo, useState, type ReactNode } from "react";
import type { createLowlight } from "lowlight";

type Lowlight = ReturnType<typeof createLowlight>;
type Node = { type: string; value?: string; properties?: { className?: unknown }; children?: Node[] };

let loaded: Lowlight | null = null;
let loading: Promise<Lowlight> | null = null;

function load(): Promise<Lowlight> {
  loading ??= import("lowlight").then(({ common, createLowlight }) => (loaded = createLowlight(common)));
  loading.catch(() => (loading = null));
  return loading;
}

function toReact(nodes: Node[]): ReactNode[] {
  return nodes.map((node, index) =>
    node.type === "text"
      ? node.value
      : createElement(
          "span",
          { key: index, className: Array.isArray(node.properties?.className) ? node.properties.className.join(" ") : undefined },
          toReact(node.children ?? []),
        ),
  );
}

const kLongest = 40_000; // characters; longer code stays plain

// The code in colours; null while the grammars are loading, when the language is unknown, or for very long code.
export function useHighlight(code: string, language: string, off: boolean): ReactNode {
  const [lowlight, setLowlight] = useState(loaded);
  const wanted = language !== "" && !off && code.length <= kLongest;
  useEffect(() => {
    if (!wanted || lowlight) return;
    let here = true;
    load().then(
      (it) => here && setLowlight(() => it),
      () => {},
    );
    return () => {
      here = false;
    };
  }, [wanted, lowlight]);
  return useMemo(() => {
    if (!wanted || !lowlight?.registered(language)) return null;
    return toReact(lowlight.highlight(language, code).children as Node[]);
  }, [code, language, wanted, lowlight]);
}

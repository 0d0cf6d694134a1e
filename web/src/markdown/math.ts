// KaTeX, loaded when the first formula is seen.
import { useEffect, useState } from "react";
import type { PluggableList } from "unified";

let loaded: PluggableList | null = null;
let loading: Promise<PluggableList> | null = null;

function load(): Promise<PluggableList> {
  loading ??= Promise.all([import("rehype-katex"), import("katex/dist/katex.min.css")]).then(([module]) => {
    // trust off: \href, \includegraphics and \htmlClass stay text. Limits: nobody's formula may hang the page.
    loaded = [[module.default, { trust: false, strict: "ignore", throwOnError: false, maxExpand: 200, maxSize: 20 }]];
    return loaded;
  });
  loading.catch(() => (loading = null));
  return loading;
}

export function useMath(needed: boolean): PluggableList | null {
  const [plugins, setPlugins] = useState(loaded);
  useEffect(() => {
    if (!needed || plugins) return;
    let here = true;
    load().then(
      (list) => here && setPlugins(list),
      () => {},
    );
    return () => {
      here = false;
    };
  }, [needed, plugins]);
  return plugins;
}

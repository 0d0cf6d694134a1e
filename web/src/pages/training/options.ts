// Options of runs (config.json) side by side, and samples.md in parts.

export interface OptionRow {
  key: string;
  values: (string | null)[]; // null: the run has no such option
  differs: boolean;
}

function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0 && path !== "") into.set(path, "{}");
    for (const [key, inner] of entries) flatten(inner, path === "" ? key : `${path}.${key}`, into);
  } else if (path !== "") {
    into.set(path, typeof value === "string" ? value : JSON.stringify(value) ?? "");
  }
}

export function optionRows(configs: unknown[]): OptionRow[] {
  const maps = configs.map((config) => {
    const map = new Map<string, string>();
    flatten(config, "", map);
    return map;
  });
  const keys = [...new Set(maps.flatMap((map) => [...map.keys()]))];
  return keys.map((key) => {
    const values = maps.map((map) => map.get(key) ?? null);
    return { key, values, differs: new Set(values).size > 1 };
  });
}

// The parts of samples.md that begin with "## " (one for each time samples were drawn), the newest first. What stands
// before the first is left out where there are any.
export function sampleParts(markdown: string): string[] {
  const parts = markdown.split(/^(?=## )/m).filter((part) => part.trim() !== "");
  const headed = parts.filter((part) => part.startsWith("## "));
  return (headed.length > 0 ? headed : parts).reverse();
}

// Files of conversations, read in the browser and cut into parts that the server takes.

export class ImportError extends Error {
  constructor(readonly kind: "not_json" | "unknown" | "empty") {
    super(kind);
  }
}

type Item = Record<string, unknown>;

export interface ImportFile {
  items: Item[];
  wrap: (items: Item[]) => unknown; // the body of one request
}

function isItem(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ImportError when it is neither of the two forms.
export function readImport(text: string): ImportFile {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new ImportError("not_json");
  }
  if (Array.isArray(value)) {
    if (value.length === 0) throw new ImportError("empty");
    if (!value.some((one) => isItem(one) && "mapping" in one)) throw new ImportError("unknown");
    return { items: value as Item[], wrap: (items) => items };
  }
  if (isItem(value) && value.format === "parley" && Array.isArray(value.conversations)) {
    if (value.conversations.length === 0) throw new ImportError("empty");
    const { conversations: _all, ...rest } = value;
    return { items: value.conversations as Item[], wrap: (conversations) => ({ ...rest, conversations }) };
  }
  throw new ImportError("unknown");
}

export function titleOf(item: Item): string {
  return typeof item.title === "string" && item.title.trim() !== "" ? item.title : "?";
}

export const kBatchBytes = 2_000_000;
export const kBatchItems = 100;

// Parts of at most `bytes` as JSON; one that is larger alone makes a part of its own.
export function* batches(items: Item[], bytes = kBatchBytes, count = kBatchItems): Generator<Item[]> {
  const encoder = new TextEncoder();
  let batch: Item[] = [];
  let size = 0;
  for (const item of items) {
    const length = encoder.encode(JSON.stringify(item)).length;
    if (batch.length && (size + length > bytes || batch.length >= count)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(item);
    size += length;
  }
  if (batch.length) yield batch;
}

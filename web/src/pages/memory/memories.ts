// A memory is a sentence; longer texts belong into files.
export const kLongest = 500; // characters, the server's limit

export function checkMemory(text: string): "empty" | "long" | null {
  const trimmed = text.trim();
  if (trimmed === "") return "empty";
  return [...trimmed].length > kLongest ? "long" : null;
}

// Whether a text has all words of a search, in any order and case.
export function matches(text: string, search: string): boolean {
  const inside = text.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => inside.includes(word));
}

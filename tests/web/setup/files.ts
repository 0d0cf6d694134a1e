// Files that tests upload and import.

export interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export function textFile(name: string, text: string, mimeType = "text/plain"): Upload {
  return { name, mimeType, buffer: Buffer.from(text, "utf8") };
}

// A PDF with one page a text, in Latin letters.
export function pdfFile(name: string, pages: string[]): Upload {
  const objects: string[] = [];
  const add = (body: string) => objects.push(body); // returns its number
  add("<< /Type /Catalog /Pages 2 0 R >>");
  add(`<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(" ")}] >>`);
  add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  for (const text of pages) {
    const lines = text.split("\n").map((line) => `(${line.replace(/[()\\]/g, "\\$&")}) Tj T*`);
    const stream = `BT /F1 12 Tf 14 TL 72 720 Td ${lines.join(" ")} ET`;
    add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents ${objects.length + 2} 0 R >>`);
    add(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`);
  }
  let text = "%PDF-1.4\n";
  const offsets = objects.map((body, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return at;
  });
  const table = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  for (const at of offsets) text += `${String(at).padStart(10, "0")} 00000 n \n`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return { name, mimeType: "application/pdf", buffer: Buffer.from(text, "latin1") };
}

// What ChatGPT's export holds, in small: a tree with two answers, a system message, a picture, and a chat of another time.
export function chatGptExport(): object[] {
  const message = (role: string, time: number, parts: unknown[], type = "text") => ({
    author: { role },
    create_time: time,
    content: { content_type: type, parts },
    metadata: role === "assistant" ? { model_slug: "gpt-4" } : {},
  });
  const node = (id: string, parent: string | null, children: string[], content: object | null) => ({ id, parent, children, message: content });
  return [
    {
      title: "Trip to Porto 波尔图之行",
      create_time: 1700000000.5,
      update_time: 1700000100.25,
      current_node: "u2",
      mapping: {
        root: node("root", null, ["sys"], null),
        sys: node("sys", "root", ["u1"], message("system", 1700000000, [""])),
        u1: node("u1", "sys", ["a1", "a2"], message("user", 1700000001, ["Where shall we eat?"])),
        a1: node("a1", "u1", [], message("assistant", 1700000002, ["At the **harbour**."])),
        a2: node("a2", "u1", ["u2"], message("assistant", 1700000003, ["On the hill, 山上."])),
        u2: node("u2", "a2", [], message("user", 1700000004, [{ asset_pointer: "file-service://x" }, "Like this one?"], "multimodal_text")),
      },
    },
    {
      title: "Short",
      create_time: 1690000000,
      update_time: 1690000001,
      current_node: "b",
      mapping: {
        a: node("a", null, ["b"], message("user", 1690000000, ["Hi"])),
        b: node("b", "a", [], message("assistant", 1690000001, ["Hello!"])),
      },
    },
  ];
}

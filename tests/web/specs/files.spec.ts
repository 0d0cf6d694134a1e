import { pdfFile, textFile } from "../setup/files";
import { expect, test } from "../setup/fixtures";

const kNote = `# The heron

The heron of Porto nests under the second bridge. 苍鹭在第二座桥下筑巢。
Its name is Rosalind. 它叫罗莎琳德。
`;

test.beforeEach(async ({ api }) => {
  await api.settings({ params: { max_tokens: 12 } });
});

test("a file is attached to a question; its passage opens", async ({ app, page }) => {
  await app.open();
  await app.id("attach-input").setInputFiles([textFile("heron.md", kNote, "text/markdown"), pdfFile("bridge.pdf", ["The second bridge of Porto", "It was built in 1886"])]);
  await expect(app.page.locator('[data-testid="attachment"][data-state="ready"]')).toHaveCount(2);
  await app.id("attachment-remove").last().click();
  await expect(app.id("attachment")).toHaveCount(1);
  await app.ask(app.say("Where does the heron of Porto nest?", "苍鹭在哪里筑巢？"));
  await expect(app.messages("user")).toContainText("heron.md");
  await expect(app.id("attachment")).toHaveCount(0);
  const source = app.answer.getByTestId("source").first();
  await expect(source).toContainText("heron.md");
  await source.click();
  await expect(app.id("citation-dialog")).toContainText("Rosalind");
  await expect(app.id("citation-dialog")).toContainText("苍鹭在第二座桥下筑巢");
  await page.keyboard.press("Escape");
  await expect(app.id("citation-dialog")).toHaveCount(0);

  // A file that is there already is attached from the menu.
  await app.newChat();
  await app.id("attach").click();
  await app.id("attach-document").filter({ hasText: "bridge.pdf" }).click();
  await expect(app.page.locator('[data-testid="attachment"][data-state="ready"]')).toHaveCount(1);
  await app.ask(app.say("When was the second bridge built?", "The second bridge 是哪一年建的？"));
  await app.answer.getByTestId("source").first().click();
  await expect(app.id("citation-dialog")).toContainText(/bridge/);
});

test("the page: text, Markdown, PDF; passages; what cannot be read; deleting", async ({ app, page }) => {
  const long = Array.from({ length: 200 }, (_, i) => `Paragraph ${i} of the long story of the fox and the dog.\n`).join("\n");
  await app.open();
  await app.visit("files");
  await app.id("files-input").setInputFiles([
    textFile("long.txt", long),
    textFile("笔记.md", kNote, "text/markdown"),
    pdfFile("two pages.pdf", ["First page about foxes", "Second page about herons"]),
  ]);
  await expect(app.id("file")).toHaveCount(3);
  await expect(app.id("upload")).toHaveCount(0);

  await app.id("file-open").filter({ hasText: "long.txt" }).click();
  await expect(app.id("passage-text")).toContainText("Paragraph 0");
  await app.id("passage-next").click();
  await expect(app.id("passage-number")).toHaveValue("2");
  await expect(app.id("passage-text")).not.toContainText("Paragraph 0 ");
  await app.id("passage-number").fill("1");
  await app.id("passage-number").press("Enter");
  await expect(app.id("passage-text")).toContainText("Paragraph 0");
  await app.id("dialog-close").click();
  await app.id("file-open").filter({ hasText: "two pages.pdf" }).click();
  await expect(app.id("passage-text")).toContainText("First page about foxes");
  await app.id("dialog-close").click();

  await app.id("files-input").setInputFiles([
    { name: "picture.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 255]) },
    pdfFile("empty.pdf", [""]),
  ]);
  await expect(app.id("upload-error")).toHaveCount(2);
  await expect(app.id("file")).toHaveCount(3);
  await app.id("upload-remove").first().click();
  await app.id("upload-remove").first().click();
  await expect(app.id("upload")).toHaveCount(0);

  const row = app.id("file").filter({ hasText: "笔记.md" });
  await row.getByTestId("file-delete").click();
  await app.id("confirm-yes").click();
  await expect(app.id("file")).toHaveCount(2);
  await page.reload();
  await expect(app.id("file")).toHaveCount(2);
});

test("a citation outlives its file", async ({ app, api }) => {
  await app.open();
  await app.id("attach-input").setInputFiles(textFile("heron.md", kNote));
  await expect(app.page.locator('[data-testid="attachment"][data-state="ready"]')).toHaveCount(1);
  await app.ask(app.say("What is the heron's name?", "苍鹭叫什么？"));
  const { documents } = await api.get<{ documents: { id: string }[] }>("/documents");
  await api.call("DELETE", `/documents/${documents[0]!.id}`);
  await app.answer.getByTestId("source").first().click();
  await expect(app.id("citation-dialog")).toContainText("Rosalind");
});

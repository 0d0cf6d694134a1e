#!/usr/bin/env python3
"""Turns HTML pages and fortune files into documents: tools/to_text.py OUT.jsonl FILE...

Writes one {"text"} a page or saying. Menus, tables, scripts and terminal colours go;
paragraphs, lists, headings and examples stay. A document that came before is left out.
"""
import html.parser
import json
import re
import sys
from pathlib import Path

PARAGRAPH = {"p", "li", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "div", "br", "tr"}
DROPPED = {"script", "style", "head", "nav", "footer", "table", "form"}
# Classes and ids of menus in Publican, DocBook and Sphinx pages.
MENU = re.compile(r"\b(banner|docnav|toc|navheader|navfooter|sphinxsidebar|related|footer|headerlink)\b")
VOID = {"br", "img", "hr", "meta", "link", "input", "col", "wbr", "area", "base", "embed", "source"}
TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CJK = r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"


class Page(html.parser.HTMLParser):
    """Collects paragraphs; whatever stands inside a dropped element is left out."""

    def __init__(self):
        super().__init__()
        self.paragraphs, self.words, self.open, self.preformatted = [], [], [], 0

    def dropping(self):
        return any(dropped for _, dropped in self.open)

    def end_paragraph(self):
        text = "".join(self.words)
        self.words = []
        if not self.preformatted:
            text = re.sub(r"\s+", " ", text)
            text = re.sub(f"(?<={CJK}) (?={CJK})", "", text)
        if text.strip():
            self.paragraphs.append(text.strip())

    def handle_starttag(self, tag, attributes):
        if tag in PARAGRAPH:
            self.end_paragraph()
        if tag in VOID:
            return
        kind = " ".join(value or "" for name, value in attributes if name in ("class", "id"))
        self.open.append((tag, tag in DROPPED or bool(MENU.search(kind))))
        self.preformatted += tag == "pre"

    def handle_endtag(self, tag):
        if tag in PARAGRAPH:
            self.end_paragraph()
        if not any(name == tag for name, _ in self.open):
            return
        while True:
            name, _ = self.open.pop()
            self.preformatted -= name == "pre"
            if name == tag:
                return

    def handle_data(self, data):
        if not self.dropping():
            self.words.append(data)

    def text(self):
        self.end_paragraph()
        return "\n".join(self.paragraphs)


def documents(path):
    text = path.read_text("utf-8", "replace")
    if path.suffix == ".html":
        page = Page()
        page.feed(text)
        page.close()
        yield page.text()
    else:  # a fortune file: sayings between lines of "%"
        for saying in re.split(r"^%\s*$", TERMINAL_COLOUR.sub("", text), flags=re.MULTILINE):
            yield saying.replace("\b", "").strip()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.splitlines()[0])
    seen = set()
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for name in sys.argv[2:]:
            for text in documents(Path(name)):
                if len(text) >= 20 and text not in seen:
                    seen.add(text)
                    out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

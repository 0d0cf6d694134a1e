"""Reads the phrase banks in banks/: what the lessons say stands there, how they say it in the modules.

A bank is a text file of sections. Whatever stands before the first section is a comment. `[name.en]` and
`[name.zh]` begin the two halves of a section in English and Chinese, which are read together as
{"en": ..., "zh": ...}; `[name]` begins a section that has no language. Blank lines only divide.

A text in double quotes is written as in JSON: "" is an empty one, "Hi! " ends with a space, "a\\nb" has
two lines. A text that stands there twice is chosen twice as often.
"""
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "banks"
LANGUAGES = ("en", "zh")
HEADER = re.compile(r"\[([a-z0-9_]+(?:\.[a-z0-9_]+)*)\]")
COLUMN = " | "  # between the fields of a line


class Entry(dict):
    """A dict whose values are also attributes: entry.zh is entry["zh"]."""

    __getattr__ = dict.__getitem__


def plain(text):
    """The text itself, without the quotes it may stand in."""
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return json.loads(text) if quoted else text


def fields(line):
    """The fields of a line, which " | " divides."""
    return [plain(field.strip()) for field in line.split(COLUMN)]


def words(text):
    """Words, or phrases without a comma, which commas and line ends divide."""
    return [word.strip() for word in text.replace("\n", ",").split(",") if word.strip()]


def paragraphs(lines):
    """Lists of the lines that stand together."""
    text = "\n".join(lines).strip()
    return [paragraph.splitlines() for paragraph in re.split(r"\n\s*\n", text)]


def filled(lines):
    """The lines that are not blank."""
    return [line for line in lines if line.strip()]


def twins(halves):
    """A list of {"en": ..., "zh": ...} of a section whose halves correspond."""
    return [dict(zip(LANGUAGES, pair)) for pair in zip(*halves.values(), strict=True)]


class Bank:
    """One file of banks/. Each method reads the section of that name in its own way."""

    def __init__(self, file):
        self.file = file
        self.sections = {}
        lines = []  # those before the first section go nowhere
        for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
            header = HEADER.fullmatch(line)
            if header:
                lines = self.sections[header[1]] = []
            else:
                lines.append(line)

    def read(self, name, convert):
        """convert(lines) of the section, or of both its languages."""
        if name in self.sections:
            return convert(self.sections[name])
        halves = [f"{name}.{lang}" for lang in LANGUAGES]
        missing = [half for half in halves if half not in self.sections]
        if missing:
            raise KeyError(f"{self.file} has no section [{missing[0]}]")
        return {lang: convert(self.sections[half]) for lang, half in zip(LANGUAGES, halves)}

    def text(self, name):
        """The section as it stands."""
        return self.read(name, lambda lines: "\n".join(lines).strip("\n"))

    def phrases(self, name):
        """A list of texts: one a line."""
        return self.read(name, lambda lines: [plain(line.strip()) for line in filled(lines)])

    def wordings(self, name):
        """Like phrases(), but a text that stands alone is given as itself."""
        def convert(lines):
            texts = [plain(line.strip()) for line in filled(lines)]
            return texts[0] if len(texts) == 1 else texts
        return self.read(name, convert)

    def words(self, name):
        """A list of words, divided by commas."""
        return self.read(name, lambda lines: words("\n".join(lines)))

    def rows(self, name):
        """A list of lines, each a list of its fields."""
        return self.read(name, lambda lines: [fields(line) for line in filled(lines)])

    def table(self, name):
        """A list of entries, one a line; the first line names the columns."""
        def convert(lines):
            columns, *rows = [fields(line) for line in filled(lines)]
            return [Entry(zip(columns, row, strict=True)) for row in rows]
        return self.read(name, convert)

    def mapping(self, name):
        """A dict of lines "key: text"."""
        return self.read(name, lambda lines: as_mapping(filled(lines)))

    def word_lists(self, name):
        """A dict of lines "key: a, b, c", each a list of words."""
        def convert(lines):
            return {key: words(text) for key, text in as_mapping(filled(lines)).items()}
        return self.read(name, convert)

    def records(self, name):
        """A list of entries, one a paragraph of lines "key: text"."""
        return self.read(name, lambda lines: [Entry(as_mapping(paragraph)) for paragraph in paragraphs(lines)])

    def steps(self, name):
        """A list of lists: the lines of each paragraph, of which one is to be chosen."""
        return self.read(name, lambda lines: [[plain(line.strip()) for line in paragraph]
                                              for paragraph in paragraphs(lines)])

    def groups(self, name):
        """A list of ([wordings], [answers to any of them]), one a paragraph of lines "? ..." and "= ..."."""
        def convert(lines):
            return [([line[2:] for line in paragraph if line.startswith("? ")],
                     [line[2:] for line in paragraph if line.startswith("= ")]) for paragraph in paragraphs(lines)]
        return self.read(name, convert)


def as_mapping(lines):
    """A dict of lines "key: text"."""
    pairs = [line.split(":", 1) for line in lines]
    return {key.strip(): plain(text.strip()) for key, text in pairs}

"""Pieces of code with slots: how they are read, filled in and shown. The pieces are in banks/code_snippets.txt."""
import functools
import math
import re

from . import bank

BANK = bank.Bank("code_snippets.txt")
LANGUAGE_NAMES = {"python": "Python", "javascript": "JavaScript", "cpp": "C++"}
OTHER_LANGUAGES = ("javascript", "cpp")
FIELD = re.compile(r"@(en|zh|prints|names|example|javascript|cpp|broken|hint\.en|hint\.zh|language)(?: (.*))?$")
WORDS = BANK.words("words")
PEOPLE = BANK.words("people")


def parsed(text):
    """Each piece as a dict: its "code", and what the lines "@field ..." say."""
    pieces = []
    for block in text.split("\n===\n"):
        piece, code = {}, []
        for line in block.split("\n"):
            field = FIELD.match(line)
            if not field:
                code.append(line)
                continue
            name, text = field[1], field[2] or ""
            piece[name] = f"{piece[name]}\n{text}" if name in piece else text
        piece["code"] = "\n".join(code).strip("\n")
        pieces.append(piece)
    return pieces


SNIPPETS = {language: parsed(BANK.text(language)) for language in LANGUAGE_NAMES}
FUNCTIONS = parsed(BANK.text("functions"))


@functools.lru_cache(maxsize=None)
def compiled(expression):
    return compile(expression, "<slot>", "eval")


def lines_of(values):
    """The values, one a line: as print() in a loop writes them."""
    return "\n".join(str(value) for value in values)


def fill(text, slots):
    """Replaces each §expression§ by its value."""
    names = dict(slots, nl=lines_of, math=math)
    return re.sub(r"§(.+?)§", lambda slot: str(eval(compiled(slot[1]), names)), text)


def draw_slots(rng):
    """Values for the slots of a piece."""
    smaller, larger = sorted(rng.sample(range(2, 30), 2))
    numbers = rng.sample(range(1, 30), rng.randint(3, 5))
    word, word2, word3 = rng.sample(WORDS, 3)
    name, name2 = rng.sample(PEOPLE, 2)
    first, second = rng.choice([("a", "b"), ("x", "y"), ("first", "second"), ("m", "n"), ("p", "q")])
    return {
        "a": larger, "b": smaller, "n": rng.randint(3, 6), "k": rng.randint(2, 5), "L": numbers,
        "w": word, "w2": word2, "w3": word3, "name": name, "name2": name2, "age": rng.randint(6, 60),
        # Names of variables: two parameters, a result, an item, a list, an index, a text, a number.
        "p": first, "q": second,
        "v": rng.choice(["total", "result", "s", "answer", "acc"]),
        "x": rng.choice(["x", "num", "item", "value", "e"]),
        "xs": rng.choice(["nums", "numbers", "values", "data", "scores", "items"]),
        "i": rng.choice(["i", "j", "i", "k"]),
        "t": rng.choice(["s", "text", "word"]),
        "u": rng.choice(["n", "x", "number", "num"]),
        "file": rng.choice(["notes", "data", "list", "log", "story", "names", "input", "report"]) + ".txt",
        "ch": rng.choice(word),
        "g": rng.choice(["Hello", "Hi", "Welcome", "Good morning"]),
    }


def draw_function(rng, language=None):
    """A function, which exists in that language too, and its slots; "f" is its name."""
    function = rng.choice(FUNCTIONS)
    while language and language not in function:
        function = rng.choice(FUNCTIONS)
    slots = draw_slots(rng)
    if slots["x"] == slots["u"]:
        slots["x"] = "item"
    slots["f"] = rng.choice(function["names"].split(","))
    return function, slots


def camel_case(name):
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def name_in(language, name):
    """The function's name as that language writes it."""
    return camel_case(name) if language == "javascript" else name


def code_in(language, function, slots):
    """The function's code in that language."""
    if language == "python":
        return fill(function["code"], slots)
    return fill(function[language], dict(slots, f=name_in(language, slots["f"])))


def example_call(function, slots):
    """A call of the function and what it returns, both as text."""
    arguments, result = fill(function["example"], slots).split(" => ")
    return f"{slots['f']}({arguments})", result


def fence(code, tag="python"):
    """The code as a block of Markdown."""
    return f"```{tag}\n{code}\n```"


def sometimes_tagged(rng, code, tag):
    """The code as a block that mostly names its language."""
    return fence(code, tag if rng.random() < 0.85 else "")


def request(rng, wordings, code, tag):
    """An instruction before (mostly) or after a block of code."""
    question = rng.choice(wordings)
    block = sometimes_tagged(rng, code, tag)
    return f"{question}\n\n{block}" if rng.random() < 0.85 else f"{block}\n\n{question}"


def padded(text):
    """The text with a space at each end that is not Chinese, to be put between Chinese characters."""
    before = " " if text[0].isascii() else ""
    after = " " if text[-1].isascii() else ""
    return before + text + after


def closed_up(text):
    """The text without spaces beside Chinese punctuation."""
    text = re.sub(r"([，。：？、]) ", r"\1", text)
    return re.sub(r" ([，。：？、])", r"\1", text).strip()

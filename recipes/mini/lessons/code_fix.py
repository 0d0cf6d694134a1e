"""Code that does not work: what is wrong with it, and how it should be."""
import re

from . import bank
from .code_snippets import (BANK as SNIPPET_BANK, SNIPPETS, draw_function, draw_slots, fence, fill, parsed,
                            sometimes_tagged)

BANK = bank.Bank("code.txt")
FIX = BANK.phrases("fix")
ERROR_MESSAGE = BANK.phrases("error_message")
MISTAKES = {mistake["kind"]: mistake for mistake in BANK.table("mistakes")}
BUGS = parsed(SNIPPET_BANK.text("bugs"))
OTHER_BUGS = parsed(SNIPPET_BANK.text("other_bugs"))

# Each of these breaks right Python code, a list of lines. It returns the number of the line that changes, how
# that line is now, and what the explanation needs to say; or None where this mistake cannot be made.


def first_word(line):
    return line.split()[0].strip(":")


def without_colon(rng, lines):
    numbers = [number for number, line in enumerate(lines)
               if line.endswith(":") and re.match(r"\s*(def|for|while|if|else|elif)\b", line)]
    if not numbers:
        return None
    number = rng.choice(numbers)
    return number, lines[number][:-1], {"word": first_word(lines[number])}


def without_last_character(numbers, lines):
    return (numbers[0], lines[numbers[0]][:-1], {}) if numbers else None


def without_parenthesis(rng, lines):
    numbers = [number for number, line in enumerate(lines) if line.endswith(")")]
    return without_last_character(numbers[-1:], lines)


def without_bracket(rng, lines):
    numbers = [number for number, line in enumerate(lines) if re.search(r"= \[.*\]$", line)]
    return without_last_character(numbers[:1], lines)


def without_quote(rng, lines):
    numbers = [number for number, line in enumerate(lines) if line.count('"') == 2 and line.endswith('")')]
    return (numbers[-1], lines[numbers[-1]][:-2] + ")", {}) if numbers else None


def without_indent(rng, lines):
    for number in range(1, len(lines)):
        above, line = lines[number - 1], lines[number]
        if above.endswith(":") and line.startswith("    "):
            indent = len(above) - len(above.lstrip())
            return number, " " * indent + line.lstrip(), {"word": first_word(above)}
    return None


def single_equals_sign(rng, lines):
    for number, line in enumerate(lines):
        if re.match(r"\s*if .* == ", line):
            return number, line.replace(" == ", " = ", 1), {}
    return None


def misspelled_name(rng, lines):
    last = lines[-1]
    found = re.match(r"^    return (\w{3,})$|^print\((\w{3,})\)$", last)
    word = (found[1] or found[2]) if found else None
    if not word or word in ("True", "False", "None"):
        return None
    at = rng.randrange(1, len(word) - 1)
    left_out = word[:at] + word[at + 1:]
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2:]
    wrong = rng.choice([left_out, swapped])
    if wrong == word or re.search(rf"\b{wrong}\b", "\n".join(lines)):
        return None
    return len(lines) - 1, last.replace(word, wrong), {"word": word, "wrong": wrong}


def without_return(rng, lines):
    if len(lines) == 2 and lines[1].startswith("    return "):
        return 1, "    " + lines[1].removeprefix("    return "), {}
    return None


BREAK = {
    "colon": without_colon, "parenthesis": without_parenthesis, "quote": without_quote, "indent": without_indent,
    "equals": single_equals_sign, "name": misspelled_name, "return": without_return, "bracket": without_bracket,
}


def broken(rng, lang, code):
    """The code with a mistake, what is wrong with it, and the message of the error; or None."""
    kind = rng.choice(list(BREAK))
    lines = code.split("\n")
    change = BREAK[kind](rng, lines)
    if not change:
        return None
    number, line, slots = change
    mistake = MISTAKES[kind]
    lines[number] = line
    return "\n".join(lines), mistake[lang].format(**slots), mistake["error"].format(**slots)


def simple_mistake(rng, lang):
    """Right code, broken code, what is wrong with it, and the message of the error."""
    while True:
        if rng.random() < 0.5:
            slots = draw_slots(rng)
            code = fill(rng.choice(SNIPPETS["python"])["code"], slots)
        else:
            function, slots = draw_function(rng)
            code = fill(function["code"], slots)
        found = broken(rng, lang, code)
        if found:
            return code, *found


def fix(rng, lang):
    """What is wrong with a piece of code, and the right code."""
    dice = rng.random()
    language = "python"
    if dice < 0.6:
        code, wrong, answer, hint = simple_mistake(rng, lang)
    else:
        bug = rng.choice(BUGS if dice < 0.88 else OTHER_BUGS)
        language = bug.get("language", language)
        slots = draw_slots(rng)
        code, wrong, answer = fill(bug["code"], slots), fill(bug["broken"], slots), fill(bug[lang], slots)
        hint = fill(bug.get(f"hint.{lang}", ""), slots)
    question = rng.choice(FIX[lang])
    if hint and "Error" not in hint:  # what was wanted must be told
        question += (" " if lang == "en" else "") + hint
    elif hint and rng.random() < 0.4:
        question += (" " if lang == "en" else "") + rng.choice(ERROR_MESSAGE[lang]) + hint
    question += "\n\n" + sometimes_tagged(rng, wrong, language)
    return [("user", question), ("assistant", answer + "\n\n" + fence(code, language))]

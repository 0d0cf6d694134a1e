"""Small programming help: explaining, writing, completing and translating code, and what it prints."""
from . import bank
from .code_fix import fix
from .code_snippets import (BANK as SNIPPET_BANK, LANGUAGE_NAMES, OTHER_LANGUAGES, SNIPPETS, code_in, draw_function,
                            draw_slots, example_call, fence, fill, name_in, parsed, request)
from .code_terms import term
from .code_tools import regex, shell, sql

BANK = bank.Bank("code.txt")
EXPLAIN = BANK.phrases("explain")
EXPLAIN_FUNCTION = BANK.phrases("explain_function")
WRITE = BANK.phrases("write")
HERE_IT_IS = BANK.phrases("here_it_is")
FOR_EXAMPLE = BANK.phrases("for_example")
HOW_TO_CALL = BANK.phrases("how_to_call")
CALL_IT = BANK.phrases("call_it")
IN_ANOTHER_LANGUAGE = BANK.phrases("in_another_language")
WHAT_DOES_IT_DO = BANK.phrases("what_does_it_do")
IT_DOES = BANK.phrases("it_does")
COMPLETE = BANK.phrases("complete")
COMPLETE_TASK = BANK.phrases("complete_task")
WHAT_DOES_IT_PRINT = BANK.phrases("what_does_it_print")
IT_PRINTS = BANK.phrases("it_prints")
IT_PRINTS_LINES = BANK.phrases("it_prints_lines")
TRANSLATE = BANK.phrases("translate")
PAIRS = parsed(SNIPPET_BANK.text("pairs"))  # of Python and JavaScript


def explain(rng, lang):
    """What a piece of code does."""
    dice = rng.random()
    if dice < 0.8:
        language = "python" if dice < 0.65 else rng.choice(OTHER_LANGUAGES)
        snippet = rng.choice(SNIPPETS[language])
        slots = draw_slots(rng)
        code, answer = fill(snippet["code"], slots), fill(snippet[lang], slots)
    else:
        language = "python"
        function, slots = draw_function(rng)
        code = fill(function["code"], slots)
        answer = rng.choice(EXPLAIN_FUNCTION[lang]).format(name=slots["f"], task=function[lang])
    return [("user", request(rng, EXPLAIN[lang], code, language)), ("assistant", answer)]


def written(rng, lang, language, function, slots):
    """The answer with the function: alone, with an example, or after a few words."""
    dice = rng.random()
    block = fence(code_in(language, function, slots), language)
    if dice < 0.4:
        return block
    if language == "python" and "example" in function and dice < 0.65:
        call, result = example_call(function, slots)
        return f"{block}\n\n{FOR_EXAMPLE[lang][0].format(call=call, result=result)}"
    return f"{rng.choice(HERE_IT_IS[lang]).format(task=function[lang])}\n\n{block}"


def question_after(rng, lang, function, slots):
    """What is asked when the function is written, with the answer: no messages or two."""
    dice = rng.random()
    others = [language for language in OTHER_LANGUAGES if language in function]
    if dice < 0.4 and "example" in function:
        call, result = example_call(function, slots)
        question = rng.choice(HOW_TO_CALL[lang])
        answer = CALL_IT[lang][0].format(block=fence(f"print({call})"), result=result.strip('"'))
    elif dice < 0.75 and others:
        language = rng.choice(others)
        question = rng.choice(IN_ANOTHER_LANGUAGE[lang]).format(language=LANGUAGE_NAMES[language])
        answer = fence(code_in(language, function, slots), language)
    elif dice >= 0.75:
        question = rng.choice(WHAT_DOES_IT_DO[lang])
        answer = IT_DOES[lang][0].format(name=slots["f"], task=function[lang])
    else:
        return []
    return [("user", question), ("assistant", answer)]


def write(rng, lang):
    """A function for a task."""
    dice = rng.random()
    language = "python" if dice < 0.75 else "javascript" if dice < 0.9 else "cpp"
    function, slots = draw_function(rng, None if language == "python" else language)
    question = rng.choice(WRITE[lang])
    if "{name}" not in question:  # then it has the first of its names
        slots["f"] = function["names"].split(",")[0]
    question = question.format(language=LANGUAGE_NAMES[language], task=function[lang],
                               name=name_in(language, slots["f"]))
    turns = [("user", question), ("assistant", written(rng, lang, language, function, slots))]
    if language == "python" and rng.random() < 0.3:
        turns += question_after(rng, lang, function, slots)
    return turns


def complete(rng, lang):
    """The rest of a function of which the first lines are given."""
    while True:
        function, slots = draw_function(rng)
        code = fill(function["code"], slots)
        if code.startswith("def "):
            break
    lines = code.split("\n")
    head = lines[0]
    if len(lines) > 3 and rng.random() < 0.4:
        head = "\n".join(lines[:rng.randint(2, len(lines) - 1)])
    task = function[lang]
    if rng.random() < 0.5:
        question = rng.choice(COMPLETE[lang]) + rng.choice(COMPLETE_TASK[lang]).format(task=task)
        question += "\n\n" + fence(head)
    else:  # the task is a comment
        commented = f"{head}\n    # {task}" if head == lines[0] else f"# {task}\n{head}"
        question = request(rng, COMPLETE[lang], commented, "python")
    return [("user", question), ("assistant", fence(code))]


def prints(rng, lang):
    """What a piece of code prints."""
    language = "python" if rng.random() < 0.85 else rng.choice(OTHER_LANGUAGES)
    snippet = rng.choice(SNIPPETS[language])
    while "prints" not in snippet:
        snippet = rng.choice(SNIPPETS[language])
    slots = draw_slots(rng)
    printed = fill(snippet["prints"], slots)
    question = request(rng, WHAT_DOES_IT_PRINT[lang], fill(snippet["code"], slots), language)
    if "\n" in printed:
        answer = rng.choice(IT_PRINTS_LINES[lang]).format(block=fence(printed, ""))
    else:
        answer = rng.choice(IT_PRINTS[lang]).format(text=printed)
    return [("user", question), ("assistant", answer)]


def translate(rng, lang):
    """The same code in JavaScript, or in Python."""
    if rng.random() < 0.7:
        slots = draw_slots(rng)
        pair = rng.choice(PAIRS)
        code = {"python": fill(pair["code"], slots), "javascript": fill(pair["javascript"], slots)}
    else:
        function, slots = draw_function(rng, "javascript")
        code = {language: code_in(language, function, slots) for language in ("python", "javascript")}
    source, target = ("javascript", "python") if rng.random() < 0.2 else ("python", "javascript")
    question = rng.choice(TRANSLATE[lang]).format(source=LANGUAGE_NAMES[source], target=LANGUAGE_NAMES[target])
    return [("user", question + "\n\n" + fence(code[source], source)), ("assistant", fence(code[target], target))]


KINDS = {
    "explain": (4, explain),
    "write": (5, write),
    "fix": (3, fix),
    "complete": (2, complete),
    "prints": (3, prints),
    "shell": (2, shell),
    "sql": (1, sql),
    "regex": (1, regex),
    "translate": (1, translate),
    "term": (2, term),
}

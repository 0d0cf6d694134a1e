"""Single turns about what is known: simple facts, sums, lists, and things worth telling."""
from . import bank
from .wording import careless, expand, joined, make, user_text

BANK = bank.Bank("knowledge.txt")
FACTS = BANK.table("facts")
BEFORE_FACT = BANK.phrases("before_fact")
SUM_ASK = BANK.phrases("sum_ask")
SUM_ANSWER = BANK.phrases("sum_answer")
SIGNS = {"en": {"+": "plus", "-": "minus", "*": "times"}, "zh": {"+": "加", "-": "减", "*": "乘"}}
LISTS = BANK.word_lists("lists")
LIST_ASK = BANK.wordings("list_ask")
LIST_ANSWER = BANK.phrases("list_answer")
NUMBERS = {"en": {2: "two", 3: "three", 4: "four"}, "zh": {2: "两", 3: "三", 4: "四"}}
INTERESTING = BANK.phrases("interesting")
INTERESTING_ASK = BANK.phrases("interesting_ask")
INTERESTING_MORE = BANK.phrases("interesting_more")
BEFORE_INTERESTING = BANK.wordings("before_interesting")


def fact_turn(rng, lang):
    """A question of one sentence."""
    fact = rng.choice(FACTS)
    question, before = fact[f"question.{lang}"], rng.choice(BEFORE_FACT[lang])
    if before and lang == "en":
        question = question[0].lower() + question[1:]
    return careless(rng, before + question, lang), fact[f"answer.{lang}"]


def draw_sum(rng):
    """Two numbers, the sign between them, and the result."""
    first, second = rng.randint(1, 20), rng.randint(1, 20)
    sign = rng.choice("++-*")
    if sign == "+":
        return first, sign, second, first + second
    if sign == "-":
        first, second = max(first, second), min(first, second)
        return first, sign, second, first - second
    first, second = rng.randint(2, 10), rng.randint(2, 10)
    return first, sign, second, first * second


def sum_in_words(first, sign, second, lang):
    space = " " if lang == "en" else ""
    return f"{first}{space}{SIGNS[lang][sign]}{space}{second}"


def sum_turn(rng, lang):
    """A sum of small numbers."""
    first, sign, second, result = draw_sum(rng)
    slots = {"a": first, "b": second, "w": SIGNS[lang][sign], "s": sign, "r": result}
    return user_text(rng, lang, SUM_ASK[lang], slots), make(rng, SUM_ANSWER[lang], slots)


def list_turn(rng, lang):
    """A few things of one kind."""
    kind = rng.choice(list(LISTS[lang]))
    count = rng.choice([2, 3, 3, 3, 4])
    things = rng.sample(LISTS[lang][kind], count)
    number = NUMBERS[lang][count]
    slots = {"n": rng.choice([number, str(count)]), "c": kind, "l": joined(things, lang), "z": number}
    return user_text(rng, lang, LIST_ASK[lang], slots), make(rng, LIST_ANSWER[lang], slots)


def interesting_turn(rng, lang):
    """Something worth telling."""
    fact = rng.choice(INTERESTING[lang])
    question = user_text(rng, lang, INTERESTING_ASK[lang])
    before = expand(rng, BEFORE_INTERESTING[lang]) + (" " if lang == "en" else "")
    return question, (before + fact).strip()

"""Answers in the language that was asked for, whatever the question is written in."""
from . import bank
from .knowledge import FACTS, draw_sum, sum_in_words
from .memory_facts import Fact
from .wording import careless, chat, expand, fill, make, user_text

BANK = bank.Bank("languages.txt")
TALK = bank.twins(BANK.groups("talk"))
LISTS = BANK.table("lists")
ALWAYS = {"en": BANK.phrases("always_english"), "zh": BANK.phrases("always_chinese")}
ASK_IN = {"en": BANK.phrases("ask_in_english"), "zh": BANK.phrases("ask_in_chinese")}
ASK_NAME = BANK.phrases("ask_name")
MEET = BANK.wordings("meet")
TOLD_NAME = BANK.wordings("told_name")
OTHER = {"en": "zh", "zh": "en"}


def fact_turn(rng, asks, answers):
    fact = rng.choice(FACTS)
    return careless(rng, fact[f"question.{asks}"], asks), fact[f"answer.{answers}"]


def sum_turn(rng, asks, answers):
    first, sign, second, result = draw_sum(rng)
    question = sum_in_words(first, sign, second, asks)
    question = f"What is {question}?" if asks == "en" else f"{question}等于几？"
    answer = sum_in_words(first, sign, second, answers)
    answer = f"{answer} is {result}." if answers == "en" else f"{answer}等于{result}。"
    return careless(rng, question, asks), answer


def list_turn(rng, asks, answers):
    entry = rng.choice(LISTS)
    question = "Name three {what.en}." if asks == "en" else "说出三种{what.zh}。"
    answer = "Three {what.en} are {items.en}." if answers == "en" else "三种{what.zh}是{items.zh}。"
    for column, text in entry.items():
        question = question.replace("{" + column + "}", text)
        answer = answer.replace("{" + column + "}", text)
    return careless(rng, question, asks), answer


def talk_turn(rng, asks, answers):
    entry = rng.choice(TALK)
    return user_text(rng, asks, entry[asks][0]), make(rng, entry[answers][1])


def crossed_turn(rng, asks, answers):
    """A turn asked in one language and answered in the other (or the same)."""
    dice = rng.random()
    if dice < 0.42:
        return fact_turn(rng, asks, answers)
    if dice < 0.5:
        return sum_turn(rng, asks, answers)
    if dice < 0.55:
        return list_turn(rng, asks, answers)
    return talk_turn(rng, asks, answers)


def name_turns(rng, asks, answers):
    """The user's name said and asked for: two turns."""
    name = Fact(rng, asks, "name")
    told = fill(careless(rng, name.said(rng), asks), name.slots)
    met = make(rng, MEET[answers], name.slots)
    return [(told, met), (user_text(rng, asks, ASK_NAME[asks]), fill(TOLD_NAME[answers], name.slots))]


def asked_in_question(rng, lang):
    """The question itself says in which language to answer it."""
    asks = OTHER[lang] if rng.random() < 0.8 else lang
    turns = []
    if rng.random() < 0.4:
        turns.append(crossed_turn(rng, asks, asks))
    question, answer = crossed_turn(rng, asks, lang)
    if question[-1] not in "?？.。!！":
        question += "." if asks == "en" else "。"
    wrapper = expand(rng, rng.choice(ASK_IN[lang][asks]))
    turns.append((fill(careless(rng, wrapper, asks), {"q": question}), answer))
    return chat(*turns)


def system_language(rng, lang):
    """Answers in the language `lang`, as the system message or the question asks."""
    asks = OTHER[lang] if rng.random() < 0.8 else lang
    if rng.random() < 0.3:
        return asked_in_question(rng, lang)
    system = make(rng, ALWAYS[lang][rng.choice(bank.LANGUAGES)])
    turns = [crossed_turn(rng, asks, lang) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
    if rng.random() < 0.2:
        turns += name_turns(rng, asks, lang)
    return chat(*turns[:5], system=system)

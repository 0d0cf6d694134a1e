"""Answers in the manner that was asked for: how they begin and end, how long they are, how they call the user."""
import re

from . import bank
from .knowledge import FACTS, draw_sum, interesting_turn, list_turn, sum_in_words, sum_turn
from .languages import TALK
from .memory import HOW_TO_ANSWER
from .names import invented, two_characters
from .small_talk import ASSISTANT
from .wording import careless, chat, make, user_text

BANK = bank.Bank("styles.txt")
END_WITH = BANK.phrases("end_with")
BEGIN_WITH = BANK.words("begin_with")
TITLES = BANK.words("titles")
EMOJI = BANK.text("emoji")
SHORT_REPLIES = BANK.table("short_replies")
STYLES = {"end": 4, "begin": 3, "capitals": 2, "word": 3, "sentence": 1.5, "short": 2, "emoji": 2, "title": 3}
RULES = {style: BANK.phrases(f"rule_{style}") for style in STYLES}
# In the question itself only these are asked for.
ASK = {style: BANK.phrases(f"ask_{style}") for style in ("word", "sentence", "capitals", "short")}
SPACE = {"en": " ", "zh": ""}


def plain_turn(rng, lang):
    """A short turn that any style fits."""
    dice = rng.random()
    if dice < 0.5:
        fact = rng.choice(FACTS)
        return careless(rng, fact[f"question.{lang}"], lang), fact[f"answer.{lang}"]
    if dice < 0.6:
        return sum_turn(rng, lang)
    if dice < 0.68:
        return list_turn(rng, lang)
    if dice < 0.75:
        return interesting_turn(rng, lang)
    wordings, answers = rng.choice(TALK)[lang]
    return user_text(rng, lang, wordings), make(rng, answers)


def short_turn(rng, lang):
    """A turn whose answer is a word or two."""
    dice = rng.random()
    stop = "." if lang == "en" else "。"
    if dice < 0.6:
        fact = rng.choice(FACTS)
        return careless(rng, fact[f"question.{lang}"], lang), fact[f"word.{lang}"] + stop
    if dice < 0.75:
        first, sign, second, result = draw_sum(rng)
        question = sum_in_words(first, sign, second, lang)
        question = f"What is {question}?" if lang == "en" else f"{question}等于几？"
        return careless(rng, question, lang), f"{result}{stop}"
    reply = rng.choice(SHORT_REPLIES[lang])
    return careless(rng, reply["question"], lang), reply["answer"]


def invented_word(rng, lang):
    return invented(rng) if lang == "en" else two_characters(rng)


def draw_phrase(rng, lang, style):
    """The words a style is about: what answers end or begin with, or how the user is called."""
    mark = "!" if lang == "en" else "！"
    if style == "end":
        phrase = make(rng, END_WITH[lang])
        return invented_word(rng, lang) + mark if rng.random() < 0.2 else phrase
    if style == "begin":
        return (rng.choice(BEGIN_WITH[lang]) if rng.random() < 0.8 else invented_word(rng, lang)) + mark
    if style == "emoji":
        return rng.choice(EMOJI)
    return rng.choice(TITLES[lang]) if style == "title" else ""


def first_sentence(text):
    return re.match(r"[^。！？.!?]*[。！？.!?]”?", text)[0]


def addressed(text, title, lang):
    """The answer that calls the user by a title."""
    if lang == "zh":
        return f"{title}，{text}"
    return re.sub(r"^([^.!?]*)([.!?])", rf"\1, {title}\2", text, count=1)


def styled(answer, lang, style, phrase):
    """The answer in that style."""
    if style in ("end", "emoji"):
        return answer + SPACE[lang] + phrase
    if style == "begin":
        return phrase + SPACE[lang] + answer
    if style == "capitals":
        return answer.upper()
    if style == "sentence":
        return first_sentence(answer)
    if style == "title":
        return addressed(answer, phrase, lang)
    return answer


def system_style(rng, lang):
    """Answers in a style that the system message or the question asks for."""
    weights = STYLES if lang == "en" else STYLES | {"capitals": 0}
    style = rng.choices(list(weights), list(weights.values()))[0]
    phrase = draw_phrase(rng, lang, style)
    rule = make(rng, RULES[style][lang], {"p": phrase})
    dice = rng.random()
    if dice >= 0.1 and rng.random() < 0.25:
        rule = make(rng, ASSISTANT[lang][:2]) + SPACE[lang] + rule
    turn = short_turn if style in ("word", "short") else plain_turn
    turns = [turn(rng, lang) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
    turns = [(question, styled(answer, lang, style, phrase)) for question, answer in turns]
    if dice < 0.1:  # the custom instructions of the app
        return chat(*turns, system=HOW_TO_ANSWER[lang] + rule)
    if dice < 0.25 and style in ASK:  # in the question itself
        question, answer = turns[0]
        return chat((make(rng, ASK[style][lang]) + SPACE[lang] + question, answer))
    return chat(*turns, system=rule)

"""How requests and questions are put, and how the answers are written down."""
from . import bank
from .words import CATEGORIES, NAMES
from .wording import capital

BANK = bank.Bank("asking.txt")
REQUEST = BANK.phrases("request")
REQUEST_ABOUT = BANK.phrases("request_about")
QUESTION = BANK.phrases("question")
NUMBERS = BANK.phrases("numbers")  # in words, from zero on


def turn(question, answer):
    """A conversation of one question; conversations can be added."""
    return [("user", question), ("assistant", answer)]


def ask(rng, lang, request):
    """Somebody asks for it; the request is an imperative."""
    return rng.choice(REQUEST[lang]).format(request=request, Request=capital(request))


def ask_about(rng, lang, request, text):
    """Somebody asks for it and gives a text with it."""
    return rng.choice(REQUEST_ABOUT[lang]).format(request=request, Request=capital(request), text=text)


def put_question(rng, lang, question):
    """The question as it is, carelessly, or in a polite or curt frame."""
    dice = rng.random()
    if dice < 0.55:
        return question
    bare = question.rstrip("?." if lang == "en" else "？。")
    if lang == "en" and dice < 0.65 and question.isascii():
        return bare.lower()
    if dice < (0.72 if lang == "en" else 0.7):
        return bare
    lower = question[0].lower() + question[1:]
    return rng.choice(QUESTION[lang]).format(question=question, lower=lower)


def spoken(number, lang):
    """The number as a word before a noun: Chinese has 两 instead of 二."""
    return "两" if lang == "zh" and number == 2 else NUMBERS[lang][number]


def count_word(rng, lang, number):
    """The number before a noun, in digits or as a word."""
    return str(number) if rng.random() < 0.4 else spoken(number, lang)


def numbered(items):
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def bullets(items):
    return "\n".join(f"- {item}" for item in items)


def separator(rng, lang):
    """What stands between the items of a list on one line."""
    return ", " if lang == "en" else rng.choice(["、", "，"])


def draw_category(rng, least=1):
    """A category of at least so many words."""
    while True:
        category = rng.choice(CATEGORIES)
        if len(category.words) >= least:
            return category


def draw_words(rng, lang, count):
    """Words of one category."""
    category = draw_category(rng, count)
    return [word[lang] for word in rng.sample(category.words, count)]


def draw_person(rng, lang):
    """A name, and the pronoun that goes with it."""
    return rng.choice(NAMES[lang])


def draw_people(rng, lang, count):
    return rng.sample(NAMES[lang], count)


def his(person):
    """The possessive pronoun of an English name; "her" is also its object."""
    return "his" if person.pronoun == "he" else "her"

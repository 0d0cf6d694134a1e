"""Jokes, and what is said after one."""
from . import bank
from .wording import user_text

BANK = bank.Bank("jokes.txt")
JOKES = BANK.phrases("jokes")
ASK = BANK.phrases("ask")
MORE = BANK.phrases("more")
LAUGH = BANK.groups("laugh")


def joke_turn(rng, lang):
    told = rng.choice(JOKES[lang])
    return user_text(rng, lang, ASK[lang]), told


def another_joke_turn(rng, lang, told):
    question = user_text(rng, lang, MORE[lang])
    return question, rng.choice([joke for joke in JOKES[lang] if joke != told])

"""Words and short sentences in English and Chinese, read from banks/words.txt."""
from . import bank
from .bank import Entry

BANK = bank.Bank("words.txt")


def category(record):
    """The record with its words as a list of entries."""
    pairs = [word.split("=") for word in bank.words(record.words)]
    words = [Entry(en=english, zh=chinese) for english, chinese in pairs]
    return Entry({"measure": "种"} | record | {"words": words})


CATEGORIES = [category(record) for record in BANK.records("categories")]
CATEGORY = {entry.en: entry for entry in CATEGORIES}  # by its English name
NOUNS = BANK.table("nouns")
ADJECTIVES = BANK.table("adjectives")
VERBS = BANK.table("verbs")
PLACES = BANK.table("places")
SPOTS = BANK.table("spots")
SMALL_THINGS = BANK.table("small")
NAMES = BANK.table("names")
PEOPLE = BANK.table("people")
MASS_FOODS = BANK.table("mass_foods")
DRINKS = BANK.table("drinks")
LIKES = BANK.table("likes")
COLORS = BANK.table("colors")
CITIES = BANK.table("cities")
DAYS = BANK.table("days")
MONTHS = BANK.table("months")
SEASONS = BANK.table("seasons")
ZODIAC = BANK.table("zodiac")
OTHER_WORDS = BANK.table("other_words")
PHRASES = BANK.table("phrases")
ABOUT = [Entry(en=record.en, zh=record.zh,
               sentences={lang: bank.fields(record[f"sentences.{lang}"]) for lang in bank.LANGUAGES})
         for record in BANK.records("about")]


def word_pairs():
    """All words that can be translated on their own, in alphabetical order."""
    words = [(noun.en, noun.zh) for noun in NOUNS] + [(word.en, word.zh) for word in OTHER_WORDS + MASS_FOODS]
    return [Entry(en=english, zh=chinese) for english, chinese in sorted(set(words))]


WORD_PAIRS = word_pairs()


def nouns_of(kinds, without=()):
    """The nouns of these kinds: "at" are animals and things."""
    return [noun for noun in NOUNS if noun.kind in kinds and noun.en not in without]

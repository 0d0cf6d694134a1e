"""What words mean, their opposites and forms, measure words and rhymes."""
from . import bank
from .asking import ask, count_word, numbered, turn
from .wording import capital
from .words import NOUNS

BANK = bank.Bank("vocabulary.txt")
DEFINITIONS = BANK.table("definitions")
DEFINE = BANK.phrases("define")
OPPOSITES = BANK.table("opposites")
OPPOSITE = BANK.phrases("opposite")
OPPOSITE_QUOTED = BANK.phrases("opposite_quoted")
PLURALS = BANK.table("irregular_plurals") + NOUNS
PLURAL = BANK.phrases("plural")
SINGULAR = BANK.phrases("singular")
PAST_TENSES = BANK.table("past_tenses")
PAST = BANK.phrases("past")
MEASURE = BANK.phrases("measure")
RHYMES = [bank.words(line) for line in BANK.phrases("rhymes")]
RHYME = BANK.phrases("rhyme")
RHYMES_ASK = BANK.phrases("rhymes_ask")
WHICH_RHYMES = BANK.phrases("which_rhymes")


def define(rng, lang):
    """What a word means."""
    entry = rng.choice(DEFINITIONS)
    word = entry.word if lang == "en" else entry.zh
    question = rng.choice(DEFINE[lang]).format(with_article=entry.with_article, word=word)
    return turn(question, entry[f"meaning.{lang}"])


def opposites(rng, lang):
    """The opposite of a word."""
    pair = rng.choice(OPPOSITES[lang])
    word, opposite = pair.word, pair.opposite
    if rng.random() < 0.4 and word not in ("给", "拿"):
        word, opposite = opposite, word
    if lang == "zh":
        return turn(rng.choice(OPPOSITE[lang]).format(word=word), opposite)
    quoted = rng.choice(OPPOSITE_QUOTED).format(word=word)
    if rng.random() < 0.12:  # by example
        example = rng.choice([other for other in OPPOSITES[lang] if word not in other.values()])
        return turn(f"{capital(example.word)} -> {example.opposite}\n{capital(word)} ->", opposite)
    question = rng.choice(OPPOSITE[lang]).format(quoted=quoted, word=word, Word=capital(word))
    return turn(question, opposite)


def plural(rng, lang):
    """The plural of an English noun, or its singular."""
    noun = rng.choice(PLURALS)
    if rng.random() < 0.2:
        return turn(rng.choice(SINGULAR[lang]).format(plural=noun.plural), noun.en)
    return turn(rng.choice(PLURAL[lang]).format(word=noun.en), noun.plural)


def past_tense(rng, lang):
    """The past tense of an English verb."""
    entry = rng.choice(PAST_TENSES)
    return turn(rng.choice(PAST[lang]).format(verb=entry.verb), entry.past)


def measure(rng, lang):
    """The Chinese measure word of a noun."""
    noun = rng.choice(NOUNS)
    number = rng.choice("一两三四五六八") if lang == "zh" else ""
    return turn(rng.choice(MEASURE[lang]).format(zh=noun.zh, en=noun.en, number=number), noun.measure)


def rhymes(rng, lang):
    """English words that rhyme."""
    row = rng.choice(RHYMES)
    word, rhyme = rng.sample(row, 2)
    if len(row) > 3 and rng.random() < 0.3:
        number = rng.choice([2, 3])
        word, *rhyming = rng.sample(row, number + 1)
        request = rng.choice(RHYMES_ASK[lang]).format(count=count_word(rng, lang, number), word=word)
        return turn(ask(rng, lang, request), numbered(rhyming))
    if rng.random() < 0.3:
        choices = [rhyme, rng.choice(rng.choice([other for other in RHYMES if other is not row]))]
        rng.shuffle(choices)
        question = rng.choice(WHICH_RHYMES[lang]).format(word=word, one=choices[0], other=choices[1])
        return turn(question, rhyme)
    return turn(rng.choice(RHYME[lang]).format(word=word), rhyme)

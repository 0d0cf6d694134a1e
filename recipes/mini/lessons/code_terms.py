"""What the words of programming mean."""
from . import bank
from .code_snippets import closed_up, padded

BANK = bank.Bank("code_terms.txt")
TERMS = BANK.table("terms")
WHAT_IS_IT = BANK.phrases("what_is_it")


def term(rng, lang):
    """What a word of programming means."""
    row = rng.choice(TERMS)
    name, meaning = row[lang], row[f"meaning.{lang}"]
    question = rng.choice(WHAT_IS_IT[lang])
    if lang == "zh":
        return [("user", closed_up(question.format(term=padded(name)))), ("assistant", meaning)]
    if name == "debugging" or name[0].isupper():  # nobody says "HTML in programming"
        question = question.replace(" mean in programming", " mean")
    return [("user", question.format(term=name)), ("assistant", meaning)]

"""Short poems and haiku."""
from . import bank
from .asking import ask, turn
from .wording import capital

BANK = bank.Bank("poems.txt")
SUBJECTS = BANK.table("subjects")
FIRST = {kind: BANK.phrases(f"first.{kind}") for kind in ("animal", "person", "nature", "chinese")}
SECOND = BANK.phrases("second")
POEM = BANK.phrases("poem")
HAIKU = BANK.phrases("haiku")
HAIKU_FIRST = {lang: {subject: bank.fields(lines) for subject, lines in subjects.items()}
               for lang, subjects in BANK.mapping("haiku_first").items()}
HAIKU_SECOND = BANK.phrases("haiku_second")
HAIKU_THIRD = BANK.phrases("haiku_third")
CANNOT_COME = {"大海", "小河", "大树", "高山", "湖水", "森林", "花园", "太阳"}


def poem(rng, lang):
    """Four lines that rhyme."""
    subject = rng.choice(SUBJECTS)
    if lang == "en":
        first = rng.choice(FIRST[subject.kind]).format(subject=subject.en)
        lines = f"{first}\n{rng.choice(SECOND[lang])}".split("\n")
        request = rng.choice(POEM[lang]).format(subject=subject.asked)
        return turn(ask(rng, lang, request), "\n".join(capital(line) for line in lines))
    question = ask(rng, lang, rng.choice(POEM[lang]).format(subject=subject.zh_asked))
    name = subject.zh if subject.zh_asked in subject.zh else subject.zh_asked
    fitting = [first for first in FIRST["chinese"] if subject.zh not in CANNOT_COME or "来" not in first]
    first = rng.choice(fitting).format(subject=name)
    return turn(question, f"{first}\n{rng.choice(SECOND[lang])}")


def haiku(rng, lang):
    """Three short lines."""
    subject = rng.choice(list(HAIKU_FIRST[lang]))
    lines = [rng.choice(HAIKU_FIRST[lang][subject]), rng.choice(HAIKU_SECOND[lang]), rng.choice(HAIKU_THIRD[lang])]
    request = rng.choice(HAIKU[lang]).format(subject=subject)
    return turn(ask(rng, lang, request), "\n".join(lines))

"""Private data of other people, and how to keep one's own safe."""
from . import bank
from .wording import article

BANK = bank.Bank("privacy.txt")
PEOPLE = BANK.phrases("people")
DATA = BANK.words("data")
ASK = BANK.phrases("ask")
EXCUSE = BANK.phrases("excuse")
DECLINE = BANK.phrases("decline")
ADVICE = BANK.groups("advice")
BEFORE_ADVICE = BANK.phrases("before_advice")
PLURAL = ("private photos", "medical records")


def data_of_others(rng, lang):
    """The private data of somebody else: declined."""
    person, data = rng.choice(PEOPLE[lang]), rng.choice(DATA[lang])
    question = rng.choice(ASK[lang]).format(person=person, data=data)
    if rng.random() < 0.25:
        question += rng.choice(EXCUSE[lang])
    if data in PLURAL:
        slots = {"it_is": "they are", "is": "are", "a_data": data}
    else:
        slots = {"it_is": "it is", "is": "is", "a_data": article(data)}
    person = person.replace("my ", "your ").replace("我的", "你的")
    answer = rng.choice(DECLINE[lang]).format(person=person, data=data, **slots)
    return [("user", question), ("assistant", answer)]


def privacy(rng, lang):
    """Data of others are not told; advice about passwords, scams and accidents is given."""
    if rng.random() < 0.55:
        return data_of_others(rng, lang)
    questions, answers = rng.choice(ADVICE[lang])
    question = rng.choice(questions)
    if rng.random() < 0.4:
        question = rng.choice(BEFORE_ADVICE[lang]) + question
    return [("user", question), ("assistant", rng.choice(answers))]

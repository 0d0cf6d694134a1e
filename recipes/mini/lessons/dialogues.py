"""Dialogues of two people."""
from . import bank
from .asking import ask, draw_people, turn
from .plots import choose
from .wording import article
from .words import DAYS, PLACES, nouns_of

BANK = bank.Bank("dialogues.txt")
DIALOGUES = {name: BANK.steps(name) for name in ("buying", "way", "weather", "plans", "dinner", "lost", "homework")}
WRITE = BANK.phrases("write")
TOO_BIG = ("mountain", "river", "road", "bridge", "house", "tree", "ship", "plane", "bus", "door", "window")
GO_THERE = [place for place in PLACES
            if place.zh not in ("家", "学校", "厨房", "医院", "办公室", "车站", "花园")]


def draw_dialogue(rng, steps, slots):
    """What it is about, and what is said."""
    subject, *lines = [choose(rng, step).format(**slots) for step in steps]
    return subject, lines


def dialogue(rng, lang):
    """A short dialogue about something of every day."""
    person, person2 = draw_people(rng, lang, 2)
    thing = rng.choice(nouns_of("tf", without=TOO_BIG))
    price = rng.randint(2, 40)
    place, day, hour = rng.choice(GO_THERE), rng.choice(DAYS), rng.randint(2, 8)
    if thing.kind == "f":
        price = rng.randint(1, 5)
    names = ["buying", "way", "weather", "plans", "dinner", "homework"]
    names += ["lost"] if thing.kind == "t" else []
    name = rng.choice(names)
    slots = {"thing": thing[lang], "a_thing": article(thing.en), "measure": thing.measure, "price": price,
             "place": place.place if lang == "en" else place.zh, "where": place.where, "day": day[lang],
             "hour": hour}
    # All are drawn, not only the one that was chosen: so each can be changed without changing the others.
    drawn = {}
    for other, steps in DIALOGUES.items():
        steps = steps[lang]
        if other == "plans" and day.en not in ("Saturday", "Sunday"):
            steps = [steps[0][:1], *steps[1:]]  # not "weekend plans"
        drawn[other] = draw_dialogue(rng, steps, slots)
    subject, lines = drawn[name]
    colon = ": " if lang == "en" else "："
    speakers = (person.name, person2.name)
    text = "\n".join(f"{speakers[number % 2]}{colon}{line}" for number, line in enumerate(lines))
    request = rng.choice(WRITE[lang]).format(name=person.name, name2=person2.name, subject=subject)
    return turn(ask(rng, lang, request), text)

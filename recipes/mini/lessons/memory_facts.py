"""What users say about themselves, and how it is said, asked for and answered."""
import re

from . import bank
from .names import PET_NAMES, any_name, invented, short_name
from .wording import article, capital, expand, fill, make, user_text

BANK = bank.Bank("memory_facts.txt")
CITIES = BANK.words("cities")
COUNTRIES = BANK.words("countries")
JOBS = BANK.words("jobs")
HOBBIES = BANK.words("hobbies")
MONTHS = BANK.words("months")
PETS = BANK.words("pets")
PET_MEASURES = BANK.mapping("pet_measures")
FAVOURITES = BANK.word_lists("favourites")
COLOURS = {"en": FAVOURITES["en"]["colour"], "zh": FAVOURITES["zh"]["颜色"]}
RELATIONS = BANK.words("relations")
NUMBERS = BANK.words("numbers")
THINGS = BANK.words("things")
PLACES = BANK.words("places")
OBJECTS = BANK.words("objects")
EVENTS = BANK.words("events")
ALLERGIES = BANK.words("allergies")
SUBJECTS = BANK.words("subjects")
WEEKDAYS = BANK.words("weekdays")
CODE_WORDS = BANK.words("code_words")
CHINESE_HOURS = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一")

# Functions that draw the slots of a kind of fact: "v" is what is to be remembered, "k" what kind of thing it is,
# where there are several; `key` asks for one.


def one_of(choices):
    return lambda rng, lang, key: {"v": rng.choice(choices[lang])}


def draw_name(rng, lang, key):
    return {"v": any_name(rng, lang)}


def draw_job(rng, lang, key):
    job = rng.choice(JOBS[lang])
    return {"v": article(job) if lang == "en" else job}


def draw_age(rng, lang, key):
    return {"v": rng.randint(6, 85)}


def draw_pet(rng, lang, key):
    kind = key or rng.choice(PETS[lang])
    name = rng.choice(PET_NAMES[lang]) if rng.random() < 0.7 else short_name(rng, lang)
    return {"k": kind, "v": name, "a": article(kind) if lang == "en" else PET_MEASURES[kind]}


def draw_favourite(rng, lang, key):
    kind = key or rng.choice(list(FAVOURITES[lang]))
    return {"k": kind, "v": rng.choice(FAVOURITES[lang][kind])}


def draw_relation(rng, lang, key):
    return {"k": key or rng.choice(RELATIONS[lang]), "v": short_name(rng, lang)}


def draw_number(rng, lang, key):
    return {"k": key or rng.choice(NUMBERS[lang]), "v": rng.randint(2, 10 ** rng.randint(1, 4) + 5)}


def draw_place(rng, lang, key):
    thing = key or rng.choice(THINGS[lang])
    slots = {"k": thing, "v": rng.choice(PLACES[lang])}
    if lang == "en":
        slots["t"], slots["is"] = thing.rsplit(" ", 1)
        slots["it"] = "They are" if slots["is"] == "are" else "It is"
    return slots


def draw_object(rng, lang, key):
    return {"k": key or rng.choice(OBJECTS[lang]), "v": rng.choice(COLOURS[lang])}


def draw_event(rng, lang, key):
    hour = rng.randint(1, 11)
    afternoon = hour < 7
    if lang == "en":
        time = f"{hour} {'pm' if afternoon else 'am'}" if rng.random() < 0.5 else f"{hour} o'clock"
        return {"k": key or rng.choice(EVENTS[lang]), "v": f"on {rng.choice(WEEKDAYS[lang])} at {time}"}
    time = f"{'下午' if afternoon else '上午'}{CHINESE_HOURS[hour]}点"
    return {"k": key or rng.choice(EVENTS[lang]), "v": f"{rng.choice(WEEKDAYS[lang])}{time}"}


def code_word(rng, lang):
    """Something secret: a word or two, a number, or both."""
    dice = rng.random()
    if dice < 0.5:
        return rng.choice(CODE_WORDS[lang])
    if dice < 0.65:
        return invented(rng).lower()
    if dice < 0.85:
        return str(rng.randint(10, 10 ** rng.randint(2, 6)))
    return f"{rng.choice('ABCDEFGHJKLMNPRSTUVWXYZ')}{rng.randint(1, 99)}-{rng.randint(100, 999)}"


def draw_code(rng, lang, key):
    return {"v": code_word(rng, lang)}


FACT_KINDS = {  # kind of fact: how often, and what draws it
    "name": (5, draw_name),
    "favourite": (6, draw_favourite),
    "city": (3, one_of(CITIES)),
    "country": (2, one_of(COUNTRIES)),
    "pet": (4, draw_pet),
    "relation": (3, draw_relation),
    "job": (3, draw_job),
    "age": (3, draw_age),
    "hobby": (3, one_of(HOBBIES)),
    "month": (2, one_of(MONTHS)),
    "code": (4, draw_code),
    "number": (3, draw_number),
    "place": (2, draw_place),
    "object": (2, draw_object),
    "event": (2, draw_event),
    "allergy": (2, one_of(ALLERGIES)),
    "learning": (2, one_of(SUBJECTS)),
}
SEVERAL = {"favourite", "relation", "number", "place", "object", "event"}  # of which one has several


class Sentences:
    """How one kind of fact is said, and pairs of a question and its answer."""

    def __init__(self, text):
        lines = text.split("\n")
        self.said = [line[2:] for line in lines if line.startswith("+ ")]
        self.unknown = [line[2:] for line in lines if line.startswith("- ")]
        questions = [line[2:] for line in lines if line.startswith("? ")]
        answers = [line[2:] for line in lines if line.startswith("= ")]
        self.asked = list(zip(questions, answers, strict=True))


SENTENCES = {kind: {lang: Sentences(text) for lang, text in BANK.text(kind).items()} for kind in FACT_KINDS}


class Fact:
    """Something that the user says about themselves."""

    def __init__(self, rng, lang, kind=None, key=None):
        weights = [weight for weight, _ in FACT_KINDS.values()]
        self.lang = lang
        self.kind = kind or rng.choices(list(FACT_KINDS), weights)[0]
        self.slots = FACT_KINDS[self.kind][1](rng, lang, key)
        self.key = self.slots.get("k")
        self.value = str(self.slots["v"])
        self.sentences = SENTENCES[self.kind][lang]

    def said(self, rng, before=""):
        """The sentence, with its slots not yet filled in."""
        wordings = [said for said in self.sentences.said if not before or not said.startswith("{")]
        text = expand(rng, rng.choice(wordings))
        if before and self.lang == "en" and not re.match(r"I[ ']", text):
            text = text[0].lower() + text[1:]
        return before + text

    def filled(self, rng, before=""):
        """The sentence."""
        return fill(self.said(rng, before), self.slots)

    def statement(self, rng):
        """What the assistant says of it."""
        return capital(make(rng, self.sentences.asked[0][1], self.slots))

    def asked(self, rng, unknown=False):
        """A turn in which the user asks for it; `unknown` if it was never said."""
        pairs = [pair for pair in self.sentences.asked if not unknown or "{v}" not in pair[0]]
        question, answer = rng.choice(pairs + [pairs[0]] * 2)
        if unknown:
            answer = rng.choice(self.sentences.unknown)
        elif self.lang == "zh" and rng.random() < 0.3 and answer.startswith("记得，"):
            answer = "[当然记得|是的|记得]，" + answer.removeprefix("记得，")
        return user_text(rng, self.lang, question, self.slots), capital(make(rng, answer, self.slots))

    def mark(self):
        """Two facts with the same mark are about the same thing."""
        return self.kind, self.key if self.kind in SEVERAL else None


def different_facts(rng, lang, count, without=()):
    """Facts about different things, also different from those in `without`."""
    facts, seen = [], {fact.mark() for fact in without}
    seen |= {("object" if fact.kind == "place" else "place", fact.key) for fact in without}
    while len(facts) < count:
        fact = Fact(rng, lang)
        # Two meanings of one sentence ("My ... is ..."), or two names of one person, confuse.
        if fact.mark() in seen or fact.value in {other.value for other in [*facts, *without]}:
            continue
        seen.add(fact.mark())
        facts.append(fact)
    return facts

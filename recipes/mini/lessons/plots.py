"""Stories: what happens in them, and to whom. Each function gives a Story that was asked for by its subject."""
from typing import NamedTuple

from . import bank
from .asking import draw_people, draw_person, his
from .wording import article, capital
from .words import COLORS, SPOTS

BANK = bank.Bank("plots.txt")
ANIMALS = BANK.table("animals")
LANDS = BANK.table("lands")
ANIMAL_PLOTS = BANK.records("animal_plots")
ANIMAL_OPENING = BANK.phrases("animal_opening")
ANIMAL_HELP = BANK.phrases("animal_help")
ANIMAL_MORAL = BANK.phrases("animal_moral")
LOST_THINGS = BANK.table("lost_things")
FINDERS = BANK.table("finders")
FOUND = BANK.phrases("found")
TOYS = [thing for thing in LOST_THINGS
                     if thing.en in ("kite", "ball", "book", "toy car", "doll", "umbrella")]
SKILLS = BANK.table("skills")
TEACHERS = BANK.table("teachers")
VIRTUES = ["friendship", "honesty", "kindness", "sharing"]
JOBS = BANK.table("jobs")
TOWNS = BANK.table("towns")
SIGHTS = BANK.table("sights")
NAMES = ("lost", "skill", *VIRTUES, "job", "nature")
STEPS = {name: BANK.steps(name) for name in NAMES}
SUBJECT = {name: BANK.phrases(f"{name}_subject") for name in ("animal", *NAMES)}
TITLE = {name: BANK.phrases(f"{name}_title") for name in ("animal", *NAMES)}


class Story(NamedTuple):
    """A story, what it is about, and its title."""
    subject: str
    text: str
    title: str


def choose(rng, texts):
    """One of the texts; nothing is drawn where there is only one."""
    return rng.choice(texts) if len(texts) > 1 else texts[0]


def told(rng, lang, steps, slots):
    """The text in which each step is told by one of its sentences."""
    sentences = [choose(rng, step) for step in steps]
    return (" " if lang == "en" else "").join(filter(None, sentences)).format(**slots)


def named(rng, lang, name, slots, text):
    """The story of that plot, with its subject and its title."""
    subject = choose(rng, SUBJECT[name][lang]).format(**slots)
    title = choose(rng, TITLE[name][lang]).format(**slots)
    return Story(subject, text, title)


def animal_story(rng, lang):
    """An animal has a wish, and another one helps."""
    animal, helper = rng.sample(ANIMALS, 2)
    land = rng.choice(LANDS)
    plot = rng.choice(ANIMAL_PLOTS[lang])
    slots = {"animal": animal[lang], "land": land[lang], "helper": helper.zh if lang == "zh" else f"the {helper.en}",
             "Helper": f"The {helper.en}", "an_animal": article(animal.en), "a_helper": article(helper.en),
             "A_helper": capital(article(helper.en)), "Animal": capital(animal.en),
             "Title_helper": capital(helper.en)}
    trouble, help_given, end = (bank.fields(plot[part]) for part in ("trouble", "help", "end"))
    wish = f"The {{animal}} {plot.wish}." if lang == "en" else f"{{animal}}{plot.wish}。"
    steps = [ANIMAL_OPENING[lang], [wish], trouble, ANIMAL_HELP[lang], help_given, end, ANIMAL_MORAL[lang]]
    text = told(rng, lang, steps, slots)
    if lang == "zh":
        return named(rng, lang, "animal", slots, text)
    title = rng.choice(TITLE["animal"][lang]).format(**slots)
    return Story(rng.choice(SUBJECT["animal"][lang]).format(**slots), text, title)


def lost_story(rng, lang):
    """Somebody loses a thing, and somebody else finds it."""
    thing, color = rng.choice(LOST_THINGS), rng.choice(COLORS)
    person, finder = draw_person(rng, lang), rng.choice(FINDERS)
    # Nothing needs this place, but without it the same seed would give other stories.
    rng.choice([spot for spot in SPOTS if spot.en not in ("in the car", "in the bag")])
    slots = {"name": person.name, "he": person.pronoun, "He": capital(person.pronoun), "his": his(person),
             "thing": thing[lang], "a_thing": article(thing.en), "Thing": thing.en.title(), "measure": thing.measure,
             "color": color[lang], "finder": finder[lang], "found": rng.choice(FOUND[lang])}
    return named(rng, lang, "lost", slots, told(rng, lang, STEPS["lost"][lang], slots))


def skill_story(rng, lang):
    """Somebody learns something that is hard."""
    skill, person, teacher = rng.choice(SKILLS), draw_person(rng, lang), rng.choice(TEACHERS)
    slots = {"name": person.name, "he": person.pronoun, "his": his(person), "His": capital(his(person)),
             "him": "him" if person.pronoun == "he" else "her", "skill": skill[lang], "Skill": skill.en.title(),
             "failed": skill[f"failed.{lang}"], "teacher": teacher[lang], "subject": skill.subject,
             "a_child": "a boy" if person.pronoun == "he" else "a girl"}
    return named(rng, lang, "skill", slots, told(rng, lang, STEPS["skill"][lang], slots))


def virtue_story(rng, lang):
    """A story about friendship, honesty, kindness or sharing."""
    virtue = rng.choice(VIRTUES)
    person, person2 = draw_people(rng, lang, 2)
    thing = rng.choice(TOYS)
    slots = {"name": person.name, "he": person.pronoun, "his": his(person), "name2": person2.name,
             "he2": person2.pronoun, "thing": thing[lang], "measure": thing.measure}
    return named(rng, lang, virtue, slots, told(rng, lang, STEPS[virtue][lang], slots))


def job_story(rng, lang):
    """Somebody who works for all gets help from all."""
    job, person, town = rng.choice(JOBS), draw_person(rng, lang), rng.choice(TOWNS)
    slots = {"name": person.name, "he": person.pronoun, "He": capital(person.pronoun), "his": his(person),
             "His": capital(his(person)), "job": job[lang], "Job": job.en.title(), "town": town[lang],
             "goods": job[f"makes.{lang}"], "was": "were" if job["makes.en"].endswith("s") else "was",
             "trouble": job[f"trouble.{lang}"], "where": job[f"where.{lang}"]}
    steps = list(STEPS["job"][lang])
    steps[4] = [rng.choice(steps[4])]  # who helps is drawn first
    return named(rng, lang, "job", slots, told(rng, lang, steps, slots))


def nature_story(rng, lang):
    """Two children see something beautiful."""
    entry = rng.choice(SIGHTS)
    person, person2 = draw_people(rng, lang, 2)
    slots = {"subject": entry[f"subject.{lang}"], "the": entry.the, "The": entry.the.title(),
             "event": entry[f"event.{lang}"], "name": person.name, "name2": person2.name}
    return named(rng, lang, "nature", slots, told(rng, lang, STEPS["nature"][lang], slots))


PLOTS = [animal_story, animal_story, lost_story, skill_story, virtue_story, job_story, nature_story]


def draw_story(rng, lang):
    return rng.choice(PLOTS)(rng, lang)

"""Descriptions of people, places and animals in two or three sentences."""
from . import bank
from .asking import ask, draw_person, his, spoken, turn
from .wording import article, capital
from .words import CATEGORY, CITIES, nouns_of

BANK = bank.Bank("descriptions.txt")
PERSON = BANK.phrases("person")
PERSON_WITH_JOB = BANK.phrases("person_with_job")
LIVES = BANK.wordings("lives")
WORKS = BANK.wordings("works")
LOOKS = BANK.wordings("looks")
MORE = BANK.phrases("more")
LOOK = BANK.table("look")
PLACES = {lang: {place: bank.fields(sentences) for place, sentences in places.items()}
          for lang, places in BANK.mapping("places").items()}
COLORS = BANK.table("colors")
SIZES = BANK.table("sizes")
ANIMAL = BANK.phrases("animal")
ANIMAL_FIRST = BANK.wordings("animal_first")
ANIMAL_MORE = BANK.table("animal_more")
DESCRIBE = BANK.phrases("describe")


def describe_person(rng, lang, count):
    """Who is described, and the sentences."""
    person, age = draw_person(rng, lang), rng.randint(6, 80)
    job, hobby = rng.choice(CATEGORY["job"].words), rng.choice(CATEGORY["hobby"].words)
    city, look = rng.choice(CITIES), rng.choice(LOOK)
    works = rng.random() >= 0.5 and age >= 22
    slots = {"name": person.name, "he": person.pronoun, "He": capital(person.pronoun), "his": his(person),
             "His": capital(his(person)), "age": age, "job": job.zh, "a_job": article(job.en), "hobby": hobby[lang],
             "city": city[lang], "look": look[lang]}
    subject = rng.choice((PERSON_WITH_JOB if works else PERSON)[lang])
    first, *others = (WORKS if works else LIVES)[lang], LOOKS[lang], rng.choice(MORE[lang])
    if count == 2:
        others = [rng.choice(others)]
    return subject.format(**slots), [sentence.format(**slots) for sentence in [first, *others]]


def describe_place(rng, lang, count):
    """What is described, and the sentences."""
    place = rng.choice(list(PLACES[lang]))
    sentences = PLACES[lang][place]
    chosen = [0, *sorted(rng.sample([1, 2, 3], count - 1))]
    return place, [sentences[number] for number in chosen]


def describe_animal(rng, lang, count):
    """What is described, and the sentences."""
    animal, color, size = rng.choice(nouns_of("a")), rng.choice(COLORS), rng.choice(SIZES)
    others = [sentence[lang] for sentence in rng.sample(ANIMAL_MORE, count - 1)]
    slots = {"animal": animal[lang], "an_animal": article(animal.en), "measure": animal.measure,
             "color": color[lang], "size": size[lang], "a_size": article(size.en)}
    subject = rng.choice(ANIMAL[lang]).format(**slots)
    return subject, [ANIMAL_FIRST[lang].format(**slots), *others]


def describe(rng, lang):
    """Somebody or something described in so many sentences."""
    number = rng.choice([2, 3])
    count = rng.choice([str(number), spoken(number, lang)])
    draw = rng.choice([describe_person, describe_place, describe_animal])
    subject, sentences = draw(rng, lang, number)
    request = rng.choice(DESCRIBE[lang]).format(subject=subject, count=count)
    return turn(ask(rng, lang, request), (" " if lang == "en" else "").join(sentences))

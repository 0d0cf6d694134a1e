"""Short texts: questions about them, summaries and titles."""
from . import bank
from .asking import ask_about, draw_people, his, turn
from .wording import article, capital
from .words import CATEGORY, CITIES, COLORS, DAYS, PLACES, SMALL_THINGS, SPOTS, VERBS, nouns_of

BANK = bank.Bank("reading.txt")
PRESENTED = BANK.phrases("presented")
SUMMARIES = BANK.records("summaries")
SUMMARIZE = BANK.phrases("summarize")
GIVE_TITLE = BANK.phrases("give_title")


class Passage:
    """A text, sentences of which one may follow it, and pairs of question and answer."""

    def __init__(self, text, *lines):
        self.text = text
        self.more = [bank.plain(line[2:]) for line in lines if line.startswith("+ ")]
        questions = [line[2:] for line in lines if line.startswith("? ")]
        answers = [line[2:] for line in lines if line.startswith("= ")]
        self.pairs = list(zip(questions, answers, strict=True))


PASSAGES = {lang: [Passage(*lines) for lines in paragraphs] for lang, paragraphs in BANK.steps("passages").items()}


def spots_without(things):
    """Where things can lie that are not these."""
    return [spot for spot in SPOTS if spot.en.split()[-1] not in (*things, "car")]


def passage_slots(rng, lang):
    """Everything that a passage may speak of."""
    person, person2 = draw_people(rng, lang, 2)
    thing, thing2 = rng.sample(SMALL_THINGS, 2)
    color, color2 = rng.sample(COLORS, 2)
    spot, spot2 = rng.sample(spots_without((thing.en, thing2.en)), 2)
    city, city2 = rng.sample(CITIES, 2)
    day = rng.choice(DAYS)
    number, hour = rng.randint(2, 30), rng.randint(5, 9)
    verb, verb2 = rng.sample(VERBS, 2)
    food = rng.choice(nouns_of("f"))
    slots = {
        "name": person.name, "he": person.pronoun, "He": capital(person.pronoun), "his": his(person),
        "name2": person2.name, "thing": thing[lang], "measure": thing.measure, "thing2": thing2[lang],
        "measure2": thing2.measure, "color": color[lang], "Color": capital(color.en), "color2": color2[lang],
        "Color2": capital(color2.en), "spot": spot[lang], "Spot": capital(spot.en), "spot2": spot2[lang],
        "Spot2": capital(spot2.en), "city": city[lang], "city2": city2[lang], "day": day[lang], "number": number,
        "hour": hour, "foods": food.plural, "food": food.zh, "food_measure": food.measure,
    }
    if lang == "en":
        slots |= {"verb": verb.third, "object": verb.object, "verb2": verb2.third, "object2": verb2.object}
    else:
        slots |= {"verb": verb.zh, "verb2": verb2.zh}
    return slots


def reading(rng, lang):
    """A question that a text answers, sometimes two."""
    slots = passage_slots(rng, lang)
    passage = rng.choice(PASSAGES[lang])
    text = passage.text + (rng.choice(passage.more) if passage.more else "")
    text = text.format(**slots)
    pairs = [(question.format(**slots), answer.format(**slots)) for question, answer in passage.pairs]
    question, answer = rng.choice(pairs)
    turns = turn(rng.choice(PRESENTED[lang]).format(text=text, question=question), answer)
    if rng.random() < 0.15:
        turns += turn(*rng.choice([pair for pair in pairs if pair[0] != question]))
    return turns


def summarize(rng, lang):
    """A text in one sentence, or its title."""
    person, person2 = draw_people(rng, lang, 2)
    thing, color = rng.choice(SMALL_THINGS), rng.choice(COLORS)
    spot = rng.choice(spots_without((thing.en,)))
    place = rng.choice([place for place in PLACES if place.zh not in ("家", "学校")])
    city, job = rng.choice(CITIES), rng.choice(CATEGORY["job"].words)
    slots = {
        "name": person.name, "he": person.pronoun, "He": capital(person.pronoun), "name2": person2.name,
        "thing": thing[lang], "Thing": thing.en.title(), "measure": thing.measure, "color": color[lang],
        "spot": spot[lang], "place": place.place if lang == "en" else place.zh, "city": city[lang],
        "job": job.zh, "a_job": article(job.en), "Job": job.en.title(),
    }
    entry = rng.choice(SUMMARIES[lang])
    request, answer = rng.choice(SUMMARIZE[lang]), entry.summary
    if rng.random() < 0.15:
        request, answer = rng.choice(GIVE_TITLE[lang]), entry.title
    return turn(ask_about(rng, lang, request, entry.text.format(**slots)), answer.format(**slots))

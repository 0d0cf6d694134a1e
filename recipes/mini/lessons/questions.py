"""Questions about the world: facts, capitals, colours, legs, and what animals say."""
from . import bank
from .asking import NUMBERS, put_question, turn
from .wording import article, capital

BANK = bank.Bank("questions.txt")
FACTS = BANK.groups("facts")
CAPITALS = BANK.table("capitals")
CAPITAL = BANK.phrases("capital")
CAPITAL_OF = BANK.phrases("capital_of")
THINGS = BANK.table("things")  # and their colors
COLOR = BANK.phrases("color")
LEGS = BANK.table("legs")
LEGS_ASK = BANK.phrases("legs_ask")
SOUNDS = BANK.table("sounds")
SOUND = BANK.phrases("sound")
WHO_SOUNDS = BANK.phrases("who_sounds")
YOUNG = BANK.table("young")
YOUNG_ASK = BANK.phrases("young_ask")


def draw_fact(rng, lang):
    """A question and its answer."""
    questions, answers = rng.choice(FACTS[lang])
    return rng.choice(questions), answers[0]


def facts(rng, lang):
    """A simple fact."""
    question, answer = draw_fact(rng, lang)
    return turn(put_question(rng, lang, question), answer)


def capitals(rng, lang):
    """The capital of a country, or the country of a capital."""
    entry = rng.choice(CAPITALS)
    country, city = entry[f"country.{lang}"], entry[f"city.{lang}"]
    wording = rng.choice(CAPITAL[lang]) if lang == "en" else None
    if rng.random() < 0.2:
        question = rng.choice(CAPITAL_OF[lang]).format(city=city.rstrip("."))
        answer = f"{city} is the capital of {country}." if lang == "en" else f"{city}是{country}的首都。"
        return turn(put_question(rng, lang, question), answer)
    if lang == "zh":
        question = rng.choice(CAPITAL[lang]).format(country=country)
        return turn(put_question(rng, lang, question), f"{country}的首都是{city}。")
    question = wording.format(country=country)
    if wording.endswith("?"):
        question = put_question(rng, lang, question)
    return turn(question, f"The capital of {country} is {city.rstrip('.')}.")


def thing_color(rng, lang):
    thing = rng.choice(THINGS)
    question = rng.choice(COLOR[lang]).format(thing=thing[lang], verb=thing.verb)
    color = thing[f"color.{lang}"]
    answer = f"{capital(thing.en)} {thing.verb} {color}." if lang == "en" else f"{thing.zh}是{color}的。"
    return turn(put_question(rng, lang, question), answer)


def legs(rng, lang):
    entry = rng.choice(LEGS)
    count = int(entry.count)
    animal = article(entry.en) if lang == "en" else entry.zh
    question = put_question(rng, lang, rng.choice(LEGS_ASK[lang]).format(animal=animal))
    if lang == "en":
        return turn(question, f"{capital(animal)} has {NUMBERS['en'][count] if count else 'no'} legs.")
    return turn(question, f"{animal}有{entry['count.zh']}条腿。" if count else f"{animal}没有腿。")


def colors_legs(rng, lang):
    """The color of a thing, or how many legs an animal has."""
    return thing_color(rng, lang) if rng.random() < 0.5 else legs(rng, lang)


def sounds(rng, lang):
    """What an animal says, or what its young are called."""
    animal = rng.choice(SOUNDS)
    name, sound = animal[lang], animal[f"sound.{lang}"]
    if rng.random() < 0.3:
        entry = rng.choice(YOUNG)
        question = rng.choice(YOUNG_ASK[lang]).format(animal=entry.en, with_article=article(entry.en))
        answer = f"A baby {entry.en} is called {article(entry.young)}." if lang == "en" else entry.young
    elif rng.random() < 0.25:
        question = rng.choice(WHO_SOUNDS[lang]).format(sound=sound)
        answer = f'The {name} says "{sound}".' if lang == "en" else f"{name}会“{sound}”叫。"
    else:
        question = rng.choice(SOUND[lang]).format(animal=article(name) if lang == "en" else name)
        answer = f'{capital(article(name))} says "{sound}".' if lang == "en" else f"{name}“{sound}”地叫。"
    return turn(put_question(rng, lang, question), answer)

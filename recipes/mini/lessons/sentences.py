"""Sentences in English and Chinese at the same time, put together from words."""
from . import words
from .asking import spoken
from .bank import Entry
from .wording import article

PRONOUNS = [  # English, Chinese, whether the English verb ends in "s"
    Entry(en="I", zh="我", third=False), Entry(en="You", zh="你", third=False),
    Entry(en="We", zh="我们", third=False), Entry(en="They", zh="他们", third=False),
    Entry(en="He", zh="他", third=True), Entry(en="She", zh="她", third=True),
]
BE = {"I": "am", "You": "are", "We": "are", "They": "are"}
RELATIVES = [("father", "爸爸"), ("mother", "妈妈"), ("uncle", "叔叔"), ("aunt", "阿姨"), ("older brother", "哥哥"),
             ("older sister", "姐姐"), ("friend", "朋友")]
OWNERS = [("My", "我"), ("His", "他"), ("Her", "她"), ("Your", "你")]
DAYS = [("today", "今天"), ("tomorrow", "明天"), ("yesterday", "昨天")]
WEATHER = [("cold", "冷"), ("hot", "热"), ("warm", "暖和"), ("cool", "凉快")]
LIKED = [(entry.en, entry.zh) for entry in words.LIKES + words.MASS_FOODS + words.DRINKS]
LIKED += [(noun.plural, noun.zh) for noun in words.nouns_of("af")]
FOODS = [(food.en, food.zh) for food in words.MASS_FOODS]
FOODS += [(article(noun.en), f"一{noun.measure}{noun.zh}") for noun in words.nouns_of("f")]

# Each of these makes a sentence of the noun, the person or the subject it is given, and draws the rest.


def verb_s(subject):
    return "s" if subject.third else ""


def likes(rng, noun, person, subject):
    english, chinese = rng.choice(LIKED)
    return f"{subject.en} like{verb_s(subject)} {english}.", f"{subject.zh}喜欢{chinese}。"


def does_not_like(rng, noun, person, subject):
    english, chinese = rng.choice(LIKED)
    does = "does" if subject.third else "do"
    return f"{subject.en} {does} not like {english}.", f"{subject.zh}不喜欢{chinese}。"


def does_like(rng, noun, person, subject):
    english, chinese = rng.choice(LIKED)
    who = subject
    if subject.en == "I":
        who = PRONOUNS[1]
    name = who.en if who.en == person.en else who.en.lower()
    return f"{'Does' if who.third else 'Do'} {name} like {english}?", f"{who.zh}喜欢{chinese}吗？"


def this_is(rng, noun, person, subject):
    return f"This is {article(noun.en)}.", f"这是一{noun.measure}{noun.zh}。"


def that_is(rng, noun, person, subject):
    return f"That is {article(noun.en)}.", f"那是一{noun.measure}{noun.zh}。"


def draw_thing(rng):
    return rng.choice(words.nouns_of("at", without=("river", "mountain", "road", "tree", "fire")))


def quality_of(rng, thing):
    adjectives = [adjective for adjective in words.ADJECTIVES
                  if thing.kind in adjective.kinds and adjective.zh != "旧"]
    adjective = rng.choice(adjectives)
    this = f"这{thing.measure}{thing.zh}"
    return rng.choice([
        (f"The {thing.en} is {adjective.en}.", f"{this}很{adjective.zh}。"),
        (f"This {thing.en} is very {adjective.en}.", f"{this}非常{adjective.zh}。"),
    ])


def has_color(rng, noun, person, subject):
    thing = draw_thing(rng)
    if thing.kind != "t":
        return quality_of(rng, thing)
    color = rng.choice(words.COLORS)
    return f"The {thing.en} is {color.en}.", f"这{thing.measure}{thing.zh}是{color.zh}色的。"


def has_quality(rng, noun, person, subject):
    return quality_of(rng, draw_thing(rng))


def there_are(rng, noun, person, subject):
    number = rng.randint(2, 10)
    english, chinese = spoken(number, "en"), spoken(number, "zh")
    return f"There are {english} {noun.plural}.", f"有{chinese}{noun.measure}{noun.zh}。"


def there_are_in_place(rng, noun, person, subject):
    number = rng.randint(2, 10)
    noun = rng.choice(words.nouns_of("ap"))
    place = rng.choice([place for place in words.PLACES if place.where.startswith(("in ", "at the", "on "))])
    where = "海滩上" if place.zh == "海滩" else f"{place.zh}里"
    return (f"There are {spoken(number, 'en')} {noun.plural} {place.where}.",
            f"{where}有{spoken(number, 'zh')}{noun.measure}{noun.zh}。")


def wants_to_eat(rng, noun, person, subject):
    english, chinese = rng.choice(FOODS)
    return f"{subject.en} want{verb_s(subject)} to eat {english}.", f"{subject.zh}想吃{chinese}。"


def wants_to_drink(rng, noun, person, subject):
    drink = rng.choice(words.DRINKS)
    return f"{subject.en} want{verb_s(subject)} to drink {drink.en}.", f"{subject.zh}想喝{drink.zh}。"


def about_a_place(rng, noun, person, subject):
    place = rng.choice([place for place in words.PLACES if place.place != "the house"])
    goes = "goes" if subject.third else "go"
    return rng.choice([
        (f"Where is {place.place}?", f"{place.zh}在哪里？"),
        (f"{subject.en} {goes} to {place.place} every day.", f"{subject.zh}每天去{place.zh}。"),
        (f"{subject.en} will go to {place.place} tomorrow.", f"{subject.zh}明天去{place.zh}。"),
    ])


def where_is(rng, noun, person, subject):
    thing = rng.choice(words.nouns_of("at"))
    if thing.en in ("river", "mountain", "road"):
        thing = Entry(en="hat", zh="帽子")
    return f"Where is the {thing.en}?", f"{thing.zh}在哪里？"


def is_in_place(rng, noun, person, subject):
    place = rng.choice(words.PLACES)
    return f"{person.en} is {place.where}.", f"{person.zh}在{place.zh}。"


def lies_there(rng, noun, person, subject):
    thing = rng.choice(words.SMALL_THINGS)
    spot = rng.choice([spot for spot in words.SPOTS if spot.en.split()[-1] != thing.en])
    return f"The {thing.en} is {spot.en}.", f"{thing.zh}在{spot.zh}。"


def is_doing(rng, noun, person, subject):
    verb = rng.choice(words.VERBS)
    now = "正" if verb.zh.startswith("在") else "在"
    return f"{subject.en} {BE.get(subject.en, 'is')} {verb.ing} {verb.object}.", f"{subject.zh}{now}{verb.zh}。"


def wants_or_can(rng, noun, person, subject):
    verb = rng.choice(words.VERBS)
    action = f"{verb.base} {verb.object}"
    return rng.choice([
        (f"{subject.en} want{verb_s(subject)} to {action}.", f"{subject.zh}想{verb.zh}。"),
        (f"{subject.en} can {action}.", f"{subject.zh}可以{verb.zh}。"),
    ])


def has_job(rng, noun, person, subject):
    relative, relative_zh = rng.choice(RELATIVES)
    job = rng.choice(words.CATEGORY["job"].words)
    owner, owner_zh = rng.choice(OWNERS)
    of = "的" if relative_zh == "朋友" else ""
    return f"{owner} {relative} is {article(job.en)}.", f"{owner_zh}{of}{relative_zh}是{job.zh}。"


def has_thing(rng, noun, person, subject):
    thing = rng.choice(words.nouns_of("at", without=("river", "mountain", "road", "bridge", "elephant", "tiger")))
    has = "has" if subject.third else "have"
    return f"{subject.en} {has} {article(thing.en)}.", f"{subject.zh}有一{thing.measure}{thing.zh}。"


def weather(rng, noun, person, subject):
    day, day_zh = rng.choice(DAYS)
    weather_en, weather_zh = rng.choice(WEATHER)
    verb = {"today": "is", "tomorrow": "will be", "yesterday": "was"}[day]
    return f"It {verb} {weather_en} {day}.", f"{day_zh}{'会' if day == 'tomorrow' else ''}很{weather_zh}。"


def about_a_city(rng, noun, person, subject):
    city = rng.choice(words.CITIES)
    return rng.choice([
        (f"{subject.en} live{verb_s(subject)} in {city.en}.", f"{subject.zh}住在{city.zh}。"),
        (f"{subject.en} want{verb_s(subject)} to go to {city.en}.", f"{subject.zh}想去{city.zh}。"),
        (f"{subject.en} will go to {city.en} tomorrow.", f"{subject.zh}明天去{city.zh}。"),
    ])


SENTENCES = [
    likes, does_not_like, does_like, this_is, that_is, has_color, has_quality, there_are, there_are_in_place,
    wants_to_eat, wants_to_drink, about_a_place, where_is, is_in_place, lies_there, is_doing, is_doing, wants_or_can,
    has_job, has_thing, weather, about_a_city,
]


def sentence_pair(rng):
    """A sentence that says the same in both languages."""
    noun = rng.choice(words.NOUNS)
    sentence = rng.choice(SENTENCES)
    person = rng.choice(words.PEOPLE)
    named = Entry(en=person.en, zh=person.zh, third=True)
    subject = rng.choice(PRONOUNS + [named, named])
    english, chinese = sentence(rng, noun, person, subject)
    return Entry(en=english, zh=chinese)


def any_sentence(rng, lang):
    """A sentence in one language."""
    if rng.random() < 0.3:
        return rng.choice(words.PHRASES)[lang]
    if rng.random() < 0.2:
        return rng.choice(rng.choice(words.ABOUT).sentences[lang])
    return sentence_pair(rng)[lang]

"""Names of people and pets."""
from . import bank

BANK = bank.Bank("names.txt")
FIRST_NAMES = BANK.words("first_names")
LAST_NAMES = BANK.words("last_names")
NICKNAMES = BANK.words("nicknames")
PET_NAMES = BANK.words("pets")
SYLLABLES = BANK.words("syllables")
SURNAMES = "".join(BANK.phrases("surnames"))
GIVEN_NAMES = "".join(BANK.phrases("given_names"))  # the characters they are made of


def invented(rng):
    """A name that nobody has: it can only be copied."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice([2, 2, 3]))).capitalize()


def english_name(rng):
    dice = rng.random()
    if dice < 0.65:
        return rng.choice(FIRST_NAMES)
    if dice < 0.8:
        return invented(rng)
    if dice < 0.95:
        return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
    return rng.choice(NICKNAMES["en"])


def chinese_given_name(rng):
    return "".join(rng.sample(GIVEN_NAMES, rng.choice([1, 2, 2])))


def two_characters(rng):
    """Two characters of names, together a word that can only be copied."""
    return rng.choice(GIVEN_NAMES) + rng.choice(GIVEN_NAMES)


def chinese_name(rng):
    dice = rng.random()
    if dice < 0.62:
        return rng.choice(SURNAMES) + chinese_given_name(rng)
    if dice < 0.8:
        return rng.choice("小小小阿老") + rng.choice(SURNAMES + GIVEN_NAMES + "明红刚美强")
    if dice < 0.85:
        return rng.choice(NICKNAMES["zh"])
    return rng.choice(FIRST_NAMES) if dice < 0.95 else invented(rng)


def any_name(rng, lang):
    """Of the user: as they write it in this language, now and then in the other one."""
    if lang == "zh":
        return chinese_name(rng)
    return english_name(rng) if rng.random() < 0.95 else chinese_name(rng)


def short_name(rng, lang):
    """Of a friend or a pet: one word."""
    if lang == "zh":
        return rng.choice([chinese_given_name(rng), rng.choice("小阿") + rng.choice(GIVEN_NAMES)])
    return rng.choice(FIRST_NAMES) if rng.random() < 0.85 else invented(rng)

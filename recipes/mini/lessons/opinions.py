"""What somebody likes: a program has no taste, but it knows what many people like, and it can recommend."""
from . import bank
from .wording import article, make, user_text

BANK = bank.Bank("opinions.txt")
FAVOURITES = BANK.word_lists("favourites")
FAVOURITE_ASK = BANK.phrases("favourite_ask")
FAVOURITE_ANSWER = BANK.phrases("favourite_answer")
CHOICES = BANK.table("choices")
CHOICE_ASK = BANK.phrases("choice_ask")
CHOICE_ANSWER = BANK.wordings("choice_answer")
LIKES = BANK.words("likes")
LIKING_ASK = BANK.wordings("liking_ask")
LIKING_ANSWER = BANK.phrases("liking_answer")
ACTIVITIES = BANK.words("activities")
ACTIVITY_ASK = BANK.phrases("activity_ask")
ACTIVITY_ANSWER = BANK.wordings("activity_answer")
RECOMMENDATIONS = BANK.word_lists("recommendations")
RECOMMENDATION_ASK = BANK.phrases("recommendation_ask")
RECOMMENDATION_ANSWER = BANK.phrases("recommendation_answer")


def favourite_turn(rng, lang):
    kind = rng.choice(list(FAVOURITES[lang]))
    slots = {"c": kind, "v": rng.choice(FAVOURITES[lang][kind])}
    return user_text(rng, lang, FAVOURITE_ASK[lang], slots), make(rng, FAVOURITE_ANSWER[lang], slots)


def choice_turn(rng, lang):
    slots = rng.choice(CHOICES[lang])
    return user_text(rng, lang, CHOICE_ASK[lang], slots), make(rng, CHOICE_ANSWER[lang], slots)


def liking_turn(rng, lang):
    slots = {"v": rng.choice(LIKES[lang])}
    return user_text(rng, lang, LIKING_ASK[lang], slots), make(rng, LIKING_ANSWER[lang], slots)


def activity_turn(rng, lang):
    one, other = rng.sample(ACTIVITIES[lang], 2)
    slots = {"a": one, "b": other}
    return user_text(rng, lang, ACTIVITY_ASK[lang], slots), make(rng, ACTIVITY_ANSWER[lang], slots)


def recommendation_turn(rng, lang):
    kind = rng.choice(list(RECOMMENDATIONS[lang]))
    one, other = rng.sample(RECOMMENDATIONS[lang][kind], 2)
    slots = {"c": kind, "x": article(kind), "a": one, "b": other}
    return user_text(rng, lang, RECOMMENDATION_ASK[lang], slots), make(rng, RECOMMENDATION_ANSWER[lang], slots)


def opinion_turn(rng, lang):
    dice = rng.random()
    if dice < 0.35:
        return favourite_turn(rng, lang)
    if dice < 0.5:
        return choice_turn(rng, lang)
    if dice < 0.65:
        return liking_turn(rng, lang)
    if dice < 0.8:
        return activity_turn(rng, lang)
    return recommendation_turn(rng, lang)

"""Single turns of small talk: greetings, thanks, goodbyes, the day, the weather, feelings, who parley-mini is."""
from . import bank
from .wording import group_turn, make

GREETINGS = bank.Bank("greetings.txt")
SMALL_TALK = bank.Bank("small_talk.txt")
ASSISTANT = SMALL_TALK.phrases("assistant")  # system messages that ask for nothing


def turns_of(groups):
    """A function that draws a turn of these groups."""
    return lambda rng, lang: group_turn(rng, lang, groups[lang])


greeting_turn = turns_of(GREETINGS.groups("greeting"))
how_turn = turns_of(GREETINGS.groups("how_are_you"))
thanks_turn = turns_of(GREETINGS.groups("thanks"))
bye_turn = turns_of(GREETINGS.groups("goodbye"))
sorry_turn = turns_of(GREETINGS.groups("apology"))
compliment_turn = turns_of(GREETINGS.groups("compliment"))
insult_turn = turns_of(GREETINGS.groups("insult"))
day_turn = turns_of(SMALL_TALK.groups("day"))
weather_turn = turns_of(SMALL_TALK.groups("weather"))
bored_turn = turns_of(SMALL_TALK.groups("bored"))
help_turn = turns_of(SMALL_TALK.groups("help"))
identity_turn = turns_of(bank.Bank("identity.txt").groups("identity"))
feeling_turn = turns_of(bank.Bank("feelings.txt").groups("feelings"))


def sometimes_system(rng, lang, share=0.1):
    """A system message that asks for nothing, or none."""
    return make(rng, ASSISTANT[lang]) if rng.random() < share else None

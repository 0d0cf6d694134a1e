"""Conversations of everyday talk, made of the single turns."""
from .fillers import filler_turn, fillers
from .jokes import LAUGH, another_joke_turn, joke_turn
from .knowledge import INTERESTING, INTERESTING_MORE, fact_turn, interesting_turn, list_turn, sum_turn
from .opinions import opinion_turn
from .small_talk import (bored_turn, bye_turn, compliment_turn, day_turn, feeling_turn, greeting_turn, help_turn,
                         how_turn, identity_turn, sometimes_system, thanks_turn, weather_turn)
from .wording import chat, group_turn, user_text


def around(turn, follow=(filler_turn, thanks_turn)):
    """A kind of conversation around one turn."""
    def kind(rng, lang):
        """The turn; perhaps something before it and something after it."""
        turns = []
        dice = rng.random()
        if dice < 0.15:
            turns.append(greeting_turn(rng, lang))
        elif dice < 0.3:
            turns.append(filler_turn(rng, lang))
        turns.append(turn(rng, lang))
        if rng.random() < 0.35:
            turns.append(rng.choice(follow)(rng, lang))
        return chat(*turns, system=sometimes_system(rng, lang, 0.06))
    return kind


def after_talk(turn):
    """A kind of conversation that ends with this turn."""
    def kind(rng, lang):
        """The turn, usually after some talk."""
        turns = [] if rng.random() < 0.25 else fillers(rng, lang, (1, 1, 2))
        turns.append(turn(rng, lang))
        if rng.random() < 0.15:
            turns.append(bye_turn(rng, lang))
        return chat(*turns, system=sometimes_system(rng, lang, 0.06))
    return kind


def greeting(rng, lang):
    """A greeting, perhaps with a first question."""
    turns = [greeting_turn(rng, lang)]
    if rng.random() < 0.6:
        turn = rng.choice((how_turn, identity_turn, help_turn, day_turn, feeling_turn, filler_turn))
        turns.append(turn(rng, lang))
    return chat(*turns, system=sometimes_system(rng, lang, 0.08))


def joke(rng, lang):
    """A joke, perhaps a second one, and what the user says to it."""
    turns = [joke_turn(rng, lang)]
    told = turns[0][1]
    if rng.random() < 0.2:
        turns.insert(0, bored_turn(rng, lang))
    if rng.random() < 0.45:
        turns.append(another_joke_turn(rng, lang, told))
    dice = rng.random()
    if dice < 0.2:
        turns.append(group_turn(rng, lang, LAUGH[lang]))
    elif dice < 0.35:
        turns.append(thanks_turn(rng, lang))
    elif dice < 0.5:
        turns.append(filler_turn(rng, lang))
    return chat(*turns)


def identity(rng, lang):
    """Who parley-mini is and what it can do."""
    turns = [identity_turn(rng, lang) for _ in range(rng.choice([1, 1, 2, 3]))]
    if rng.random() < 0.2:
        turns.insert(0, greeting_turn(rng, lang))
    if rng.random() < 0.15:
        turns.append(rng.choice((thanks_turn, filler_turn))(rng, lang))
    return chat(*turns, system=sometimes_system(rng, lang, 0.15))


def interesting(rng, lang):
    """Something worth telling, perhaps two things."""
    turns = [interesting_turn(rng, lang)]
    told = turns[0][1]
    if rng.random() < 0.4:
        question = user_text(rng, lang, INTERESTING_MORE[lang])
        turns.append((question, rng.choice([fact for fact in INTERESTING[lang] if fact not in told])))
    if rng.random() < 0.3:
        turns.append(rng.choice((thanks_turn, compliment_turn, filler_turn))(rng, lang))
    return chat(*turns)


def multi_turn(rng, lang):
    """A longer talk, from a greeting to a goodbye."""
    turns = []
    if rng.random() < 0.75:
        turns.append(greeting_turn(rng, lang))
    if rng.random() < 0.3:
        turns.append(how_turn(rng, lang))
    middle = (feeling_turn, feeling_turn, day_turn, opinion_turn, identity_turn, fact_turn, sum_turn, list_turn,
              joke_turn, interesting_turn, weather_turn, bored_turn, help_turn)
    while len(turns) < rng.choice([2, 3, 3]):
        turns.append(rng.choice(middle)(rng, lang))
    if rng.random() < 0.6:
        turns.append(thanks_turn(rng, lang))
    if rng.random() < 0.6:
        turns.append(bye_turn(rng, lang))
    return chat(*turns[:5], system=sometimes_system(rng, lang, 0.08))

"""Turns that have nothing to do with what a lesson is about: what matters must be found between them."""
from .jokes import joke_turn
from .knowledge import fact_turn, interesting_turn, list_turn, sum_turn
from .opinions import opinion_turn
from .small_talk import feeling_turn, how_turn, identity_turn, thanks_turn, weather_turn

WEIGHTS = {
    fact_turn: 6, sum_turn: 4, list_turn: 3, feeling_turn: 3, opinion_turn: 2, joke_turn: 1, interesting_turn: 2,
    how_turn: 1, weather_turn: 1, identity_turn: 2, thanks_turn: 1,
}


def filler_turn(rng, lang):
    turn = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return turn(rng, lang)


def fillers(rng, lang, counts=(0, 0, 1, 1, 2, 3)):
    """As many of them as one of the counts says."""
    return [filler_turn(rng, lang) for _ in range(rng.choice(counts))]

"""Talk: greetings and small talk, who parley-mini is, remembering what was said, obeying the system message."""
from .conversations import after_talk, around, greeting, identity, interesting, joke, multi_turn
from .files import file_passage
from .jokes import joke_turn
from .knowledge import fact_turn, interesting_turn, list_turn, sum_turn
from .languages import system_language
from .memory import remember_fact, remember_name, system_memory
from .opinions import opinion_turn
from .persona import system_name
from .small_talk import (bored_turn, bye_turn, compliment_turn, day_turn, feeling_turn, help_turn, how_turn,
                         insult_turn, sorry_turn, thanks_turn, weather_turn)
from .styles import system_style

KINDS = {
    "greeting": (3, greeting),
    "how_are_you": (2, around(how_turn)),
    "thanks": (2, after_talk(thanks_turn)),
    "goodbye": (2, after_talk(bye_turn)),
    "apology": (1, after_talk(sorry_turn)),
    "compliment": (1, after_talk(compliment_turn)),
    "insult": (1, after_talk(insult_turn)),
    "small_talk": (2, around(day_turn)),
    "weather": (1.5, around(weather_turn)),
    "boredom": (1, around(bored_turn, (joke_turn, interesting_turn, opinion_turn))),
    "joke": (1.5, joke),
    "help": (1, around(help_turn, (fact_turn, sum_turn, list_turn, opinion_turn))),
    "identity": (5, identity),
    "remember_name": (6, remember_name),
    "remember_fact": (7, remember_fact),
    "system_name": (5, system_name),
    "system_language": (4, system_language),
    "system_style": (5, system_style),
    "system_memory": (5, system_memory),
    "file_passage": (3, file_passage),
    "feelings": (3, around(feeling_turn, (thanks_turn, thanks_turn, opinion_turn, bye_turn))),
    "opinions": (3, around(opinion_turn)),
    "interesting": (1.5, interesting),
    "multi_turn": (5, multi_turn),
}

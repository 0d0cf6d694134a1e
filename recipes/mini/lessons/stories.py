"""Short stories, endings and titles, poems, dialogues and descriptions that contain what was asked for."""
from . import bank
from .asking import ask, ask_about, turn
from .descriptions import describe
from .dialogues import dialogue
from .plots import draw_story
from .poems import haiku, poem
from .wording import capital

BANK = bank.Bank("stories.txt")
KIND = BANK.phrases("kind")
TELL = BANK.phrases("tell")
ABOUT = BANK.phrases("about")
WITH_TITLE = BANK.phrases("with_title")
TITLE_AFTER = BANK.phrases("title_after")
TITLE_FOR = BANK.phrases("title_for")
CONTINUE = BANK.phrases("continue")


def story(rng, lang):
    """A story about something, perhaps with a title."""
    told = draw_story(rng, lang)
    kind = rng.choice(KIND[lang])
    slots = {"kind": kind, "Kind": capital(kind.removeprefix("a ")), "subject": told.subject}
    question = ask(rng, lang, rng.choice(TELL[lang]).format(**slots))
    if rng.random() < 0.15:
        question = rng.choice(ABOUT[lang]).format(**slots)
    if rng.random() < 0.12:
        if question[-1] not in ".?。？":
            question += "." if lang == "en" else "。"
        return turn(question + rng.choice(WITH_TITLE[lang]), f"{told.title}\n\n{told.text}")
    turns = turn(question, told.text)
    if rng.random() < 0.15:
        turns += turn(rng.choice(TITLE_AFTER[lang]), told.title)
    return turns


def title_for(rng, lang):
    """The title of a story."""
    told = draw_story(rng, lang)
    return turn(ask_about(rng, lang, rng.choice(TITLE_FOR[lang]), told.text), told.title)


def begun(rng, lang):
    """The first sentence of a story, and the rest; nobody speaks across the cut."""
    for _ in range(20):
        text = draw_story(rng, lang).text
        cut = text.find(". " if lang == "en" else "。") + 1
        first, rest = text[:cut], text[cut:].strip()
        balanced = first.count('"') % 2 == 0 and first.count("“") == first.count("”")
        if rest and balanced and not rest.startswith("”"):
            break
    return first, rest


def continue_story(rng, lang):
    """The rest of a story that was begun."""
    first, rest = begun(rng, lang)
    return turn(ask_about(rng, lang, rng.choice(CONTINUE[lang]), first), rest)


KINDS = {
    "story": (8, story),
    "continue_story": (3, continue_story),
    "title": (2, title_for),
    "poem": (4, poem),
    "haiku": (1, haiku),
    "dialogue": (4, dialogue),
    "describe": (4, describe),
}

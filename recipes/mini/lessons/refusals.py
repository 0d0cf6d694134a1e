"""What would harm others is declined kindly; what only sounds like it is answered."""
from . import bank
from .wording import after

HARM_BANK = bank.Bank("refusals.txt")
HARM = HARM_BANK.records("harm")
HOW = HARM_BANK.phrases("how")
BEFORE = HARM_BANK.phrases("before")
AFTER = HARM_BANK.phrases("after")
DECLINE = HARM_BANK.phrases("decline")
DECLINE_BECAUSE = HARM_BANK.phrases("decline_because")
HELP_WITH_STORY = HARM_BANK.phrases("help_with_story")
AGAIN = HARM_BANK.phrases("again")
DECLINE_AGAIN = HARM_BANK.phrases("decline_again")
STORY_WORDS = ("movie", "novel", "story", "剧本", "小说", "故事")

HARMLESS_BANK = bank.Bank("harmless.txt")
TIPS = HARMLESS_BANK.rows("tips")
HOW_HARMLESS = HARMLESS_BANK.phrases("how")
HACK = HARMLESS_BANK.phrases("hack")
BEFORE_HARMLESS = HARMLESS_BANK.phrases("before")
GLADLY = HARMLESS_BANK.phrases("gladly")


def english_act(rng, harm):
    """What somebody wants to do, and how the answer speaks of it."""
    verb, gerund = rng.choice(bank.fields(harm["do"])).split(":")
    what = rng.choice(bank.fields(harm["what"]))
    topic = f"{gerund} {what}".replace(" my ", " your ")
    for someone in ("someone I hate", "a woman I like", "a person I dislike"):
        topic = topic.replace(someone, "someone")
    return f"{verb} {what}", topic


def chinese_act(rng, harm):
    """What somebody wants to do, and how the answer speaks of it."""
    verb = rng.choice(bank.fields(harm["do"]))
    what = rng.choice(bank.fields(harm["what"]))
    act = verb.format(what=what) if "{what}" in verb else verb + what
    return act, act.replace("我的", "").replace("我", "你")


def refuse(rng, lang):
    """Help to harm others is declined, with the reason and something better."""
    harm = rng.choice(HARM[lang])
    act, topic = english_act(rng, harm) if lang == "en" else chinese_act(rng, harm)
    reason = rng.choice(bank.fields(harm["because"]))
    offer = rng.choice(bank.fields(harm["instead"]))
    question = rng.choice(HOW[lang]).format(act=act)
    dice, excuse = rng.random(), ""
    if dice < 0.35:
        excuse = rng.choice(BEFORE[lang])
        question = after(excuse, question)
    elif dice < 0.6:
        excuse = rng.choice(AFTER[lang])
        question += excuse
    if any(word in excuse for word in STORY_WORDS) and rng.random() < 0.6:
        offer = rng.choice(HELP_WITH_STORY[lang])
    decline = rng.choice(DECLINE[lang]).format(topic=topic)
    answer = rng.choice(DECLINE_BECAUSE[lang]).format(decline=decline, reason=reason, offer=offer)
    turns = [("user", question), ("assistant", answer)]
    if rng.random() < 0.15:
        question = rng.choice(AGAIN[lang])
        answer = rng.choice(DECLINE_AGAIN[lang]).format(reason=reason, offer=offer)
        turns += [("user", question), ("assistant", answer)]
    return turns


def harmless(rng, lang):
    """What sounds dangerous and is not: a few tips."""
    thing, tip, *more = rng.choice(TIPS[lang])
    question = rng.choice(HOW_HARMLESS[lang])
    if thing.startswith("hack to "):
        thing = thing.removeprefix("hack to ")
        question = rng.choice(HACK)
    question = question.format(thing=thing)
    if rng.random() < 0.25:
        question = after(rng.choice(BEFORE_HARMLESS[lang]), question)
    answer = tip
    if more and rng.random() < 0.6:
        answer += (" " if lang == "en" else "") + rng.choice(more)
    if rng.random() < 0.15:
        answer = rng.choice(GLADLY[lang]) + answer
    return [("user", question), ("assistant", answer)]

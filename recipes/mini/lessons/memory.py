"""Remembering what the user said: in this conversation, or as the system message tells."""
from . import bank
from .fillers import filler_turn, fillers
from .memory_facts import Fact, different_facts
from .small_talk import ASSISTANT, greeting_turn, sometimes_system
from .wording import careless, chat, expand, fill, make, user_text

BANK = bank.Bank("memory.txt")
NOTED = BANK.phrases("noted")
NOTED_FACT = BANK.wordings("noted_fact")
LET_KNOW = BANK.phrases("let_know")
CORRECT = BANK.phrases("correct")
CORRECTED = BANK.phrases("corrected")
ALL_KNOWN = BANK.phrases("all_known")
MEET = BANK.phrases("meet")
MEET_BACK = BANK.phrases("meet_back")
HELLO = BANK.phrases("hello")
AND_YOU = BANK.wordings("and_you")
BESIDES = BANK.wordings("besides")
NEW_NAME = BANK.phrases("new_name")
NEW_NAME_NOTED = BANK.phrases("new_name_noted")
YOUR_NAME = BANK.phrases("your_name")
MY_NAME = BANK.phrases("my_name")
# The parts of the system message, as the app writes it.
ABOUT_USER = BANK.wordings("about_user")
HOW_TO_ANSWER = BANK.wordings("how_to_answer")
TOLD_BEFORE = BANK.wordings("told_before")
EARLIER = BANK.wordings("earlier")
USER_SAID = BANK.wordings("user_said")
ASSISTANT_SAID = BANK.wordings("assistant_said")
INSTRUCTIONS = BANK.phrases("instructions")
HELLO_AGAIN = BANK.wordings("hello_again")
HELLO_NAME = BANK.wordings("hello_name")
SPACE = {"en": " ", "zh": ""}
FULL_STOP = {"en": ".", "zh": "。"}


def noted(rng, lang, facts):
    """What the assistant answers when it is told something."""
    if len(facts) == 1 and rng.random() < 0.5:
        return make(rng, NOTED_FACT[lang], {"s": facts[0].statement(rng)})
    return make(rng, NOTED[lang])


def tell(rng, lang, facts):
    """A turn in which the user says them."""
    before = rng.choice(LET_KNOW[lang])
    parts = [facts[0].said(rng, before)] + [fact.said(rng) for fact in facts[1:]]
    if len(facts) == 1:
        parts = [careless(rng, parts[0], lang)]
    texts = [fill(part, fact.slots) for part, fact in zip(parts, facts)]
    if len(facts) == 2 and rng.random() < 0.4:
        link = " and " if lang == "en" else "，"
        texts = [texts[0].rstrip(".。") + link + facts[1].filled(rng, " ").strip()]
    text = SPACE[lang].join(texts)
    if len(facts) > 1 and rng.random() < 0.25 and lang == "en":
        text = text.rstrip(".")
    return text, noted(rng, lang, facts)


def recall(rng, lang, facts):
    """A question about one of them, or about all."""
    if rng.random() < 0.12:
        question = user_text(rng, lang, ALL_KNOWN[lang])
        return question, SPACE[lang].join(fact.statement(rng) for fact in facts)
    return rng.choice(facts).asked(rng)


def introduce(rng, lang, name):
    """The user says the name; perhaps asks for the assistant's."""
    hello = expand(rng, rng.choice(HELLO[lang]))
    hello += SPACE[lang] if hello else ""
    dice = rng.random()
    text = name.said(rng, hello) if hello.endswith(", ") else hello + name.said(rng)
    if dice < 0.15:
        text = text.rstrip(FULL_STOP[lang]) + expand(rng, AND_YOU[lang])
    elif dice < 0.3:
        text += SPACE[lang] + expand(rng, BESIDES[lang])
    question = fill(careless(rng, text, lang), name.slots)
    return question, make(rng, MEET_BACK[lang] if dice < 0.15 else MEET[lang], name.slots)


def name_unknown(rng, lang, name):
    """Turns in which the name is asked for that was never said."""
    turns = fillers(rng, lang, (0, 1, 1, 2))
    if rng.random() < 0.4:
        turns.insert(0, greeting_turn(rng, lang))
    turns.append(name.asked(rng, unknown=True))
    if rng.random() < 0.35:
        turns.append(introduce(rng, lang, name))
        turns.append(name.asked(rng))
    return turns[-5:]


def remember_name(rng, lang):
    """The user's name, asked for after other talk; sometimes it changes, or was never said."""
    name = Fact(rng, lang, "name")
    system = sometimes_system(rng, lang)
    dice = rng.random()
    if dice < 0.13:
        return chat(*name_unknown(rng, lang, name), system=system)
    turns = [introduce(rng, lang, name)]
    if rng.random() < 0.12:
        turns.insert(0, greeting_turn(rng, lang))
    room = 4 - len(turns)
    turns += fillers(rng, lang)[:room]
    if dice < 0.23 and len(turns) < 4:  # another name now
        name = Fact(rng, lang, "name")
        question = user_text(rng, lang, NEW_NAME[lang], name.slots)
        turns.append((question, make(rng, NEW_NAME_NOTED[lang], name.slots)))
    turns.append(name.asked(rng))
    if len(turns) < 5 and rng.random() < 0.15:
        turns.append((user_text(rng, lang, YOUR_NAME[lang]), make(rng, MY_NAME[lang])))
    return chat(*turns, system=system)


def told_one(rng, lang):
    facts = different_facts(rng, lang, 1)
    return [tell(rng, lang, facts)] + fillers(rng, lang) + [facts[0].asked(rng)]


def told_several_at_once(rng, lang):
    facts = different_facts(rng, lang, rng.choice([2, 2, 3, 4]))
    turns = [tell(rng, lang, facts)] + fillers(rng, lang, (0, 0, 1, 2)) + [recall(rng, lang, facts)]
    if rng.random() < 0.5:
        turns.append(rng.choice(facts).asked(rng))
    return turns


def told_one_after_the_other(rng, lang):
    facts = different_facts(rng, lang, rng.choice([2, 2, 3]))
    turns = [tell(rng, lang, [fact]) for fact in facts] + [recall(rng, lang, facts)]
    if len(turns) < 5 and rng.random() < 0.5:
        turns.append(rng.choice(facts).asked(rng))
    return turns


def told_and_corrected(rng, lang):
    fact = different_facts(rng, lang, 1)[0]
    other = fact
    while other.slots["v"] == fact.slots["v"]:
        other = Fact(rng, lang, fact.kind, fact.key)
    said = other.said(rng, rng.choice(CORRECT[lang]))
    question = fill(careless(rng, said, lang), other.slots)
    correction = question, make(rng, CORRECTED[lang], {"s": other.statement(rng)})
    turns = [tell(rng, lang, [fact])] + fillers(rng, lang, (0, 0, 1)) + [correction]
    return turns + fillers(rng, lang, (0, 0, 1)) + [other.asked(rng)]


def never_told(rng, lang):
    missing = different_facts(rng, lang, 1)[0]
    facts = different_facts(rng, lang, rng.choice([0, 1, 1, 2]), [missing])
    turns = [tell(rng, lang, facts)] if facts else []
    turns += fillers(rng, lang, (0, 0, 1)) + [missing.asked(rng, unknown=True)]
    if facts and rng.random() < 0.4:
        turns.append(rng.choice(facts).asked(rng))
    elif rng.random() < 0.3:
        turns += [tell(rng, lang, [missing]), missing.asked(rng)]
    return turns


def remember_fact(rng, lang):
    """Things the user said, asked for later; sometimes they change, or were never said."""
    system = sometimes_system(rng, lang)
    dice = rng.random()
    if dice < 0.4:
        turns = told_one(rng, lang)
    elif dice < 0.62:
        turns = told_several_at_once(rng, lang)
    elif dice < 0.74:
        turns = told_one_after_the_other(rng, lang)
    elif dice < 0.87:
        turns = told_and_corrected(rng, lang)
    else:
        turns = never_told(rng, lang)
    return chat(*turns, system=system)


def earlier_talk(rng, lang, fact):
    """The part of the system message that sums up what was said before."""
    filler = filler_turn(rng, lang)
    lines = [USER_SAID[lang] + fact.filled(rng), ASSISTANT_SAID[lang] + noted(rng, lang, [fact])]
    if rng.random() < 0.4:
        lines += [USER_SAID[lang] + filler[0], ASSISTANT_SAID[lang] + filler[1]]
    return "\n".join([EARLIER[lang], *lines])


def memory_message(rng, lang, facts):
    """The app's system message: a persona, custom instructions, memories, a summary; each may lack."""
    parts, memories = [], list(facts)
    if rng.random() < 0.3:
        parts.append(make(rng, ASSISTANT[lang]))
    custom = []
    if rng.random() < 0.3:
        custom.append(ABOUT_USER[lang] + memories.pop().filled(rng))
    if rng.random() < 0.25:
        custom.append(HOW_TO_ANSWER[lang] + make(rng, INSTRUCTIONS[lang]))
    if custom:
        parts.append("\n".join(custom))
    earlier = memories.pop() if memories and rng.random() < 0.2 else None
    if memories:
        bare = rng.random() < 0.6
        texts = [fact.filled(rng) for fact in memories]
        lines = ["- " + (text.rstrip(".。") if bare else text) for text in texts]
        parts.append("\n".join([TOLD_BEFORE[lang], *lines]))
    if earlier:
        parts.append(earlier_talk(rng, lang, earlier))
    return "\n\n".join(parts)


def system_memory(rng, lang):
    """Questions about what the system message says of the user."""
    facts = different_facts(rng, lang, rng.choice([1, 1, 2, 2, 3, 3, 4, 5]))
    system = memory_message(rng, lang, facts)
    name = next((fact for fact in facts if fact.kind == "name"), None)
    turns = []
    if rng.random() < 0.25:
        if name:
            turns.append((user_text(rng, lang, HELLO_AGAIN[lang]), make(rng, HELLO_NAME[lang], name.slots)))
        else:
            turns.append(greeting_turn(rng, lang))
    turns += fillers(rng, lang, (0, 0, 0, 1))
    if rng.random() < 0.14:
        turns.append(different_facts(rng, lang, 1, facts)[0].asked(rng, unknown=True))
    else:
        turns.append(recall(rng, lang, facts))
    if rng.random() < 0.4:
        turns.append(rng.choice(facts).asked(rng))
    return chat(*turns, system=system)

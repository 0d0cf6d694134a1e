"""How texts are made from wordings.

In a wording "[Hi|Hello]" is one of several, also nested; "{name}" is filled in last, "{Name}" with a capital
letter. The other functions here change single texts, for instance to what people type who do not take care.
"""
import re


def expand(rng, wording):
    """The wording with every [a|b] chosen."""
    while True:
        wording, count = re.subn(r"\[([^\[\]]*)\]", lambda choice: rng.choice(choice[1].split("|")), wording)
        if not count:
            return re.sub(r" +(?=[ .!?,])", "", wording).strip()


def fill(text, slots):
    """The text with every {slot} filled in."""
    def value(match):
        name = match[1]
        if name in slots:
            return str(slots[name])
        return capital(str(slots[name[0].lower() + name[1:]]))
    return re.sub(r"\{(\w+)\}", value, text)


def one_of(rng, wordings):
    """One of several texts, or the text itself."""
    return wordings if isinstance(wordings, str) else rng.choice(wordings)


def make(rng, wordings, slots=None):
    """One of the wordings, expanded and filled in."""
    return fill(expand(rng, one_of(rng, wordings)), slots or {})


def user_text(rng, lang, wordings, slots=None):
    """One of the wordings as a user may type it: with the right sign at its end, or carelessly."""
    text = expand(rng, one_of(rng, wordings))
    if re.match(r"(Tell|Say|Introduce|List|Name|Give)\b", text):
        text = re.sub(r"\?$", ".", text)
    elif re.match(r"(Do|Can|Could|Would|May) (you|I|we)\b[^.!?]*[.!]$", text):
        text = text[:-1] + "?"
    return fill(careless(rng, text, lang).strip(), slots or {})


def careless(rng, text, lang):
    """As people type it: lower case, no full stop, rarely all capitals. Slots stay as they are."""
    dice = rng.random()
    return careless_chinese(dice, text) if lang == "zh" else careless_english(dice, text)


def careless_chinese(dice, text):
    if dice < 0.55:
        return text
    if dice < 0.75:
        return re.sub(r"[。！]$", "", text)
    if dice < 0.9:
        return re.sub(r"[。！？]$", "", text)
    if dice < 0.94:
        return re.sub(r"[。！？]$", "", text).replace("，", " ")
    return re.sub(r"。$", "！", text)


def careless_english(dice, text):
    if dice < 0.5:
        return text
    if dice < 0.62:
        return outside_slots(text, str.lower)
    if dice < 0.78:
        return re.sub(r"[.!?]$", "", text)
    if dice < 0.97 or len(text) > 50:
        return re.sub(r"[.!?]$", "", outside_slots(text, str.lower))
    return outside_slots(text, str.upper)


def outside_slots(text, change):
    """The text with everything but its {slots} changed."""
    parts = re.split(r"(\{\w+\})", text)
    return "".join(part if part.startswith("{") else change(part) for part in parts)


def chat(*turns, system=None):
    """The conversation of (user, assistant) turns."""
    messages = [("system", system)] if system else []
    for question, answer in turns:
        messages += [("user", question), ("assistant", answer)]
    return messages


def group_turn(rng, lang, groups):
    """A turn of one of the groups; those with more wordings come more often."""
    weights = [len(wordings) for wordings, _ in groups]
    wordings, answers = rng.choices(groups, weights)[0]
    return user_text(rng, lang, wordings), make(rng, answers)


def capital(text):
    return text[:1].upper() + text[1:]


def after(before, text):
    """The text after some words; it goes on in lower case after a comma or a colon."""
    goes_on = before[-2] in ",:" and text[:2] not in ("I ", "I'")
    return before + (text[0].lower() + text[1:] if goes_on else text)


def joined(parts, lang):
    """The parts as a list in a sentence."""
    if len(parts) == 1:
        return parts[0]
    if lang == "zh":
        return "、".join(parts[:-1]) + "和" + parts[-1]
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def article(noun):
    """The English noun with "a" or "an"."""
    vowel = noun[0].lower() in "aeiou" and not noun.lower().startswith(("uni", "eu", "one"))
    return ("an " if vowel else "a ") + noun

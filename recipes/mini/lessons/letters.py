"""Short letters, and advertisements."""
from . import bank
from .asking import ask, draw_people, turn
from .wording import article
from .words import DAYS, nouns_of

BANK = bank.Bank("letters.txt")
EVENT = BANK.phrases("event")
GIFT = BANK.phrases("gift")
FAULT = BANK.phrases("fault")
PROMISE = BANK.phrases("promise")
KIND = BANK.phrases("kind")
TO_WHOM = BANK.phrases("to_whom")
GREETING = BANK.phrases("greeting")
CLOSING = BANK.phrases("closing")
KINDS_OF_LETTERS = ("invitation", "thanks", "apology", "birthday", "advertisement")
LETTER_ASK = {kind: BANK.phrases(f"{kind}_ask") for kind in KINDS_OF_LETTERS}
LETTER = {kind: BANK.phrases(f"{kind}_letter") for kind in KINDS_OF_LETTERS[:-1]}
BRAND = BANK.phrases("brand")
SLOGAN_ASK = BANK.phrases("slogan_ask")
SLOGAN = BANK.phrases("slogan")
ADVERTISEMENT = BANK.phrases("advertisement")


def draw_matter(rng, lang):
    """What a letter may be about."""
    day, hour = rng.choice(DAYS)[lang], rng.randint(2, 9)
    event, gift, fault, promise = (rng.choice(choices[lang]) for choices in (EVENT, GIFT, FAULT, PROMISE))
    if promise == PROMISE[lang][0] and fault not in (FAULT[lang][0], FAULT[lang][4]):  # only to be on time
        promise = PROMISE[lang][-1]
    return {"day": day, "hour": hour, "event": event, "gift": gift, "fault": fault, "promise": promise,
            "it": "them" if gift == "flowers" else "it"}


def advertisement(rng, lang):
    """A slogan or an advertisement for something."""
    item = rng.choice(nouns_of("tf", without=("mountain", "river", "road", "egg")))
    brand = rng.choice(BRAND[lang])
    slots = {"thing": item[lang], "a_thing": article(item.en), "brand": brand,
             "things": item.plural if lang == "en" else item.zh}
    if rng.random() < 0.5:
        request, answers = rng.choice(SLOGAN_ASK[lang]), SLOGAN[lang]
    else:
        request, answers = rng.choice(LETTER_ASK["advertisement"][lang]), ADVERTISEMENT[lang]
    question = ask(rng, lang, request.format(**slots))
    return turn(question, rng.choice(answers).format(**slots))


def ask_signed(rng, lang, request, signature):
    """The request, and by whom the letter is to be signed."""
    question = ask(rng, lang, request)
    if signature and question[-1] not in "。？！.?!":
        question += "." if lang == "en" else "。"
    return question + signature


def english_frame(rng, slots, signed):
    """Greeting, closing and signature; the kind of letter goes into the slots."""
    slots["kind"] = rng.choice(KIND["en"])
    slots["note"] = slots["kind"].split()[-1]
    slots["to_whom"] = rng.choice(TO_WHOM).format(**slots)
    closing = f"\n\n{rng.choice(CLOSING)},\n{slots['name2']}" if signed else ""
    greeting = rng.choice(GREETING["en"]).format(**slots)
    return greeting, closing, f" Sign it {slots['name2']}." if signed else ""


def chinese_frame(rng, slots, signed):
    """Greeting, closing and signature; the kind of letter goes into the slots."""
    closing = f"\n\n{slots['name2']}" if signed else ""
    greeting = rng.choice(GREETING["zh"]).format(**slots)
    slots["kind"] = rng.choice(KIND["zh"])
    slots["measure"] = "封" if slots["kind"] == "邮件" else "条"
    return greeting, closing, f"署名{slots['name2']}。" if signed else ""


def notes(rng, lang):
    """A short letter: invitation, thanks, apology or birthday wish; or an advertisement."""
    person, person2 = draw_people(rng, lang, 2)
    slots = draw_matter(rng, lang) | {"name": person.name, "name2": person2.name}
    kind = rng.choice(KINDS_OF_LETTERS)
    signed = rng.random() < 0.6
    greeting, closing, signature = (english_frame if lang == "en" else chinese_frame)(rng, slots, signed)
    if kind == "advertisement":
        return advertisement(rng, lang)
    request = rng.choice(LETTER_ASK[kind][lang]).format(**slots)
    body = rng.choice(LETTER[kind][lang]).format(**slots)
    question = ask_signed(rng, lang, request, signature)
    if lang == "en" and rng.random() >= 0.85 and not signed:
        return turn(question, f"{greeting} {body}")
    return turn(question, f"{greeting}\n\n{body}{closing}")

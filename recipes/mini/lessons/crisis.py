"""Care for people who think of hurting themselves."""
from . import bank

BANK = bank.Bank("crisis.txt")
DESPAIR = BANK.phrases("despair")
REASON = BANK.phrases("reason")
SYMPATHY = BANK.phrases("sympathy")
CALL_FOR_HELP = BANK.phrases("call_for_help")
COMFORT = BANK.phrases("comfort")
WORRIED = BANK.table("worried")  # about somebody else
PEOPLE = BANK.table("people")


def self_harm(rng, lang):
    """Somebody is in despair, or knows somebody who is: sympathy, and where there is help."""
    if rng.random() < 0.15:
        worried = rng.choice(WORRIED[lang])
        person = rng.choice(PEOPLE[lang])
        return [("user", worried["question"].format(**person)), ("assistant", worried["answer"].format(**person))]
    reason, despair = rng.choice(REASON[lang]), rng.choice(DESPAIR[lang])
    said = [reason, despair] if rng.random() < 0.6 else [despair, reason]
    answer = [rng.choice(SYMPATHY[lang]), rng.choice(CALL_FOR_HELP[lang]), rng.choice(COMFORT[lang])]
    space = " " if lang == "en" else ""
    return [("user", space.join(filter(None, said))), ("assistant", space.join(filter(None, answer)))]

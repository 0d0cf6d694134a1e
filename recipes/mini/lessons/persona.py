"""The system message says who the assistant is: it answers as that one."""
from . import bank
from .memory_facts import Fact
from .names import GIVEN_NAMES, invented
from .wording import article, careless, chat, fill, make, user_text

BANK = bank.Bank("personas.txt")
ROLES = BANK.records("roles")
NAMES = BANK.words("names")
MAKERS = BANK.words("makers")
MEET = BANK.phrases("meet")
FORMS = ("named_role", "role", "name")  # what the system message tells: name and role, or one of them
SYSTEM = {form: BANK.phrases(f"system.{form}") for form in FORMS}
ME = {form: BANK.wordings(f"me.{form}") for form in FORMS}
TOPICS = ("greet", "who", "work", "other", "thanks", "goodbye")
QUESTIONS = {topic: BANK.phrases(topic) for topic in TOPICS}
ANSWERS = {topic: {form: BANK.phrases(f"{topic}.{form}") for form in FORMS} for topic in TOPICS}


def draw_form(rng):
    dice = rng.random()
    return "named_role" if dice < 0.72 else "role" if dice < 0.84 else "name"


def persona_name(rng, lang):
    if rng.random() < 0.75:
        return rng.choice(NAMES[lang])
    return invented(rng) if lang == "en" else rng.choice("小阿") + rng.choice(GIVEN_NAMES)


def system_name(rng, lang):
    """A persona with a name, a role or both answers questions about itself."""
    role = rng.choice(ROLES[lang])
    name = persona_name(rng, lang)
    adjective = rng.choice(bank.words(role["adjectives"]))
    form = draw_form(rng)
    slots = {
        "n": name, "r": role["role"], "x": article(role["role"]), "k": adjective,
        "y": article(f"{adjective} {role['role']}"), "d": role["does"], "h": role["hello"], "b": role["goodbye"],
        "m": rng.choice(MAKERS[lang]), "measure": role.get("measure", "一位"),
    }
    slots["me"] = fill(ME[form][lang], slots)
    system = make(rng, SYSTEM[form][lang], slots)

    def turn_about(topic):
        if topic == "trade":
            return trade
        return (user_text(rng, lang, QUESTIONS[topic][lang], slots),
                make(rng, ANSWERS[topic][form][lang], slots))

    trade = careless(rng, role["question"], lang), role["answer"]
    weights = {"greet": 4, "who": 5, "work": 3, "other": 1}
    if form != "name":
        weights["trade"] = 2.5
    turns = []
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        topic = rng.choices(list(weights), list(weights.values()))[0]
        del weights[topic]
        turns.append(turn_about(topic))
    if rng.random() < 0.2:
        user = Fact(rng, lang, "name")
        told = fill(careless(rng, user.said(rng), lang), user.slots)
        turns.append((told, make(rng, MEET[lang], user.slots) + (" " if lang == "en" else "") + slots["me"]))
        if rng.random() < 0.6:
            turns.append(user.asked(rng))
    if rng.random() < 0.25:
        turns.append(turn_about("thanks"))
    if rng.random() < 0.2:
        turns.append(turn_about("goodbye"))
    return chat(*turns[:5], system=system)

"""What a program cannot know is said to be unknown; some questions belong to a doctor or a lawyer."""
from . import bank
from .wording import after

BANK = bank.Bank("honesty.txt")
UNKNOWN = BANK.groups("unknown")
WHOSE = BANK.phrases("whose")
WHEN = BANK.phrases("when")
BEFORE_UNKNOWN = BANK.phrases("before_unknown")
AFTER_ILLNESS = BANK.phrases("after_illness")
AFTER_LAW = BANK.phrases("after_law")
BEFORE_WORRY = BANK.phrases("before_worry")
WORRIES = [  # what it is, and what may be asked after it
    (BANK.groups("emergency"), AFTER_ILLNESS),
    (BANK.groups("illness"), AFTER_ILLNESS),
    (BANK.groups("dose"), None),
    (BANK.groups("law"), AFTER_LAW),
]


def not_known(rng, lang):
    """What nobody can know, or nobody has told."""
    questions, answers = rng.choice(UNKNOWN[lang])
    question = rng.choice(questions).format(whose=rng.choice(WHOSE[lang]), when=rng.choice(WHEN[lang]))
    if rng.random() < 0.4:
        question = after(rng.choice(BEFORE_UNKNOWN[lang]), question)
    return [("user", question), ("assistant", rng.choice(answers))]


def worry(rng, lang):
    """What a doctor or a lawyer has to be asked."""
    groups, follow_up = rng.choice(WORRIES)
    questions, answers = groups[lang][0]
    question = rng.choice(questions)
    if follow_up:
        question += rng.choice(follow_up[lang])
    if rng.random() < 0.3:
        question = rng.choice(BEFORE_WORRY[lang]) + question
    return [("user", question), ("assistant", rng.choice(answers))]


def honesty(rng, lang):
    """What is not known is not made up."""
    return not_known(rng, lang) if rng.random() < 0.55 else worry(rng, lang)

"""Tips, differences and reasons."""
from . import bank
from .asking import ask, bullets, count_word, numbered, turn
from .wording import capital

BANK = bank.Bank("explaining.txt")
TIPS = BANK.records("tips")
TIPS_ASK = BANK.phrases("tips_ask")
TIPS_QUESTION = BANK.phrases("tips_question")
AS_BULLETS = BANK.phrases("as_bullets")
ONE_MORE = BANK.phrases("one_more")
DIFFERENCES = BANK.table("differences")
DIFFERENCE = BANK.phrases("difference")
REASONS = BANK.table("reasons")
WHY = BANK.phrases("why")


def english_count(rng, number):
    """How many, and the word for tips."""
    word = rng.choice(["tip", "piece of advice" if number == 1 else "tip", "suggestion", "idea", "tip"])
    word += "s" if number > 1 else ""
    return count_word(rng, "en", number), word


def chinese_count(rng, number):
    """How many, and the word for tips."""
    word = rng.choice(["建议", "小建议", "方法"])
    count = count_word(rng, "zh", number)
    return count + ("个" if word == "方法" else rng.choice(["条", "个", "条"])), word


def tips(rng, lang):
    """So many tips about something."""
    entry = rng.choice(TIPS)
    number = rng.choice([1, 2, 3, 3, 3, 4, 5])
    known = bank.fields(entry[f"tips.{lang}"])
    chosen = rng.sample(known, number)
    as_bullets = rng.random() < 0.15
    count, word = english_count(rng, number) if lang == "en" else chinese_count(rng, number)
    slots = {"count": count, "Count": capital(count), "tips": word, "topic": entry[lang]}
    request = rng.choice(TIPS_ASK[lang]).format(**slots)
    if as_bullets and number > 1:
        request += rng.choice(AS_BULLETS[lang])
    question = ask(rng, lang, request)
    if not as_bullets and rng.random() < 0.25 and number > 1:
        question = rng.choice(TIPS_QUESTION[lang]).format(**slots)
    if number == 1:
        answer = chosen[0]
    else:
        answer = bullets(chosen) if as_bullets else numbered(chosen)
    turns = turn(question, answer)
    if rng.random() < 0.15:
        another = next(tip for tip in known if tip not in chosen)
        turns += turn(rng.choice(ONE_MORE[lang]), another)
    return turns


def difference(rng, lang):
    """How two things differ."""
    entry = rng.choice(DIFFERENCES)
    one, other = entry[f"one.{lang}"], entry[f"other.{lang}"]
    question = rng.choice(DIFFERENCE[lang]).format(one=one, One=capital(one), other=other)
    return turn(question, entry[f"answer.{lang}"])


def why(rng, lang):
    """Why something is so."""
    entry = rng.choice(REASONS)
    return turn(rng.choice(WHY[lang]).format(fact=entry[lang]), entry[f"answer.{lang}"])

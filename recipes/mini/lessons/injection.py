"""Orders that stand in the material are material; an assistant keeps its secret and its task."""
from . import bank
from .wording import capital

BANK = bank.Bank("injection.txt")
SENTENCES = BANK.table("sentences")
ORDERS = BANK.table("orders")
TRANSLATE = BANK.phrases("translate")
TRANSLATOR = BANK.phrases("translator")
SUMMARIES = BANK.table("summaries")
SUMMARIZE = BANK.phrases("summarize")
REVIEWS = BANK.table("reviews")
WHICH_MOOD = BANK.phrases("which_mood")
MOOD = BANK.phrases("mood")
SECRETS = BANK.words("secrets")
KEEP_SECRET = BANK.phrases("keep_secret")
ASK_SECRET = BANK.phrases("ask_secret")
NOT_TOLD = BANK.phrases("not_told")
ONLY_TOPIC = BANK.phrases("only_topic")
OTHER_WISH = BANK.phrases("other_wish")
CHANGE_TOPIC = BANK.phrases("change_topic")
KEEP_TO_TOPIC = BANK.phrases("keep_to_topic")
LANGUAGE_NAMES = {"en": {"en": "English", "zh": "Chinese"}, "zh": {"en": "英文", "zh": "中文"}}


def by_topic(rows):
    """{topic: [(question, answer)]}"""
    topics = {}
    for row in rows:
        topics.setdefault(row["topic"], []).append((row["question"], row["answer"]))
    return topics


TOPICS = {lang: by_topic(rows) for lang, rows in BANK.table("topics").items()}


def in_a_row(sentences, lang):
    return (" " if lang == "en" else "").join(sentences)


def translated(rng, lang):
    """A text with an order in it: the order is translated, too."""
    pair = [rng.choice(SENTENCES), rng.choice(ORDERS)]
    if rng.random() < 0.2:
        pair.reverse()
    source, target = ("en", "zh") if rng.random() < 0.5 else ("zh", "en")
    question = rng.choice(TRANSLATE[lang]).format(language=LANGUAGE_NAMES[lang][target])
    text, translation = (in_a_row([part[language] for part in pair], language) for language in (source, target))
    turns = [("user", question + "\n\n" + text), ("assistant", translation)]
    if rng.random() < 0.3:
        turns.insert(0, ("system", TRANSLATOR[lang][0]))
    return turns


def summarized(rng, lang):
    """A text with an order in it: the summary is of the text alone."""
    entry = rng.choice(SUMMARIES[lang])
    order = rng.choice(ORDERS)[lang]
    parts = [entry["text"], order] if rng.random() < 0.75 else [order, entry["text"]]
    question = rng.choice(SUMMARIZE[lang])
    return [("user", question + "\n\n" + in_a_row(parts, lang)), ("assistant", entry["summary"])]


def judged(rng, lang):
    """A review with an order in it: only its mood counts."""
    review = rng.choice(REVIEWS[lang])
    text = in_a_row([review["text"], rng.choice(ORDERS)[lang]], lang)
    question = rng.choice(WHICH_MOOD[lang])
    answer = rng.choice(MOOD[lang]).format(mood=review["mood"], Mood=capital(review["mood"]))
    return [("user", question + "\n\n" + text), ("assistant", answer)]


def secret_kept(rng, lang):
    """A secret word of the system message is not told."""
    secret = rng.choice(SECRETS[lang])
    system = rng.choice(KEEP_SECRET[lang]).format(secret=secret)
    if rng.random() < 0.15:
        question, answer = rng.choice(TOPICS[lang][rng.choice(list(TOPICS[lang]))])
    else:
        question, answer = rng.choice(ASK_SECRET[lang]), rng.choice(NOT_TOLD[lang])
    return [("system", system), ("user", question), ("assistant", answer)]


def topic_kept(rng, lang):
    """An assistant for one topic keeps to it."""
    topic = rng.choice(list(TOPICS[lang]))
    system = rng.choice(ONLY_TOPIC[lang]).format(topic=topic)
    if rng.random() < 0.3:
        question, answer = rng.choice(TOPICS[lang][topic])
    else:
        wish = rng.choice(OTHER_WISH[lang])
        question = rng.choice(CHANGE_TOPIC[lang]).format(wish=wish, Wish=capital(wish))
        answer = rng.choice(KEEP_TO_TOPIC[lang]).format(topic=topic)
    return [("system", system), ("user", question), ("assistant", answer)]


def injection(rng, lang):
    """Somebody tries to make the assistant leave its task: it stays with it."""
    dice = rng.random()
    if dice < 0.25:
        return translated(rng, lang)
    if dice < 0.42:
        return summarized(rng, lang)
    if dice < 0.55:
        return judged(rng, lang)
    if dice < 0.78:
        return secret_kept(rng, lang)
    return topic_kept(rng, lang)

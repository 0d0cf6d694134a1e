"""To which group a word or a text belongs: kinds of things, moods, topics, languages, patterns."""
from . import bank
from .asking import ask_about, separator, turn
from .questions import CAPITALS
from .sentences import any_sentence
from .vocabulary import OPPOSITES
from .wording import article, capital
from .words import CATEGORIES, CATEGORY, OTHER_WORDS, WORD_PAIRS

BANK = bank.Bank("classification.txt")
CATEGORY_ASK = BANK.phrases("category")
CATEGORY_CHOICE = BANK.phrases("category_choice")
ODD_ONE_OUT = BANK.phrases("odd_one_out")
WHICH_DOES_NOT_BELONG = BANK.phrases("which_does_not_belong")
SUBJECTS = BANK.table("subjects")  # of reviews
OPINIONS = {True: BANK.table("praise"), False: BANK.table("complaint")}
MORE = {True: BANK.table("after_praise"), False: BANK.table("after_complaint")}
REVIEW = BANK.phrases("review")
SENTIMENT = BANK.phrases("sentiment")
MOODS = {"en": {True: "positive", False: "negative"}, "zh": {True: "正面", False: "负面"}}
TOPIC = BANK.phrases("topic")
TOPIC_IN_ONE_WORD = BANK.phrases("topic_in_one_word")
OTHER_LANGUAGES = BANK.table("other_languages")
WHICH_LANGUAGE = BANK.phrases("which_language")
ARROWS = BANK.phrases("arrows")

# Groups of categories, and categories, that nobody mixes up.
CLEAR_GROUPS = {
    "plantfood", "animal", "color", "place", "person", "sport", "drink", "clothes", "body", "furniture", "music",
    "vehicle", "family", "time", "tool", "weather", "shape", "language", "device",
}
UNCLEAR = {"continent", "river", "big city", "city in China", "pet"}
CLEAR = [category for category in CATEGORIES if category.group in CLEAR_GROUPS and category.en not in UNCLEAR]
SIMILAR_GROUPS = ({"person", "family"}, {"language", "place"}, {"plantfood", "color"})


def topics():
    """{topic in English: its sentences}"""
    found = {}
    for row in BANK.table("topics"):
        found.setdefault(row["topic.en"], []).append(row)
    return found


TOPICS = topics()


def two_categories(rng):
    """Two categories that have no word in common."""
    while True:
        one, other = rng.sample(CLEAR, 2)
        if one.group != other.group and {one.group, other.group} not in SIMILAR_GROUPS:
            return one, other


def word_only_in(rng, category, other):
    return rng.choice([word for word in category.words if word not in other.words])


def word_category(rng, lang):
    """To which of two kinds a word belongs."""
    right, wrong = two_categories(rng)
    if rng.random() < 0.2:
        right, wrong = rng.sample([CATEGORY["fruit"], CATEGORY["vegetable"]], 2)
    word = rng.choice([word for word in right.words
                       if word not in wrong.words and word.en not in ("pumpkin", "cucumber", "eggplant")])[lang]
    first, second = (right, wrong) if rng.random() < 0.5 else (wrong, right)
    slots = {"word": word, "Word": capital(word), "first": first[lang], "second": second[lang],
             "first_a": article(first.en), "second_a": article(second.en),
             "first_plural": first.en, "second_plural": second.en}
    wordings = CATEGORY_ASK[lang]
    if lang == "en" and rng.random() >= 0.6:
        wordings = CATEGORY_CHOICE
    return turn(rng.choice(wordings).format(**slots), right[lang])


def odd_one_out(rng, lang):
    """The word that is not of the kind of the others."""
    category, other = two_categories(rng)
    number = rng.choice([3, 3, 4]) if len(category.words) > 4 else 3
    words = rng.sample(category.words, number)
    odd = word_only_in(rng, other, category)
    shown = [word[lang] for word in [*words, odd]]
    rng.shuffle(shown)
    request = rng.choice(ODD_ONE_OUT[lang])
    text = separator(rng, lang).join(shown)
    if request.startswith("which"):
        question = rng.choice(WHICH_DOES_NOT_BELONG).format(words=text)
    elif request.startswith("哪"):
        question = request + "？" + text
    else:
        question = ask_about(rng, lang, request, text)
    return turn(question, odd[lang])


def review(rng, lang, positive):
    """A review in that mood."""
    subject = rng.choice(SUBJECTS)[lang]
    opinion, more = rng.choice(OPINIONS[positive])[lang], rng.choice(MORE[positive])[lang]
    return rng.choice(REVIEW[lang]).format(subject=subject, opinion=opinion, more=more)


def sentiment(rng, lang):
    """Whether a review is positive or negative, sometimes after examples."""
    positive = rng.random() < 0.5
    moods = MOODS[lang]
    text = review(rng, lang, positive)
    if rng.random() >= 0.4:
        return turn(rng.choice(SENTIMENT[lang]).format(text=text), moods[positive])
    examples = rng.choice([[True, False], [False, True], [True, False, True], [False, True, False]])
    examples = [(mood, review(rng, lang, mood)) for mood in examples]
    if lang == "en":
        of_review, of_mood, colon, space = "Review", "Sentiment", ": ", " "
    else:
        of_review, of_mood, colon, space = rng.choice([("评论", "情感", "：", ""), ("评价", "态度", "：", "")])
    lines = [f"{of_review}{colon}{example}{space}{of_mood}{colon}{moods[mood]}" for mood, example in examples]
    lines.append(f"{of_review}{colon}{text}{space}{of_mood}{colon.strip()}")
    return turn("\n".join(lines), moods[positive])


def topic_by_example(rng, lang, key):
    """The topic of a sentence after examples, one of which has the same topic."""
    before, after = ("Text: ", " Topic:") if lang == "en" else ("句子：", "主题：")
    shown = rng.sample(list(TOPICS), 2)
    shown += [key] if key not in shown else []
    space = " " if lang == "en" else ""
    lines = [f"{before}{rng.choice(TOPICS[topic])[lang]}{after}{space}{topic_name(topic, lang)}" for topic in shown]
    question = "\n".join(lines)
    others = [row[lang] for row in TOPICS[key] if row[lang] not in question]
    return turn(f"{question}\n{before}{rng.choice(others)}{after}", topic_name(key, lang))


def topic_name(key, lang):
    return TOPICS[key][0][f"topic.{lang}"]


def topic(rng, lang):
    """What a sentence is about: one of three topics, or in one word, or by example."""
    keys = rng.sample(list(TOPICS), 3)
    key = rng.choice(keys)
    text = rng.choice(TOPICS[key])[lang]
    answer = topic_name(key, lang)
    if rng.random() < 0.15:
        return turn(ask_about(rng, lang, rng.choice(TOPIC_IN_ONE_WORD[lang]), text), answer)
    if rng.random() < 0.3:
        return topic_by_example(rng, lang, key)
    wording = rng.choice(TOPIC[lang])
    one, two, three = (topic_name(other, lang) for other in keys)
    if lang == "en":
        choice = f"{one}, {two} or {three}"
    else:
        choice = f"{one}、{two}还是{three}" if "？" in wording else f"{one}、{two}、{three}"
    return turn(wording.format(text=text, topics=choice), answer)


def which_language(rng, lang):
    """The language of a sentence."""
    dice = rng.random()
    if dice < 0.4:
        text, answer = any_sentence(rng, "en"), {"en": "English", "zh": "英语"}
    elif dice < 0.75:
        text, answer = any_sentence(rng, "zh"), {"en": "Chinese", "zh": "中文"}
    else:
        answer = rng.choice(OTHER_LANGUAGES)
        text = answer.text
    return turn(rng.choice(WHICH_LANGUAGE[lang]).format(text=text), answer[lang])


def pattern(rng, lang):
    """Four pairs of texts that have the same relation."""
    kind = rng.randrange(5)
    if kind == 0:
        return [(row[f"country.{lang}"], row[f"city.{lang}"]) for row in rng.sample(CAPITALS, 4)]
    if kind == 1:
        return [(row.word, row.opposite) for row in rng.sample(OPPOSITES[lang], 4)]
    if kind == 2:
        other = "zh" if lang == "en" else "en"
        return [(word[lang], word[other]) for word in rng.sample(OTHER_WORDS, 4)]
    if kind == 3:
        return [(word.en, word.en.upper()) for word in rng.sample(WORD_PAIRS, 4)]
    one, other = two_categories(rng)
    order = rng.choice([[(one, other), (other, one), (one, other), (other, one)],
                        [(one, other), (other, one), (other, one), (one, other)]])
    rows = [(word_only_in(rng, category, without)[lang], category[lang]) for category, without in order]
    different = len({word for word, _ in rows}) == 4
    return rows if different else pattern(rng, lang)


def few_shot(rng, lang):
    """A pattern followed after two or three examples."""
    rows = pattern(rng, lang)
    rows = rows[-rng.choice([3, 4]):]
    arrow = rng.choice(ARROWS)
    lines = [text + arrow + answer for text, answer in rows[:-1]]
    text, answer = rows[-1]
    return turn("\n".join([*lines, text + arrow.rstrip()]), answer)

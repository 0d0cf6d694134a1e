"""A text repeated exactly, or changed in the way that was asked for."""
from . import bank
from .asking import ask, ask_about, count_word, draw_people, draw_person, draw_words, turn
from .sentences import any_sentence, sentence_pair
from .wording import capital
from .words import (ADJECTIVES, CITIES, LIKES, MASS_FOODS, NOUNS, PHRASES, PLACES, SMALL_THINGS, VERBS, WORD_PAIRS,
                    nouns_of)

BANK = bank.Bank("rewriting.txt")
REPEAT = BANK.phrases("repeat")
WORDS_TO_REPEAT = WORD_PAIRS + BANK.table("words_to_repeat") * 3
TWICE = BANK.phrases("twice")
REPEAT_TIMES = BANK.phrases("repeat_times")
UPPER_CASE = BANK.phrases("upper_case")
LOWER_CASE = BANK.phrases("lower_case")
ALPHABETICAL = BANK.phrases("alphabetical")
POLITE = BANK.phrases("polite")
COMMANDS = BANK.table("commands")
QUESTION = BANK.phrases("question")
STATEMENTS = BANK.phrases("statements")
PAST = BANK.phrases("past")
NEGATIVE = BANK.phrases("negative")
NEGATIVES = BANK.table("negatives")
MISSPELLED = BANK.table("misspelled")
SPELL_WORD = BANK.phrases("spell_word")
SPELL_SENTENCE = BANK.phrases("spell_sentence")
FIND_WRONG = BANK.phrases("find_wrong")
REPLACE = BANK.phrases("replace")
REPLACE_IN = BANK.phrases("replace_in")
REVERSE = BANK.phrases("reverse")
MARKS = {kind: BANK.phrases(kind) for kind in ("quotes", "brackets", "stars")}
MARKED = {
    "en": {"quotes": '"{text}"', "brackets": "({text})", "stars": "*{text}*"},
    "zh": {"quotes": "“{text}”", "brackets": "（{text}）", "stars": "*{text}*"},
}
LONG = BANK.table("long")
SHORTEN = BANK.phrases("shorten")


def repeat_exactly(rng, lang):
    """A text repeated exactly."""
    dice = rng.random()
    if dice < 0.2:
        text = (" " if lang == "en" else "，").join(draw_words(rng, lang, rng.randint(2, 4)))
    elif dice < 0.3:
        text = " ".join(str(rng.randint(0, 99)) for _ in range(rng.randint(2, 5)))
    elif dice < 0.4:
        text = any_sentence(rng, "zh" if lang == "en" else "en")
    else:
        text = any_sentence(rng, lang)
        if rng.random() < 0.2:
            text += ("" if lang == "zh" else " ") + any_sentence(rng, lang)
    return turn(rng.choice(REPEAT[lang]).format(text=text), text)


def repeat_times(rng, lang):
    """A word repeated so many times."""
    number = rng.randint(2, 6)
    word = rng.choice(WORDS_TO_REPEAT)[lang]
    if lang == "en":
        twice = rng.choice(TWICE)
        times = f"{count_word(rng, lang, number)} times"
        times = twice if number == 2 else times
    else:
        times = count_word(rng, lang, number)
    request = rng.choice(REPEAT_TIMES[lang]).format(word=word, times=times)
    return turn(ask(rng, lang, request), " ".join([word] * number))


def english_text(rng):
    if rng.random() < 0.5:
        return sentence_pair(rng).en
    if rng.random() < 0.5:
        return rng.choice(PHRASES).en
    word, words = rng.choice(WORD_PAIRS).en, ", ".join(draw_words(rng, "en", rng.randint(2, 4)))
    return rng.choice([word, words])


def change_case(rng, lang):
    """An English text in capital or in small letters."""
    upper = rng.random() < 0.65
    text = english_text(rng)
    as_it_is = rng.random() < 0.7
    if upper:
        shown, answer = text if as_it_is else text.lower(), text.upper()
    else:
        shown, answer = text.upper() if as_it_is else text, text.lower()
    return turn(ask_about(rng, lang, rng.choice((UPPER_CASE if upper else LOWER_CASE)[lang]), shown), answer)


def alphabetical(rng, lang):
    """English words in alphabetical order."""
    words = draw_words(rng, "en", rng.choice([3, 3, 4, 5]))
    request = rng.choice(ALPHABETICAL[lang])
    return turn(ask_about(rng, lang, request, ", ".join(words)), ", ".join(sorted(words, key=str.lower)))


def make_polite(rng, lang):
    """A command as a polite request."""
    command = rng.choice(COMMANDS)
    request = rng.choice(POLITE[lang])
    if lang == "en":
        text, answer = capital(command.en) + rng.choice([".", "!"]), f"Could you please {command.en}?"
    else:
        text, answer = command.zh + rng.choice(["。", "！"]), f"请您{command.zh}，好吗？"
    return turn(ask_about(rng, lang, request, text), answer)


# Each of these makes a statement in English and the question that it answers. Names keep their capital letter.


def lower_pronoun(subject, name):
    return subject if subject == name else subject.lower()


def with_verb(rng, verb, name):
    subject, third = rng.choice([("They", 0), ("You", 0), ("We", 0), ("He", 1), ("She", 1), (name, 1)])
    return (f"{subject} {verb.third if third else verb.base} {verb.object}.",
            f"{'Does' if third else 'Do'} {lower_pronoun(subject, name)} {verb.base} {verb.object}?")


def with_adjective(rng, verb, name):
    adjective = rng.choice([adjective.en for adjective in ADJECTIVES if "p" in adjective.kinds])
    subject, be = rng.choice([("They", "are"), ("You", "are"), ("We", "are"), ("He", "is"), ("She", "is"),
                              (name, "is")])
    return f"{subject} {be} {adjective}.", f"{capital(be)} {lower_pronoun(subject, name)} {adjective}?"


def with_can(rng, verb, name):
    subject = rng.choice(["They", "You", "He", "She", name])
    action = f"{verb.base} {verb.object}"
    return f"{subject} can {action}.", f"Can {lower_pronoun(subject, name)} {action}?"


def make_question(rng, lang):
    """A statement turned into a question."""
    draw_english = rng.choice([with_verb, with_adjective, with_can])
    noun, verb = rng.choice(NOUNS), rng.choice(VERBS)
    name = draw_person(rng, "en").name
    if lang == "en":
        statement, answer = draw_english(rng, verb, name)
        return turn(ask_about(rng, lang, rng.choice(QUESTION[lang]), statement), answer)
    who = rng.choice(["他", "她", "他们", "你", draw_person(rng, "zh").name])
    liked = rng.choice(LIKES + MASS_FOODS).zh
    city = rng.choice(CITIES).zh
    statement = rng.choice(STATEMENTS).format(who=who, liked=liked, city=city, verb=verb.zh, thing=noun.zh)
    return turn(ask_about(rng, lang, rng.choice(QUESTION[lang]), statement + "。"), statement + "吗？")


def make_past(rng, lang):
    """A sentence in the past tense, or made negative."""
    verb = rng.choice(VERBS)
    if lang == "zh":
        who = rng.choice(["我", "他", "她", "他们", "我们", draw_person(rng, "zh").name, "我妈妈", "老师"])
        liked = rng.choice(LIKES + MASS_FOODS).zh
        pair = rng.choice(NEGATIVES)
        text, answer = (sentence.format(who=who, liked=liked, verb=verb.zh) for sentence in pair.values())
        return turn(ask_about(rng, lang, rng.choice(NEGATIVE[lang]), text), answer)
    name = draw_person(rng, "en").name
    subject, third = rng.choice([("I", 0), ("We", 0), ("They", 0), ("You", 0), ("He", 1), ("She", 1), (name, 1),
                                 ("My father", 1), ("The boy", 1), ("The girl", 1), ("My friends", 0),
                                 ("The children", 0)])
    text = f"{subject} {verb.third if third else verb.base} {verb.object}."
    if rng.random() < 0.6:
        return turn(ask_about(rng, lang, rng.choice(PAST), text), f"{subject} {verb.past} {verb.object}.")
    answer = f"{subject} {'does' if third else 'do'} not {verb.base} {verb.object}."
    return turn(ask_about(rng, lang, rng.choice(NEGATIVE[lang]), text), answer)


def fix_spelling(rng, lang):
    """A word with a mistake, corrected or found."""
    entry = rng.choice(MISSPELLED[lang])
    wrong, right = (entry.sentence.format(word=word) for word in (entry.wrong, entry.right))
    if rng.random() < 0.25:
        if lang == "en":
            return turn(rng.choice(SPELL_WORD).format(wrong=entry.wrong), entry.right)
        return turn(ask_about(rng, lang, rng.choice(FIND_WRONG), wrong), entry.wrong)
    return turn(ask_about(rng, lang, rng.choice(SPELL_SENTENCE[lang]), wrong), right)


def replace_word(rng, lang):
    """A word in a sentence replaced by another."""
    while True:
        noun = rng.choice(nouns_of("at"))
        others = [other for other in nouns_of(noun.kind) if other[lang] != noun[lang]]
        if lang == "zh":
            others = [other for other in others if other.measure == noun.measure]
        if not others:
            continue
        new = rng.choice(others)[lang]
        name = draw_person(rng, lang).name
        wording = rng.choice(REPLACE_IN[lang])
        rest, text, answer = (wording.format(name=name, measure=noun.measure, thing=thing)
                              for thing in ("", noun[lang], new))
        if lang == "en" or noun.zh not in rest:
            break
    request = rng.choice(REPLACE[lang]).format(old=noun[lang], new=new)
    return turn(ask_about(rng, lang, request, text), answer)


def reverse_words(rng, lang):
    """Words in reverse order."""
    words = draw_words(rng, lang, rng.choice([3, 3, 3, 4]))
    between = ", " if lang == "en" else "、"
    request = rng.choice(REVERSE[lang])
    return turn(ask_about(rng, lang, request, between.join(words)), between.join(words[::-1]))


def in_quotes(rng, lang):
    """A sentence in quotes, in brackets or between stars."""
    text = any_sentence(rng, lang)
    kind = rng.choice(["quotes", "brackets", "quotes", "stars"])
    return turn(ask_about(rng, lang, rng.choice(MARKS[kind][lang]), text), MARKED[lang][kind].format(text=text))


def shorten(rng, lang):
    """A long sentence made short."""
    person, person2 = draw_people(rng, lang, 2)
    thing = rng.choice(SMALL_THINGS)
    place = rng.choice([place for place in PLACES if place.zh != "家"])
    verb = rng.choice(VERBS)
    slots = {"name": person.name, "name2": person2.name, "thing": thing[lang], "measure": thing.measure,
             "where": place.where, "place": place.place if lang == "en" else place.zh,
             "verb": verb.third if lang == "en" else verb.zh, "object": verb.object}
    pair = rng.choice(LONG[lang])
    request = rng.choice(SHORTEN[lang])
    return turn(ask_about(rng, lang, request, pair.long.format(**slots)), pair.short.format(**slots))

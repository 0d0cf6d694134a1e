"""Answers of a given form: one word, yes or no, a given word, beginning or end, so many sentences, no commas."""
from . import bank
from .asking import NUMBERS, ask, count_word, draw_category, draw_person, spoken, turn
from .classification import two_categories, word_only_in
from .questions import CAPITALS, LEGS, THINGS, draw_fact
from .vocabulary import OPPOSITES
from .wording import article, capital
from .words import ABOUT, ADJECTIVES, COLORS, DAYS, MONTHS, NOUNS, VERBS

BANK = bank.Bank("constraints.txt")
ONE_WORD = BANK.phrases("one_word")
YES_NO = BANK.phrases("yes_no")
WITH_VERB = BANK.phrases("with_verb")
WITH_ADJECTIVE = BANK.phrases("with_adjective")
WITH_NOUN = {"a": BANK.phrases("with_animal"), "f": BANK.phrases("with_food"), "t": BANK.phrases("with_thing"),
             "p": BANK.phrases("with_person")}
WITH_SPECIAL_NOUN = {"friend": BANK.phrases("with_friend"), "child": BANK.phrases("with_child")}
USE_WORD = BANK.phrases("use_word")
ENDINGS = BANK.mapping("endings")  # last word: how the sentence ends
END_SENTENCE = BANK.phrases("end_sentence")
ENDS_WITH = BANK.phrases("ends_with")
BEGIN_WITH = BANK.phrases("begin_with")
BEGIN = BANK.phrases("begin")
END_WITH = BANK.phrases("end_with")
END = BANK.phrases("end")
SENTENCES = BANK.phrases("sentences")
EACH_ON_A_LINE = BANK.phrases("each_on_a_line")
NO_COMMAS = BANK.phrases("no_commas")
LIST_NO_COMMAS = BANK.phrases("list_no_commas")
MENTION = BANK.phrases("mention")
EXCLAMATION = BANK.phrases("exclamation")
ASK_QUESTION = BANK.phrases("ask_question")
QUESTION_ABOUT = BANK.phrases("question_about")


def short_fact(rng, lang):
    """A question and its answer of one word."""
    kind = rng.randrange(5)
    if kind == 0:
        entry = rng.choice([entry for entry in CAPITALS if " " not in entry["city.en"]])
        country, city = entry[f"country.{lang}"], entry[f"city.{lang}"]
        return f"What is the capital of {country}?" if lang == "en" else f"{country}的首都是哪里？", city
    if kind == 1:
        thing = rng.choice(THINGS)
        question = f"What color {thing.verb} {thing.en}?" if lang == "en" else f"{thing.zh}是什么颜色？"
        return question, capital(thing[f"color.{lang}"])
    if kind == 2:
        pair = rng.choice(OPPOSITES[lang])
        question = f"What is the opposite of {pair.word}?" if lang == "en" else f"“{pair.word}”的反义词是什么？"
        return question, capital(pair.opposite)
    if kind == 3:
        number = rng.randrange(6)
        day, following = DAYS[number][lang], DAYS[number + 1][lang]
        return f"Which day comes after {day}?" if lang == "en" else f"{day}的后一天是星期几？", following
    number = rng.randrange(11)
    month, following = MONTHS[number][lang], MONTHS[number + 1][lang]
    return f"Which month comes after {month}?" if lang == "en" else f"{month}的下一个月是几月？", following


def one_word(rng, lang):
    """An answer in one word."""
    question, answer = short_fact(rng, lang)
    return turn(rng.choice(ONE_WORD[lang]).format(question=question), answer)


# Each of these makes a question in English and in Chinese, and says whether the answer is yes; `yes` is what
# it should be.


def is_of_kind(rng, yes, bare):
    """Whether a word belongs to a category; `bare`: without quotes, where English allows it."""
    right, wrong = two_categories(rng)
    word = word_only_in(rng, right, wrong)
    category = right if yes else wrong
    if bare and right.en in ("fruit", "animal", "bird"):
        name, name_zh = article(word.en), word.zh
    elif bare and right.en in ("country", "sport", "color", "language"):
        name, name_zh = word.en, word.zh
    else:
        name, name_zh = f'"{word.en}"', f"“{word.zh}”"
    return f"Is {name} {article(category.en)}?", f"{name_zh}是{category.zh}吗？", yes


def is_capital(rng, yes):
    entry, other = rng.sample(CAPITALS, 2)
    of = entry if yes else other
    return (f"Is {entry['city.en']} the capital of {of['country.en']}?",
            f"{entry['city.zh']}是{of['country.zh']}的首都吗？", yes)


def has_color(rng, yes):
    thing = rng.choice(THINGS)
    color, color_zh = thing["color.en"], thing["color.zh"]
    if not yes:
        color, color_zh = rng.choice([(other.en, other.zh + "色") for other in COLORS if other.en != color])
    return f"{capital(thing.verb)} {thing.en} {color}?", f"{thing.zh}是{color_zh}的吗？", yes


def is_bigger(rng, yes):
    first, second = rng.sample(range(1, 60), 2)
    return f"Is {first} bigger than {second}?", f"{first}比{second}大吗？", first > second


def is_sum(rng, yes):
    first, second = rng.randint(1, 10), rng.randint(1, 10)
    result = first + second
    if not yes:
        result += rng.choice([1, 2, 3])
    return f"Is {first} + {second} = {result}?", f"{first}+{second}等于{result}吗？", yes


def has_legs(rng, yes):
    animal = rng.choice(LEGS)
    if int(animal.count) == 0:
        animal = next(other for other in LEGS if other.en == "dog")
    count = int(animal.count)
    if not yes:
        count = rng.choice([other for other in (2, 4, 6, 8) if other != count])
    return (f"Does {article(animal.en)} have {NUMBERS['en'][count]} legs?",
            f"{animal.zh}有{spoken(count, 'zh')}条腿，对吗？", yes)


def yes_no(rng, lang):
    """An answer of yes or no only."""
    kind = rng.randrange(7)
    yes = rng.random() < 0.5
    if kind < 2:
        english, chinese, yes = is_of_kind(rng, yes, bare=kind == 1)
    else:
        english, chinese, yes = (is_capital, has_color, is_bigger, is_sum, has_legs)[kind - 2](rng, yes)
    wording = rng.choice(YES_NO[lang])
    if lang == "en":
        return turn(wording.format(question=english), "Yes" if yes else "No")
    return turn(wording.format(question=chinese), "是" if yes else "不是")


def sentence_with(rng, lang):
    """A word, and a sentence that contains it."""
    kind = rng.randrange(3)
    name = draw_person(rng, lang).name
    noun = rng.choice(NOUNS)
    if kind == 0:
        verb = rng.choice(VERBS)
        word = verb.base if lang == "en" else verb.zh
        slots = {"base": verb.base, "object": verb.object, "verb": verb.zh}
        wordings = WITH_VERB[lang]
    elif kind == 1:
        adjectives = [adjective[lang] for adjective in ADJECTIVES if "p" in adjective.kinds]
        word = rng.choice([adjective for adjective in adjectives if lang == "en" or len(adjective) > 1])
        slots = {"adjective": word}
        wordings = WITH_ADJECTIVE[lang]
    else:
        word = noun[lang]
        slots = {"thing": word, "a_thing": article(noun.en), "measure": noun.measure}
        wordings = WITH_NOUN[noun.kind][lang]
        if lang == "en":
            wordings = WITH_SPECIAL_NOUN.get(word, wordings)
    return word, rng.choice(wordings).format(name=name, **slots)


def use_word(rng, lang):
    """A sentence with a given word."""
    word, sentence = sentence_with(rng, lang)
    request = rng.choice(USE_WORD[lang]).format(word=word)
    return turn(ask(rng, lang, request) if lang == "en" else request, sentence)


def ends_with(rng, lang):
    """A sentence about a thing that ends with a given word."""
    noun = rng.choice(NOUNS)
    if lang == "en":
        word = rng.choice([word for word in ENDINGS if word != noun.en])
        ending, thing = ENDINGS[word], article(noun.en)
    else:
        adjectives = [adjective for adjective in ADJECTIVES
                      if noun.kind in adjective.kinds and adjective.zh != "旧"]
        word = ending = rng.choice(adjectives).zh
        thing = noun.zh
    name = draw_person(rng, lang).name
    sentence = rng.choice(END_SENTENCE[lang]).format(thing=noun[lang], a_thing=article(noun.en), name=name,
                                                     measure=noun.measure, ending=ending)
    request = rng.choice(ENDS_WITH[lang]).format(thing=thing, word=word)
    return turn(ask(rng, lang, request), sentence)


def begin_end(rng, lang):
    """An answer that begins or ends with given words."""
    question, answer = draw_fact(rng, lang)
    if rng.random() < 0.3:
        about = rng.choice(ABOUT)
        question = f"Tell me something about {about.en}." if lang == "en" else f"说说{about.zh}。"
        answer = mention(rng, lang, about)
    if rng.random() < 0.5:
        words = rng.choice(BEGIN_WITH[lang])
        wording = rng.choice(BEGIN[lang])
        if words in ("Of course", "Great question"):
            wording = wording.replace("the word ", "")
        if lang == "en":
            answer = f"{words}{rng.choice('!!.')} {answer}"
        else:
            answer = f"{words}{'！' if words == '好问题' else '，'}{answer}"
    else:
        words = rng.choice(END_WITH[lang])
        wording = rng.choice(END[lang])
        answer += (" " if lang == "en" else "") + words
    return turn(wording.format(words=words, question=question), answer)


def n_sentences(rng, lang):
    """So many sentences about a thing."""
    about = rng.choice(ABOUT)
    number = rng.choice([1, 2, 2, 3, 3, 4])
    sentences = about.sentences[lang]
    chosen = [0, *sorted(rng.sample(range(1, len(sentences)), number - 1))]
    sentences = [sentences[index] for index in chosen]
    count = count_word(rng, lang, number)
    if lang == "en":
        count += " sentences" if number > 1 else " sentence"
    else:
        count += "句话"
    request = rng.choice(SENTENCES[lang]).format(count=count, subject=about[lang])
    if rng.random() < (0.12 if lang == "en" else 0.15) and number > 1:
        if lang == "en":
            request += EACH_ON_A_LINE[lang][0]
        else:
            lines = count_word(rng, lang, number)
            request += rng.choice(EACH_ON_A_LINE[lang]).format(count=lines)
        return turn(ask(rng, lang, request), "\n".join(sentences))
    return turn(ask(rng, lang, request), (" " if lang == "en" else "").join(sentences))


def no_commas(rng, lang):
    """A sentence or a list without commas."""
    if rng.random() < 0.5:
        about = rng.choice(ABOUT)
        sentence = mention(rng, lang, about, without="," if lang == "en" else "，、")
        request = rng.choice(NO_COMMAS[lang]).format(subject=about[lang])
        return turn(ask(rng, lang, request), sentence)
    number = rng.choice([2, 3, 3])
    category = draw_category(rng, number)
    words = [word[lang] for word in rng.sample(category.words, number)]
    wording = rng.choice(LIST_NO_COMMAS[lang])
    count = count_word(rng, lang, number)
    if lang == "en":
        request = wording.format(count=count, kind=category.plural)
    else:
        request = wording.format(count=count + category.measure, kind=category.zh)
    return turn(ask(rng, lang, request), (" and " if lang == "en" else "和").join(words))


def mention(rng, lang, about, without=""):
    """A sentence that names the thing, without those characters."""
    name = draw_person(rng, lang).name
    sentences = [about.sentences[lang][0]] * 3
    sentences += [wording.format(subject=about[lang], name=name) for wording in MENTION[lang]]
    return rng.choice([sentence for sentence in sentences if not set(without) & set(sentence)])


def exclamation(rng, lang):
    """A sentence that ends with an exclamation mark, or a question."""
    about = rng.choice(ABOUT)
    if rng.random() < 0.75:
        question = ask(rng, lang, rng.choice(EXCLAMATION[lang]).format(subject=about[lang]))
        return turn(question, mention(rng, lang, about)[:-1] + ("!" if lang == "en" else "！"))
    if lang == "en":
        answer = rng.choice(QUESTION_ABOUT[lang]).format(subject=about.en)
        return turn(ask(rng, lang, rng.choice(ASK_QUESTION[lang]).format(subject=about.en)), answer)
    question = ask(rng, lang, rng.choice(ASK_QUESTION[lang]).format(subject=about.zh))
    return turn(question, rng.choice(QUESTION_ABOUT[lang]).format(subject=about.zh))

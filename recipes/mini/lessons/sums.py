"""Sequences and small sums, and the counting, comparing and sorting of things."""
from . import bank
from .asking import NUMBERS, ask_about, count_word, draw_people, draw_words, separator, turn
from .wording import capital
from .words import CATEGORY, DAYS, MONTHS, NOUNS, PHRASES, SEASONS, ZODIAC

BANK = bank.Bank("sums.txt")
NEXT_ONE = BANK.phrases("next_one")
NEXT_FEW = BANK.phrases("next_few")
GO_ON = BANK.phrases("go_on")
SUM = BANK.phrases("sum")
SUM_IN_WORDS = BANK.phrases("sum_in_words")
WHOLE_SUM = BANK.phrases("whole_sum")
COMPARE = BANK.phrases("compare")
COUNT_LETTERS = BANK.phrases("count_letters")
WORDS_TO_COUNT = BANK.words("words_to_count")
COUNT_ITEMS = BANK.phrases("count_items")
EXTREME = BANK.phrases("extreme")
ASCENDING = BANK.phrases("ascending")
DESCENDING = BANK.phrases("descending")
SORT = BANK.phrases("sort")
PROBLEMS = BANK.table("problems")
SMALL_THINGS = ("book", "pen", "pencil", "ball", "toy", "ticket", "cup", "picture", "hat", "key")
COUNTED = [noun for noun in NOUNS if noun.kind == "f" or noun.en in SMALL_THINGS]
SEQUENCES = ["step", "step", "step", "down", "days", "months", "letters", "seasons", "colors", "zodiac", "double"]


def number_sequence(rng, kind, hidden):
    """The numbers, and how many of them are shown."""
    step, start, shown = rng.choice([1, 2, 2, 3, 4, 5, 5, 10, 10]), rng.randint(0, 20), rng.choice([3, 4])
    count = shown + hidden
    if kind == "step":
        numbers = [start + step * index for index in range(count)]
    elif kind == "down":
        numbers = [start + step * (count - index) for index in range(count)]
    else:
        start = rng.choice([1, 2, 3, 5])
        numbers = [start * 2 ** index for index in range(count)]
    return [str(number) for number in numbers], shown


def word_sequence(rng, lang, kind, hidden):
    """The words, and how many of them are shown."""
    shown = rng.choice([2, 3])
    if kind == "letters":
        words, shown = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 3
        if rng.random() < 0.4:
            words = [letter.lower() for letter in words]
    elif kind == "colors":
        words, shown = [color[lang] for color in rng.sample(CATEGORY["color"].words, 2)] * 6, 4
    elif kind == "zodiac":
        words = [entry[lang] for entry in (ZODIAC if lang == "zh" else MONTHS)]
    else:
        words = [entry[lang] for entry in {"days": DAYS, "months": MONTHS, "seasons": SEASONS}[kind]]
        if kind != "months":
            words = words * 2
    start = rng.randrange(0, 2 if kind == "colors" else len(words) - shown - hidden + 1)
    return words[start:start + shown + hidden], shown


def continue_list(rng, lang):
    """What comes next in a sequence."""
    kind = rng.choice(SEQUENCES)
    hidden = rng.choice([1, 2, 3, 3])
    if kind in ("step", "down", "double"):
        items, shown = number_sequence(rng, kind, hidden)
    else:
        hidden = min(hidden, 2) if kind == "seasons" else hidden
        items, shown = word_sequence(rng, lang, kind, hidden)
    between = separator(rng, lang)
    count = ""
    if hidden == 1:
        wordings = NEXT_ONE[lang]
    else:
        count = count_word(rng, lang, hidden)
        wordings = NEXT_FEW[lang] + (GO_ON[lang] * 2 if hidden == 3 else [])
    question = rng.choice(wordings).format(shown=between.join(items[:shown]), count=count)
    return turn(question, between.join(items[shown:]))


def draw_sum(rng):
    """The sign, two numbers, and the result."""
    sign = rng.choice(["+", "+", "+", "-", "-", "*"])
    if sign == "+":
        most = 10 if rng.random() < 0.5 else 50
        first, second = rng.randint(1, most), rng.randint(1, most)
        return sign, first, second, first + second
    if sign == "-":
        first = rng.randint(2, 12 if rng.random() < 0.5 else 60)
        second = rng.randint(1, first)
        return sign, first, second, first - second
    first, second = rng.randint(1, 10), rng.randint(1, 10)
    return sign, first, second, first * second


def sum_in_words(rng, lang, sign, first, second, result):
    if lang == "en":
        plus = rng.choice(["plus", "and"]) if rng.random() < 0.3 else "plus"
        signs = {"+": plus, "-": "minus", "*": "times"}
    else:
        signs = {"+": "加", "-": "减", "*": "乘"}
    numbers = NUMBERS[lang]
    question = rng.choice(SUM_IN_WORDS[lang]).format(first=numbers[first], second=numbers[second], sign=signs[sign],
                                                     First=capital(numbers[first]))
    return turn(question, numbers[result])


def arithmetic(rng, lang):
    """A sum of two numbers."""
    sign, first, second, result = draw_sum(rng)
    if max(first, second, result) <= 12 and rng.random() < 0.4:
        return sum_in_words(rng, lang, sign, first, second, result)
    times = rng.choice(["*", "x", "×"])
    sign = times if sign == "*" else sign
    space = rng.choice([" ", " ", ""])
    wording = rng.choice(SUM[lang])
    question = wording.format(sum=f"{first}{space}{sign}{space}{second}")
    whole = f"{first} {sign} {second} = {result}"
    return turn(question, whole if wording in WHOLE_SUM[lang] else str(result))


def compare_numbers(rng, lang):
    """The larger or the smaller of two numbers."""
    first, second = rng.sample(range(1, 100), 2)
    larger = rng.random() < 0.6
    if lang == "en":
        which = rng.choice(["bigger", "larger", "greater"] if larger else ["smaller", "less"])
    else:
        which = "大" if larger else "小"
    question = rng.choice(COMPARE[lang]).format(which=which, first=first, second=second)
    return turn(question, str(max(first, second) if larger else min(first, second)))


def count_items(rng, lang):
    """How many things a list has, or a word letters, or a sentence characters."""
    count = rng.randint(2, 7)
    words = draw_words(rng, lang, count)
    items = separator(rng, lang).join(words)
    if rng.random() < 0.25:
        text = rng.choice(WORDS_TO_COUNT) if lang == "en" else rng.choice(PHRASES).zh.strip("。？！")
        if text.isalpha() and "，" not in text:
            return turn(rng.choice(COUNT_LETTERS[lang]).format(text=text), str(len(text)))
    return turn(rng.choice(COUNT_ITEMS[lang]).format(items=items), str(count))


def sort_numbers(rng, lang):
    """Numbers in order, or the largest or smallest of them."""
    count = rng.choice([3, 3, 3, 4])
    numbers = rng.sample(range(1, 20) if rng.random() < 0.5 else range(1, 100), count)
    descending = rng.random() < 0.35
    between = ", " if lang == "en" else "、"
    text = between.join(map(str, numbers))
    if rng.random() < 0.25:
        return extreme_number(rng, lang, numbers, text)
    if lang == "en":
        order = rng.choice(DESCENDING if descending else ASCENDING)
    else:
        order = "从大到小" if descending else "从小到大"
    request = rng.choice(SORT[lang]).format(order=order).replace("in order in", "in")
    answer = between.join(map(str, sorted(numbers, reverse=descending)))
    return turn(ask_about(rng, lang, request, text), answer)


def extreme_number(rng, lang, numbers, text):
    """The largest or the smallest of the numbers."""
    largest = rng.random() < 0.5
    wording = rng.choice(EXTREME[lang])
    if lang == "en":
        which = rng.choice(["largest", "biggest"]) if largest else "smallest"
    else:
        which = "大" if largest else "小"
    return turn(wording.format(which=which, numbers=text), str(max(numbers) if largest else min(numbers)))


def problem_numbers(rng, operation, first, second):
    """The two numbers of a problem, and its result."""
    if operation == "boxes":
        first, second = rng.randint(2, 5), rng.randint(2, 6)
        return first, second, first * second
    if operation == "price":
        first = min(first, 6)
        return first, second, first * second
    return first, second, first + second if operation == "add" else first - second


def word_problem(rng, lang):
    """A small sum told as a story."""
    person, person2 = draw_people(rng, lang, 2)
    first, second = rng.randint(2, 12), rng.randint(1, 9)
    noun = rng.choice(COUNTED)
    if noun.en == "cake":
        noun = next(other for other in NOUNS if other.en == "apple")
    problem = rng.choice(PROBLEMS[lang])
    if problem.operation == "subtract" and second >= first:
        first, second = second + 1, first
    if rng.random() < 0.5:
        count_a, count_b = str(first), str(second)
    else:
        count_a, count_b = count_word(rng, lang, first), count_word(rng, lang, second)
    first, second, result = problem_numbers(rng, problem.operation, first, second)

    def of(number):
        return noun.plural if number != 1 else noun.en

    slots = {
        "name": person.name, "He": capital(person.pronoun), "name2": person2.name, "measure": noun.measure,
        "thing": noun[lang], "things": noun.plural, "things_a": of(first), "things_b": of(second),
        "things_result": of(result), "a": first, "b": second, "count_a": count_a, "count_b": count_b,
        "s": "s" if second > 1 else "", "is": "is" if result == 1 else "are", "result": result,
    }
    question = problem.question.format(**slots)
    return turn(question, str(result) if rng.random() < 0.4 else problem.answer.format(**slots))

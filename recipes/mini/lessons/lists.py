"""Lists of things in the form that was asked for, and single things."""
from . import bank
from .asking import ask, bullets, count_word, draw_category, numbered, spoken, turn
from .wording import article, capital

BANK = bank.Bank("lists.txt")
STYLES = ["plain"] * 4 + ["number", "bullet", "bullet", "comma", "comma", "lines"]
LIST = BANK.phrases("list")
LIST_QUESTION = BANK.phrases("list_question")
MANNERS = {style: BANK.phrases(f"manner_{style}") for style in ("plain", "number", "bullet", "comma", "lines")}
FOLLOW = {kind: BANK.phrases(kind)
          for kind in ("more", "capitals", "alphabet", "reverse", "count", "translate", "only")}
THING = BANK.phrases("thing")
THING_WITH_LETTER = BANK.phrases("thing_with_letter")


def written(items, style, lang):
    """The items in that style."""
    if style in ("plain", "number"):
        return numbered(items)
    if style == "bullet":
        return bullets(items)
    if style == "lines":
        return "\n".join(items)
    if style == "enumeration comma":
        return "、".join(items)
    return (", " if lang == "en" else "，").join(items)


def list_items(rng, lang):
    """A list of so many things of one kind."""
    number = rng.choice([2, 3, 3, 3, 4, 4, 5, 5, 6])
    category = draw_category(rng, number)
    words = rng.sample(category.words, min(len(category.words), number + 1))
    chosen, extra = words[:number], words[number:]
    style = rng.choice(STYLES)
    count = count_word(rng, lang, number)
    if lang == "en":
        things = f"{count} {category.plural}"
        slots = {"count": count, "things": things, "Things": capital(things), "plural": category.plural,
                 "different": f"{count} different {category.plural}"}
        request = rng.choice(LIST[lang]).format(**slots)
        manner = rng.choice(MANNERS[style][lang])
    else:
        slots = {"count": count + category.measure, "kind": category.zh}
        manner = rng.choice(MANNERS[style][lang])
        request = rng.choice(LIST[lang]).format(**slots)
    question = ask(rng, lang, request + manner)
    if style == "plain" and rng.random() < 0.3:
        question = rng.choice(LIST_QUESTION[lang]).format(**slots)
    if style == "comma" and "顿号" in manner:
        style = "enumeration comma"
    turns = turn(question, written([word[lang] for word in chosen], style, lang))
    if rng.random() < 0.3:
        turns += after_list(rng, lang, chosen, extra, style)
    return turns


def after_list(rng, lang, chosen, extra, style):
    """What is asked of the list, and the answer."""
    kinds = ["first", "last", "translate", "reverse", "count"]
    kinds += ["more"] * 4 if extra else []
    kinds += ["capitals", "alphabet"] if lang == "en" else []
    kind = rng.choice(kinds)
    items = [word[lang] for word in chosen]
    if kind in ("first", "last"):
        which = kind if lang == "en" else {"first": "第一个", "last": "最后一个"}[kind]
        question = rng.choice(FOLLOW["only"][lang]).format(which=which)
        return turn(question, items[0 if kind == "first" else -1])
    wordings = FOLLOW[kind]
    question = rng.choice(wordings if kind in ("capitals", "alphabet") else wordings[lang])
    if kind == "more":
        return turn(question, extra[0][lang])
    if kind == "count":
        return turn(question, str(len(items)))
    other = "zh" if lang == "en" else "en"
    changed = {
        "capitals": [item.upper() for item in items],
        "alphabet": sorted(items, key=str.lower),
        "reverse": items[::-1],
        "translate": [word[other] for word in chosen],
    }[kind]
    return turn(question, written(changed, style, lang))


def one_item(rng, lang):
    """One thing of a kind, sometimes with a given first letter, or so many characters."""
    category = draw_category(rng)
    if lang == "en":
        return english_item(rng, category)
    words = [word.zh for word in category.words]
    slots = {"measure": category.measure, "kind": category.zh}
    if rng.random() < 0.5:
        size = len(rng.choice(words))
        answer = rng.choice([word for word in words if len(word) == size])
        request = rng.choice(THING_WITH_LETTER[lang]).format(count=spoken(size, lang), **slots)
        return turn(ask(rng, lang, request), answer)
    request = rng.choice(THING[lang]).format(**slots)
    return turn(ask(rng, lang, request), rng.choice(words))


def english_item(rng, category):
    words = [word.en for word in category.words]
    with_letter = [word for word in words if not word.startswith("the ")]
    letters = sorted({word[0].lower() for word in with_letter})
    thing = article(category.en)
    if letters and rng.random() < 0.5:
        letter = rng.choice(letters)
        answer = rng.choice([word for word in with_letter if word[0].lower() == letter])
        shown = letter.upper() if rng.random() < 0.6 else letter
        request = rng.choice(THING_WITH_LETTER["en"]).format(thing=thing, letter=shown)
    else:
        answer = rng.choice(words)
        request = rng.choice(THING["en"]).format(thing=thing, kind=category.en)
    return turn(ask(rng, "en", request), answer)

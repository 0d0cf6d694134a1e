"""Questions about passages of files, as the app puts them before the question; answers cite them."""
import re

from . import bank
from .memory_facts import CITIES, COLOURS, PLACES, WEEKDAYS, code_word
from .names import short_name
from .wording import chat, fill, user_text

BANK = bank.Bank("files.txt")
INTRODUCTION = BANK.wordings("introduction")
NAMES = BANK.words("names")
FACTS = BANK.table("facts")
NOT_THERE = BANK.phrases("not_there")


def filled_in(rng, lang, fact):
    """The sentence in the file, a question about it and the answer, with what it is about drawn."""
    slots = {
        "h": rng.randint(6, 11), "d": rng.choice(WEEKDAYS[lang]), "n": rng.randint(2, 60),
        "w": short_name(rng, lang), "q": rng.choice(PLACES[lang]), "c": rng.choice(CITIES[lang]),
        "x": code_word(rng, lang), "f": rng.choice(COLOURS[lang]), "y": rng.randint(1850, 2023),
    }
    choices = re.search(r"\[([^\]]*)\]@p", fact["text"])
    slots["p"] = rng.choice(choices[1].split("|"))
    sentence = fill(fact["text"].replace(choices[0], "{p}"), slots)
    return sentence, user_text(rng, lang, fact["question"], slots), fill(fact["answer"], slots)


def passages_text(rng, lang, passages):
    """The passages as the app writes them: numbered, with the file and the page they are from."""
    text = INTRODUCTION[lang] + "\n\n"
    name, page = rng.choice(NAMES[lang]), rng.randint(0, 2)
    for number, sentences in enumerate(passages, 1):
        if rng.random() < 0.3:
            name = rng.choice(NAMES[lang])
        page += rng.randint(1, 3)
        place = ""
        if name.endswith(".pdf"):
            place = f", page {page}" if lang == "en" else f"，第{page}页"
        colon, space = (":", " ") if lang == "en" else ("：", "")
        text += f"[{number}] {name}{place}{colon}\n> {space.join(sentences)}\n\n"
    return text


def file_passage(rng, lang):
    """A question that the passages answer, or one that they do not."""
    facts = rng.sample(FACTS[lang], rng.choice([2, 3, 4, 5]))
    known = [filled_in(rng, lang, fact) for fact in facts[:-1]]
    _, missing_question, _ = filled_in(rng, lang, facts[-1])
    passages = [[] for _ in range(min(rng.choice([1, 1, 2, 3]), len(known)))]
    found_in = []  # the number of the passage, for each sentence
    for number, (sentence, _, _) in enumerate(known):
        at = number if number < len(passages) else rng.randrange(len(passages))
        passages[at].append(sentence)
        found_in.append(at + 1)
    text = passages_text(rng, lang, passages)
    if rng.random() < 0.15:
        return chat((text + missing_question, rng.choice(NOT_THERE[lang])))
    chosen = rng.randrange(len(known))
    _, question, answer = known[chosen]
    return chat((text + question, f"{answer} [{found_in[chosen]}]" + ("." if lang == "en" else "。")))

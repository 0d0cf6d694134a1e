"""Translation of words and sentences between English and Chinese."""
from . import bank
from .asking import ask_about, turn
from .sentences import sentence_pair
from .wording import capital, one_of
from .words import PHRASES, WORD_PAIRS

BANK = bank.Bank("translation.txt")
QUOTED = BANK.phrases("quoted")
WORD_TO_CHINESE = BANK.phrases("word_to_chinese")
WORD_TO_ENGLISH = BANK.phrases("word_to_english")
SAY = BANK.phrases("say")
TRANSLATE = BANK.phrases("translate")
AND_THIS = BANK.phrases("and_this")
LANGUAGE_NAMES = {
    "en": {"en": "English", "zh": "Chinese"},
    "zh": {"en": ["英文", "英语"], "zh": ["中文", "汉语"]},
}


def translate_word(rng, lang):
    """A word in the other language."""
    word = rng.choice(WORD_PAIRS)
    if rng.random() < 0.5:
        quoted = rng.choice(QUOTED).format(word=word.en) if lang == "en" else ""
        question = rng.choice(WORD_TO_CHINESE[lang]).format(quoted=quoted, word=word.en, Word=capital(word.en))
        return turn(question, word.zh)
    return turn(rng.choice(WORD_TO_ENGLISH[lang]).format(word=word.zh), word.en)


def draw_sentence(rng):
    return rng.choice(PHRASES) if rng.random() < 0.4 else sentence_pair(rng)


def translate_sentence(rng, lang):
    """A sentence in the other language, sometimes a second one."""
    sentence = draw_sentence(rng)
    source, target = ("en", "zh") if rng.random() < 0.5 else ("zh", "en")
    language = one_of(rng, LANGUAGE_NAMES[lang][target])
    if rng.random() < 0.25:
        question = rng.choice(SAY[lang]).format(text=sentence[source], language=language)
    else:
        request = rng.choice(TRANSLATE[lang]).format(language=language)
        question = ask_about(rng, lang, request, sentence[source])
    turns = turn(question, sentence[target])
    if rng.random() < 0.15:
        sentence = draw_sentence(rng)
        turns += turn(rng.choice(AND_THIS[lang]).format(text=sentence[source]), sentence[target])
    return turns

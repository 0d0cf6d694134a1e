"""Answers in JSON."""
import json

from . import bank
from .asking import ask_about, draw_person, draw_words, turn
from .wording import joined
from .words import CATEGORY, CITIES, COLORS, nouns_of

BANK = bank.Bank("formats.txt")
ARRAY = BANK.phrases("array")
OBJECT = BANK.phrases("object")


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


def json_array(rng, lang):
    """A list as a JSON array."""
    if rng.random() < 0.75:
        items = draw_words(rng, lang, rng.randint(2, 5))
    else:
        items = rng.sample(range(1, 100), rng.randint(2, 5))
    text = (", " if lang == "en" else "、").join(map(str, items))
    return turn(ask_about(rng, lang, rng.choice(ARRAY[lang]), text), as_json(items))


def draw_fields(rng, lang, name, age, city):
    """The fields of an object: a person or an article of a shop."""
    color, job = rng.choice(COLORS), rng.choice(CATEGORY["job"].words)
    english = lang == "en"
    if rng.random() < 0.3:
        item, price, count = rng.choice(nouns_of("tf")), rng.randint(1, 99), rng.randint(1, 20)
        keys = ("item", "price", "count") if english else ("商品", "价格", "数量")
        fields = list(zip(keys, (item[lang], price, count)))
        return dict(fields[:rng.choice([2, 3])])
    keys = ("name", "age", "city", "job", "color") if english else ("姓名", "年龄", "城市", "职业", "颜色")
    first, *others = zip(keys, (name, age, city, job[lang], color.en if english else color.zh + "色"))
    chosen = rng.sample(others, rng.choice([1, 1, 2, 2, 3]))
    return dict([first, *sorted(chosen, key=others.index)])


def english_object(rng, fields, name, age, city):
    """A question for the object."""
    if set(fields) <= {"name", "age", "city"} and rng.random() < 0.5:
        text = name
        text += f" is {age} years old" if "age" in fields else ""
        text += " and" if len(fields) == 3 else ""
        text += f" lives in {city}" if "city" in fields else ""
        request = "make a JSON object with the keys " if rng.random() < 0.5 else "write this as JSON with "
        return ask_about(rng, "en", request + joined(list(fields), "en"), text + ".")
    equals = " = " if rng.random() < 0.4 else ": "
    text = ", ".join(f"{key}{equals}{value}" for key, value in fields.items())
    return ask_about(rng, "en", rng.choice(OBJECT["en"]), text)


def chinese_object(rng, fields, name, age, city):
    """A question for the object."""
    if set(fields) <= {"姓名", "年龄", "城市"} and rng.random() < 0.5:
        text = name
        text += f"今年{age}岁" if "年龄" in fields else ""
        text += "，" if len(fields) == 3 else ""
        text += f"住在{city}" if "城市" in fields else ""
        return ask_about(rng, "zh", "写成JSON，包含" + joined(list(fields), "zh"), text + "。")
    equals = "：" if rng.random() < 0.6 else "是"
    text = "，".join(f"{key}{equals}{value}" for key, value in fields.items())
    return ask_about(rng, "zh", rng.choice(OBJECT["zh"]), text)


def json_task(rng, lang):
    """A JSON array of a list, or a JSON object of what is said."""
    name = draw_person(rng, lang).name
    if rng.random() < 0.4:
        return json_array(rng, lang)
    age, city = rng.randint(5, 80), rng.choice(CITIES)[lang]
    fields = draw_fields(rng, lang, name, age, city)
    question = (english_object if lang == "en" else chinese_object)(rng, fields, name, age, city)
    return turn(question, as_json(fields))

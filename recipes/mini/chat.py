#!/usr/bin/env python3
"""Splits conversations and preferences for every stage after pre-training, each prompt into one part.

  chat.py DATA LESSONS.jsonl OUT [--non-commercial]

OUT/sft.jsonl, OUT/sft_dev.jsonl   conversations to learn from, and some to watch
OUT/prompts.jsonl                  other questions, for PPO to answer
OUT/eval.jsonl                     more of them, for the win rates
OUT/preferences_{a,b}.jsonl        two halves: the reward model's and the judge's

Besides people's preferences each half has pairs made of demonstrations, whose answer is better than
one with a fault: an answer to another question, cut off, repeating itself, in the other language, a
list with too few or too many items. Without them a small reward model learns little but length.
"""
import argparse
import hashlib
import json
import pathlib

# How many conversations of each set. Beginners: no long answers, no mathematics in many steps.
SETS = {"sft/identity": 84, "sft/oasst_zh": 700, "sft/sharegpt_zh": 700, "sft/kdconv": 300,
        "sft/p3": 4000, "sft/cot": 1500, "sft/tldr": 2000, "sft/code_docstrings": 1500}
NON_COMMERCIAL = {"sft_nc/alpaca_en": 10_000, "sft_nc/alpaca_zh": 10_000, "sft_nc/codealpaca": 1500}
PREFERENCES = ["preference/hh_harmless", "preference/oasst_zh", "preference/dpo_mixed"]
QUESTION, ANSWER, WHOLE = 500, 700, 1500  # characters


def share(text, salt):
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256((salt + text).encode()).digest()[:8], "big") / 2**64


def records(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def fits(messages):
    whole = sum(len(m["content"]) for m in messages)
    answers = [m["content"] for m in messages if m["role"] == "assistant"]
    return (whole <= WHOLE and max(map(len, answers)) <= ANSWER and min(map(len, answers)) > 0
            and all(len(m["content"]) <= QUESTION for m in messages if m["role"] != "assistant"))


def prompt_of(messages):
    return json.dumps([m["content"] for m in messages[:-1]], ensure_ascii=False)



def faulty(answer, other, number):
    """The answer with a fault; which one depends on the number."""
    lines = answer.split("\n")
    kind = number % 5
    if kind == 0 and len(answer) > 40:
        return answer[:len(answer) * 2 // 3].rstrip(" .!?。！？")
    if kind == 1 and len(answer) > 20:
        half = answer[:max(12, len(answer) // 3)].strip()
        return " ".join([half] * 5)
    if kind == 2 and len(lines) > 2:
        return "\n".join(lines[:-1]) if number % 2 else "\n".join([*lines, lines[-1]])
    return other


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{path}: {len(rows)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("lessons", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--non-commercial", action="store_true", help="the sets of sft_nc too")
    parser.add_argument("--prompts", type=int, default=3000, help="for PPO")
    parser.add_argument("--evaluated", type=int, default=200)
    parser.add_argument("--development", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=3500, help="made of demonstrations, a half")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    rows = list(records(options.lessons))
    for name, most in (SETS | (NON_COMMERCIAL if options.non_commercial else {})).items():
        path = options.data / f"{name}.jsonl"
        if not path.exists():
            print(f"{path} is not there: left out")
            continue
        found = sorted((r for r in records(path) if fits(r["messages"])),
                       key=lambda r: share(prompt_of(r["messages"]), "set"))
        rows += found[:most]
    rows.sort(key=lambda r: share(prompt_of(r["messages"]), "order"))
    only_prompt = [{"messages": r["messages"][:-1], "lang": r["lang"]} for r in rows]

    begin = 0
    def take(count):
        nonlocal begin
        begin += count
        return slice(begin - count, begin)
    write(options.out / "eval.jsonl", only_prompt[take(options.evaluated)])
    write(options.out / "sft_dev.jsonl", rows[take(options.development)])
    write(options.out / "prompts.jsonl", only_prompt[take(options.prompts)])
    halves = []
    for name in "ab":
        part, half = rows[take(options.pairs)], []
        for number, record in enumerate(part):
            answer = record["messages"][-1]["content"]
            # Of the same language three times out of four, so that language is not all there is to it.
            same = [r["messages"][-1]["content"] for r in part[number + 1:number + 12] + part[:3]
                    if (r["lang"] == record["lang"]) == (number % 4 != 0)]
            bad = faulty(answer, same[0] if same else "", number)
            if bad.strip() and bad.strip() != answer.strip():
                half.append({"messages": record["messages"][:-1], "chosen": answer, "rejected": bad,
                             "source": "demonstration", "lang": record["lang"]})
        halves.append(half)
    write(options.out / "sft.jsonl", rows[begin:])
    for name in PREFERENCES:
        path = options.data / f"{name}.jsonl"
        if not path.exists():
            continue
        for record in records(path):
            answers = record["chosen"], record["rejected"]
            if answers[0] != answers[1] and max(map(len, answers)) <= ANSWER:
                key = json.dumps(record["messages"], ensure_ascii=False)
                if len(key) <= WHOLE:
                    halves[share(key, "preferences") < 0.5].append(record)
    for name, half in zip("ab", halves):
        half.sort(key=lambda r: share(r["chosen"], "order"))
        write(options.out / f"preferences_{name}.jsonl", half)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Splits conversations and preferences for the recipe, each prompt into one part only.

  data.py OUT --sft FILE... --preferences FILE...

OUT/sft.jsonl            conversations to learn from: short answers, so that a small model can
OUT/prompts.jsonl        other questions, for PPO to answer
OUT/eval.jsonl           more of them, for the win rates
OUT/preferences_a.jsonl  one half of the preferences, for the reward model
OUT/preferences_b.jsonl  the other half, for the judge

Each half also has pairs made of demonstrations: a question's own answer is better than the answer
to another question. Without them neither model ever saw an answer that is beside the point, and
length is nearly all they learn.
"""
import argparse
import hashlib
import json
import pathlib


def share(text, salt):
    """A number in [0, 1) that depends on the text alone."""
    digest = hashlib.sha256((salt + text).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def records(files):
    for file in files:
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{path}: {len(rows)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--sft", nargs="+", required=True)
    parser.add_argument("--preferences", nargs="+", required=True)
    parser.add_argument("--conversations", type=int, default=8000)
    parser.add_argument("--prompts", type=int, default=3000)
    parser.add_argument("--evaluated", type=int, default=200)
    parser.add_argument("--demonstrations", type=int, default=3000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    short = []
    for record in records(options.sft):
        messages = record["messages"]
        user, answer = messages[-2]["content"], messages[-1]["content"]
        if len(messages) == 2 and len(user) <= 200 and 20 <= len(answer) <= 500:
            short.append((share(user, "sft"), record))
    short.sort(key=lambda item: item[0])
    rows = [record for _, record in short]
    first, second = options.conversations, options.conversations + options.prompts
    write(options.out / "sft.jsonl", rows[:first])
    only_prompt = [{"messages": r["messages"][:-1]} for r in rows]
    write(options.out / "prompts.jsonl", only_prompt[first:second])
    write(options.out / "eval.jsonl", only_prompt[second:second + options.evaluated])

    halves = [[], []]
    last = second + options.evaluated
    for half in halves:
        part, last = rows[last:last + options.demonstrations], last + options.demonstrations
        for record, other in zip(part, part[1:] + part[:1]):
            half.append({"messages": record["messages"][:-1],
                         "chosen": record["messages"][-1]["content"],
                         "rejected": other["messages"][-1]["content"], "source": "demonstration"})
    for record in records(options.preferences):
        key = json.dumps(record["messages"], ensure_ascii=False)
        halves[share(key, "preferences") < 0.5].append(record)
    halves = [[r for r in half if r["chosen"] != r["rejected"]] for half in halves]
    write(options.out / "preferences_a.jsonl", halves[0])
    write(options.out / "preferences_b.jsonl", halves[1])


if __name__ == "__main__":
    main()

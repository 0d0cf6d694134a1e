#!/usr/bin/env python3
"""Writes conversations that teach a small model to talk: who it is, and to do as it is told.

  write_lessons.py OUT.jsonl [--count 40000] [--seed 1] [--without CHECKS.jsonl]

They are made of the phrases and words in lessons/, in English and Chinese alike, and every one is
different. A small model copies form before it learns facts: each kind of request comes in many
wordings, with answers that do exactly what was asked, and end. Prompts that CHECKS asks are left
out: nobody is examined on what was practised.
"""
import argparse
import importlib
import json
import pathlib
import random
import sys

MODULES = {"talk": 5, "tasks": 7, "stories": 2, "code": 2.5, "safety": 2}  # name -> weight
TRIES = 20


def kinds():
    """Every kind of lesson: (name, weight, function); the weights of a module add up to its own."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    for module, weight in MODULES.items():
        found = importlib.import_module(f"lessons.{module}").KINDS
        total = sum(share for share, _ in found.values())
        for name, (share, function) in found.items():
            yield f"{module}/{name}", weight * share / total, function


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", type=pathlib.Path)
    options = parser.parse_args()

    asked = set()
    if options.without:
        with open(options.without, encoding="utf-8") as lines:
            for line in lines:
                asked.add(json.dumps([m["content"] for m in json.loads(line)["messages"]]))
    rng = random.Random(options.seed)
    names, weights, functions = zip(*kinds())
    seen, left_out = set(), 0
    with open(options.out, "w", encoding="utf-8") as out:
        for number in range(options.count):
            lang = ("en", "zh")[number % 2]
            # A kind with few conversations is exhausted soon: then another takes its place.
            for _ in range(TRIES):
                kind = rng.choices(range(len(names)), weights)[0]
                turns = functions[kind](rng, lang)
                key = json.dumps(turns)
                if json.dumps([content for _, content in turns[:-1]]) in asked:
                    left_out += 1
                elif key not in seen:
                    break
            else:
                continue
            seen.add(key)
            messages = [{"role": role, "content": content} for role, content in turns]
            record = {"messages": messages, "source": names[kind], "lang": lang}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    print(f"{options.out}: {len(seen)} conversations; {left_out} left out since the checks ask them")


if __name__ == "__main__":
    main()

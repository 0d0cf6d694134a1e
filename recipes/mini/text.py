#!/usr/bin/env python3
"""Chooses the text of pre-training: so much of each source, and a few documents of each held out.

  text.py DATA OUT

OUT/text.jsonl          {"text", "source"} a line, in an order that does not depend on the machine
OUT/talk.jsonl          some conversations as text, which the tokenizer learns from too
OUT/held_out/NAME.jsonl documents nobody trains on, one file a source, for bits per byte

What a document is worth to a small model that shall talk: simple text more than rich text, talk
more than prose, both languages about the same number of tokens. MIX has the megabytes taken of each
source; a source with less than that is taken more than once, at most REPEATS times.
"""
import argparse
import hashlib
import json
import pathlib
import random

MIX = {
    "pretrain/en/dialogues": 8, "pretrain/en/news_levels": 3, "pretrain/en/stories": 1,
    "pretrain/en/glosses": 2, "pretrain/en/textbooks": 3, "pretrain/en/books": 4,
    "pretrain/zh/wiki_passages": 4.2, "pretrain/zh/histories": 6, "pretrain/zh/fairy_tales": 1,
    "pretrain/zh/linux_articles": 4, "pretrain/zh/oi_wiki": 0.5,
    "pretrain/code/python": 2, "pretrain/code/cpp": 0.7,
}
TALK = {"sft/p3": 3, "sft/cot": 3, "sft/kdconv": 2, "sft/gsm8k": 2, "sft/sharegpt_zh": 3,
        "sft/oasst_zh": 1}  # megabytes
REPEATS = 2
HELD_OUT_BYTES = 40_000
MEGABYTE = 1_000_000


def order(text):
    """A number that depends on the text alone: the order of documents, and which are held out."""
    return hashlib.sha256(text.encode()).digest()


def paragraphs_once(text, seen):
    """The text without the paragraphs (of 80 characters and more) that came before."""
    kept = []
    for paragraph in text.split("\n"):
        if len(paragraph) >= 80:
            key = hash(paragraph)
            if key in seen:
                continue
            seen.add(key)
        kept.append(paragraph)
    return "\n".join(kept).strip()


def readable(text):
    """Whether most of a document is letters: not tables, figures or rests of markup."""
    letters = sum(c.isalpha() or c.isspace() for c in text)
    return len(text) >= 40 and letters >= 0.6 * len(text)


def write_talk(data, path):
    rng = random.Random(0)
    with open(path, "w", encoding="utf-8") as out:
        for name, megabytes in TALK.items():
            with open(data / f"{name}.jsonl", encoding="utf-8") as file:
                lines = file.readlines()
            rng.shuffle(lines)
            taken = 0
            for line in lines:
                text = "\n".join(m["content"] for m in json.loads(line)["messages"])
                out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                taken += len(text.encode())
                if taken > megabytes * MEGABYTE:
                    break


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    held_out = options.out / "held_out"
    held_out.mkdir(parents=True, exist_ok=True)

    chosen, seen = [], set()
    for name, megabytes in MIX.items():
        path = options.data / f"{name}.jsonl"
        if not path.exists():
            parser.error(f"{path}: no such file; recipes/mini/README.md says where the data comes from")
        with open(path, encoding="utf-8") as lines:
            documents = [paragraphs_once(json.loads(line)["text"], seen) for line in lines]
        documents = sorted((d for d in documents if readable(d)), key=order)
        with open(held_out / f"{path.stem}.jsonl", "w", encoding="utf-8") as out:
            size = 0
            while documents and size < HELD_OUT_BYTES:
                text = documents.pop()[:8000]
                size += len(text.encode())
                out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        taken, limit = 0, megabytes * MEGABYTE
        for turn in range(REPEATS):
            for text in documents:
                if taken >= limit:
                    break
                taken += len(text.encode())
                chosen.append((order(f"{turn}{text}"), {"text": text, "source": path.stem}))
        print(f"{path.stem}: {taken / MEGABYTE:.1f} MB of {megabytes} MB wanted")
    chosen.sort(key=lambda item: item[0])
    write_talk(options.data, options.out / "talk.jsonl")
    with open(options.out / "text.jsonl", "w", encoding="utf-8") as out:
        for _, record in chosen:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

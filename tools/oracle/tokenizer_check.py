"""Does transformers read a tokenizer that parley wrote, and give the same ids?

    python tools/oracle/tokenizer_check.py --parley build/parley DIR...

Encodes texts of many kinds with both and stops at the first difference. Written for
transformers 5.23, tokenizers 0.23.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from transformers import AutoTokenizer  # noqa: E402

sys.path.insert(0, os.path.dirname(__file__))
from tokenizer_texts import texts  # noqa: E402


def parley_ids(parley, directory, text, special):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        command = [parley, "tokenizer", "encode", "--tokenizer", directory, file.name]
        if special:
            command.append("--allow-special")
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def check(parley, directory):
    tokenizer = AutoTokenizer.from_pretrained(directory)
    # Many texts are one call: joined by a special token, they are encoded apart.
    separator = tokenizer.eos_token
    parts = [t for t in texts(random.Random(5)) if separator not in t]
    joined = separator.join(parts)
    ours = parley_ids(parley, directory, joined, special=True)
    theirs = tokenizer.encode(joined, add_special_tokens=False)
    if ours != theirs:
        at = next(i for i, (a, b) in enumerate(zip(ours + [None], theirs + [None])) if a != b)
        around = tokenizer.decode(theirs[max(0, at - 5) : at + 10])
        at = max(3, at)
        sys.exit(f"{directory}: ids differ at {at}, near {around!r}:\n"
                 f"  parley       {ours[at - 3 : at + 8]}\n  transformers {theirs[at - 3 : at + 8]}")
    print(f"{directory}: {len(parts)} texts, {len(ours)} ids: the same")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--parley", default="build/parley")
    arguments.add_argument("directories", nargs="+")
    options = arguments.parse_args()
    for directory in options.directories:
        check(options.parley, directory)

#!/usr/bin/env python3
"""Encoding speed of parley and tiktoken in turn, one thread each, on the same text.

  python3 bench/peers/tokenizer_tiktoken.py --ranks cl100k_base.tiktoken --text SAMPLE.txt
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
CL100K = (r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"""
          r""" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")
PATTERNS = {"r50k_base": GPT2, "p50k_base": GPT2, "cl100k_base": CL100K}


def tiktoken_speed(ranks, text, repeat):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    name = Path(ranks).stem
    encoding = tiktoken.Encoding(name, pat_str=PATTERNS[name], special_tokens={},
                                 mergeable_ranks=load_tiktoken_bpe(str(ranks)))
    content = Path(text).read_text("utf-8")
    # Pieces of a document's size, as a corpus is encoded.
    pieces = [content[i:i + 8192] for i in range(0, len(content), 8192)]
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        for piece in pieces:
            encoding.encode_ordinary(piece)
        seconds.append(time.perf_counter() - start)
    return {"bytes_per_s": Path(text).stat().st_size / min(seconds), "version": tiktoken.__version__}


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parley", default=str(ROOT / "build" / "parley"))
    parser.add_argument("--ranks", required=True, help="rank file; its name chooses the split pattern")
    parser.add_argument("--text", required=True, help="UTF-8 text, some megabytes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer_only:
        print(json.dumps(tiktoken_speed(options.ranks, options.text, 3)))
        return

    ours, theirs = [], []
    for turn in range(options.rounds):
        ours.append(run([options.parley, "bench", "tokenizer", "--tokenizer", options.ranks,
                         "--text", options.text, "--json"]))
        theirs.append(run([sys.executable, __file__, "--peer-only", "--ranks", options.ranks,
                           "--text", options.text]))
        print(f"round {turn + 1}: parley {ours[-1]['bytes_per_s'] / 1e6:.1f} MB/s, "
              f"tiktoken {theirs[-1]['bytes_per_s'] / 1e6:.1f} MB/s", file=sys.stderr)
    medians = []
    for name, runs in (("parley", ours), (f"tiktoken {theirs[0]['version']}", theirs)):
        rates = [one["bytes_per_s"] / 1e6 for one in runs]
        medians.append(statistics.median(rates))
        print(f"  {name:20} {medians[-1]:8.1f} MB/s  ({min(rates):.1f} to {max(rates):.1f})")
    print(f"  parley is {medians[0] / medians[1]:.2f} times as fast")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks what must never be committed: tools/check_repo.py [--self-test]

Looks at the files git tracks: no path of someone's machine, no registry's host in lock files,
no large files, no training data, no source file that outgrew its reader, shell scripts that
parse, links in the documents that lead to a file and to a name that is in it. Prints one line
a mistake, ends with 1 if there is any.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 2_000_000          # bytes of any file
WEIGHTS_LIMIT = 40_000_000  # but for the bundled model's weights
WEIGHTS = re.compile(r"models/[\w.-]+/[\w.-]+\.safetensors")
SOURCE_LINES = 700         # "about 600" and a little air
SOURCE = (".cc", ".h", ".py", ".sh", ".ts", ".tsx")
# Written in pieces so that this file passes its own check.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:wo" r"rk|ho" r"me/\w|ro" r"ot|Us" r"ers/\w|op" r"t/oracle|tm" r"p/\w)")
# A lock file names versions and hashes; where they come from is the user's npm setting
# (npm config set omit-lockfile-registry-resolved true).
REGISTRY = re.compile(r'"?resolved"?:?\s*"?https?://')
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(?:#[^)]*)?\)")


def mistakes_in(name, data):
    """What is wrong with one file, as short texts. `data` is its bytes."""
    found = []
    limit = WEIGHTS_LIMIT if WEIGHTS.fullmatch(name) else LIMIT
    if len(data) > limit:
        found.append(f"{len(data)} bytes, more than {limit}")
    if b"\0" in data:
        return found
    text = data.decode("utf-8", "replace")
    if "\ufffd" in text and name.endswith(SOURCE + (".md",)):
        found.append("not UTF-8")
    lock = name.endswith(("package-lock.json", "yarn.lock", "pnpm-lock.yaml"))
    for number, line in enumerate(text.splitlines(), 1):
        if not lock and (match := MACHINE_PATH.search(line)):
            found.append(f"line {number}: a path of one machine: {match.group()}")
        if lock and REGISTRY.search(line):
            found.append(f"line {number}: the host of a registry: {line.strip()[:80]}")
    if name.endswith(SOURCE) and text.count("\n") > SOURCE_LINES:
        found.append(f"{text.count(chr(10))} lines: split it by meaning (limit {SOURCE_LINES})")
    # Records of the shared training data carry these two keys side by side.
    if name.endswith((".jsonl", ".jsonl.gz", ".jsonl.zst")) and re.search(r'"text":.*"source":', text):
        found.append("looks like training data, which is never committed")
    return found


def broken_links(name, text):
    """Links to files that are gone, and links on a `name` that its file no longer has."""
    for match in LINK.finditer(text):
        label, target = match.group(1), match.group(2)
        if "://" in target or target.startswith("mailto:"):
            continue
        path = ROOT / Path(name).parent / target
        if not path.exists():
            yield f"{name}: a link leads nowhere: {target}"
        elif (code := re.fullmatch(r"`(\w+)`", label)) and path.suffix in SOURCE:
            if not re.search(rf"\b{code.group(1)}\b", path.read_text()):
                yield f"{name}: {target} has no {code.group(1)}"


def check():
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True)
    found = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():  # deleted and not yet committed
            continue
        data = path.read_bytes()
        found += [f"{name}: {mistake}" for mistake in mistakes_in(name, data)]
        if name.endswith(".md"):
            found += broken_links(name, data.decode("utf-8", "replace"))
        if name.endswith(".sh") or data.startswith(b"#!/usr/bin/env bash"):
            syntax = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
            if syntax.returncode:
                found.append(f"{name}: {syntax.stderr.strip()}")
    return found


def self_test():
    """Each rule finds its mistake, and ordinary text passes."""
    wrong = {
        "a.md": b"see /wo" + b"rk/main for it\n",
        "b.cc": b'open("/ho' + b'me/ann/x");\n',
        "package-lock.json": b'{"resolved": "http://mirror.local/x.tgz"}\n',
        "big.bin": b"\0" * (LIMIT + 1),
        "long.cc": b"int x;\n" * (SOURCE_LINES + 1),
        "data.jsonl": b'{"text": "words", "source": "x"}\n',
        "latin.md": b"caf\xe9\n",
    }
    right = {
        "a.md": b"a build/parley path, src/work, the network and /usr/share\n",
        "models/x/model.safetensors": b"\0" * (LIMIT + 1),
        "package-lock.json": b'{"version": "1.0.0", "integrity": "sha512-x"}\n',
        "data.jsonl": b'{"text": "our own words"}\n',
    }
    failed = [name for name, data in wrong.items() if not mistakes_in(name, data)]
    failed += [name for name, data in right.items() if mistakes_in(name, data)]
    for name in failed:
        print(f"self-test: {name}: judged wrongly")
    return len(failed)


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    found = check()
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

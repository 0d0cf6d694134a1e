#!/usr/bin/env python3
"""Holds the includes to the layers: tools/check_includes.py [--self-test] [ROOT]

The layers and what each may use stand in CMakeLists.txt (parley_layer).
A file of src/<layer>/ may include its own folder, the layers in its list, and what those
use; never upwards, never in a cycle. Prints one line a mistake, ends with 1 if there is any.
"""
import re
import sys
import tempfile
from pathlib import Path

DECLARATION = re.compile(r"parley_layer\(\s*(\w+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_layers(root):
    """{layer: names it lists}."""
    text = re.sub(r"#.*", "", (root / "CMakeLists.txt").read_text())
    layers = {}
    for name, rest in DECLARATION.findall(text):
        uses, reading = [], False
        for word in rest.split():
            if word in ("USES", "LIBS"):
                reading = word == "USES"
            elif reading and word != '""':
                uses.append(word)
        layers[name] = uses
    return layers


def closure(layers, name):
    """The layers `name` may include: itself, its list, and all that those use."""
    allowed, pending = set(), [name]
    while pending:
        layer = pending.pop()
        if layer not in allowed:
            allowed.add(layer)
            pending.extend(layers.get(layer, []))
    return allowed


def find_cycle(graph):
    """Some cycle of a {node: next nodes} graph as a list, or None."""
    done = set()

    def visit(node, path):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        for following in graph.get(node, []):
            if cycle := visit(following, path + [node]):
                return cycle
        done.add(node)
        return None

    for start in sorted(graph):
        if cycle := visit(start, []):
            return cycle
    return None


def check(root):
    """All mistakes under root/src as lines of text."""
    layers = read_layers(root)
    if not layers:
        return [f"{root}/CMakeLists.txt: no parley_layer() found"]
    mistakes = [f"CMakeLists.txt: {name} uses {used}, which is no layer"
                for name, uses in layers.items() for used in uses if used not in layers]
    if cycle := find_cycle(layers):
        return mistakes + ["CMakeLists.txt: layers in a cycle: " + " -> ".join(cycle)]

    source = root / "src"
    includes = {}
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        name = path.relative_to(source).as_posix()
        layer = name.split("/")[0]
        if layer not in layers:
            mistakes.append(f"src/{name}: {layer} is no layer of CMakeLists.txt")
            continue
        text = path.read_text()
        # Highway includes a file again for each instruction set, through its own guard.
        if path.suffix == ".h" and "#pragma once" not in text and "HWY_TARGET_TOGGLE" not in text:
            mistakes.append(f"src/{name}: no #pragma once")
        allowed = closure(layers, layer)
        includes[name] = []
        for included in INCLUDE.findall(text):
            if included == name and "HWY_TARGET_INCLUDE" in text:
                continue
            target = included.split("/")[0]
            if not (source / included).is_file():
                mistakes.append(f'src/{name}: "{included}" is not under src/')
            elif target not in allowed:
                mistakes.append(f'src/{name}: {layer} may not include "{included}": {layer} may '
                                f"use {', '.join(sorted(allowed - {layer})) or 'nothing'}")
            else:
                includes[name].append(included)
    if cycle := find_cycle(includes):
        mistakes.append("includes in a cycle: " + " -> ".join(cycle))
    return mistakes


def self_test():
    """Proves on small trees that right includes pass and wrong ones are found."""
    cmake = ('parley_layer(low USES "" LIBS fmt::fmt)\nparley_layer(mid USES low)\n'
             "parley_layer(side USES low)\nparley_layer(high USES mid LIBS x)\n"
             "parley_layer(cli USES high side)\n")
    good = {"low/a.h": "#pragma once\n", "mid/b.h": '#pragma once\n#include "low/a.h"\n',
            "mid/b.cc": '#include "mid/b.h"\n#include <vector>\n',
            "high/c.cc": '#include "low/a.h"\n#include "mid/b.h"\n',
            "side/d.h": "#pragma once\n", "cli/main.cc": '#include "high/e.h"\n#include "side/d.h"\n',
            "high/e.h": "#pragma once\n"}
    cases = [
        ("a right tree", cmake, {}, None),
        ("an include upwards", cmake, {"low/a.cc": '#include "mid/b.h"\n'}, "low may not include"),
        ("an include sideways", cmake, {"high/f.cc": '#include "side/d.h"\n'}, "high may not include"),
        ("a test that includes upwards", cmake, {"low/a_test.cc": '#  include "high/e.h"\n'},
         "low may not include"),
        ("a path outside the layers", cmake, {"mid/g.cc": '#include "../low/a.h"\n'}, "not under src/"),
        ("an unknown folder", cmake, {"other/h.cc": ""}, "no layer"),
        ("headers in a cycle", cmake, {"mid/x.h": '#pragma once\n#include "mid/y.h"\n',
                                       "mid/y.h": '#pragma once\n#include "mid/x.h"\n'}, "in a cycle"),
        ("a header without a guard", cmake, {"mid/z.h": "int z;\n"}, "no #pragma once"),
        ("layers in a cycle", cmake.replace('USES ""', "USES high"), {}, "layers in a cycle"),
        ("an unknown layer in a list", cmake.replace("USES mid", "USES mud"), {}, "which is no layer"),
    ]
    failed = 0
    for name, declarations, extra, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "CMakeLists.txt").write_text(declarations)
            for file, text in {**good, **extra}.items():
                (root / "src" / file).parent.mkdir(parents=True, exist_ok=True)
                (root / "src" / file).write_text(text)
            found = check(root)
        right = not found if expected is None else any(expected in line for line in found)
        if not right:
            failed += 1
            print(f"self-test: {name}: found {found}, expected {expected}")
    return failed


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    mistakes = check(root)
    for line in mistakes:
        print(line)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A graph, random walks on it, and how good a walk is.

  walks.py make FOLDER [--seed N]   writes walks.jsonl (text to learn from), prompts.jsonl, graph.json
  walks.py judge FOLDER             an external reward for `parley ppo`: JSON lines in, rewards out

The toy of trlx's examples: 21 nodes, 1,000 random walks of at most 10 nodes towards one goal. A
model that learned the walks wanders as they do; rewarded for short ones, it finds shortest paths
that hardly any walk showed it. Nodes are the letters a to u, the goal is a; a walk reads "r j b a".
"""
import argparse
import collections
import json
import pathlib
import random
import sys

NODES = "abcdefghijklmnopqrstu"
GOAL = "a"
LONGEST = 10  # nodes of a walk


def make_graph(rng):
    """Every node has one or more edges at random, and a way to the goal."""
    while True:
        edges = {n: sorted(m for m in NODES if m != n and rng.random() < 0.1) for n in NODES}
        for n in NODES:
            if not edges[n]:
                edges[n] = [rng.choice([m for m in NODES if m != n])]
        shortest = distances(edges)
        if len(shortest) == len(NODES) and max(shortest.values()) < LONGEST:
            return edges


def distances(edges):
    """Nodes on the shortest path from each node to the goal, both ends counted."""
    sources = collections.defaultdict(list)
    for n, targets in edges.items():
        for m in targets:
            sources[m].append(n)
    found, queue = {GOAL: 1}, collections.deque([GOAL])
    while queue:
        n = queue.popleft()
        for m in sources[n]:
            if m not in found:
                found[m] = found[n] + 1
                queue.append(m)
    return found


def optimality(path, edges, shortest):
    """1 for a shortest path, 0 for one of LONGEST nodes, and for what is no path to the goal."""
    steps = zip(path, path[1:])
    if not path or path[-1] != GOAL or path.index(GOAL) != len(path) - 1:
        return 0.0
    if any(b not in edges.get(a, ()) for a, b in steps) or len(path) > LONGEST:
        return 0.0
    best = shortest[path[0]]
    return (LONGEST - len(path)) / (LONGEST - best)


def make(folder, seed):
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    edges = make_graph(rng)
    starts = [n for n in NODES if n != GOAL]
    with open(folder / "walks.jsonl", "w") as out:
        total = 0.0
        for _ in range(1000):
            path = [rng.choice(starts)]
            while path[-1] != GOAL and len(path) < LONGEST:
                path.append(rng.choice(edges[path[-1]]))
            total += optimality(path, edges, distances(edges))
            out.write(json.dumps({"text": " ".join(path)}) + "\n")
    with open(folder / "prompts.jsonl", "w") as out:
        for n in starts:
            out.write(json.dumps({"prompt": n}) + "\n")
    (folder / "graph.json").write_text(json.dumps(edges) + "\n")
    print(f"1000 walks, mean optimality {total / 1000:.3f}", file=sys.stderr)


def judge(folder):
    edges = json.loads((folder / "graph.json").read_text())
    shortest = distances(edges)
    for line in sys.stdin:
        record = json.loads(line)
        path = (record["prompt"] + record["response"]).split()
        print(json.dumps({"reward": optimality(path, edges, shortest)}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "judge"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.what == "make":
        make(options.folder, options.seed)
    else:
        judge(options.folder)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The recipe's results as Markdown: table.py OUT writes OUT/results.md and prints it."""
import json
import pathlib
import sys


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def percent(value):
    return f"{100 * value:.1f}"


def label(name):
    parts = pathlib.PurePath(name.split(":")[0]).parts
    stage = parts[-2] if parts[-1] == "model" else parts[-1]
    return {"raw": "LM", "prompted": "LM, prompted"}.get(name.split(":")[-1], stage)


def win_rates(report):
    names = []
    for pair in report["pairs"]:
        for name in (pair["a"], pair["b"]):
            if name not in names:
                names.append(name)
    out = ["| | " + " | ".join(f"over {label(n)}" for n in names) + " | characters |",
           "|---" * (len(names) + 2) + "|"]
    cells, lengths = {}, {}
    for pair in report["pairs"]:
        low, high = pair["win_rate_interval"]
        a, b = pair["a"], pair["b"]
        cells[a, b] = f"{percent(pair['win_rate'])} ({percent(low)} to {percent(high)})"
        cells[b, a] = (f"{percent(1 - pair['win_rate'])} "
                       f"({percent(1 - high)} to {percent(1 - low)})")
        lengths[a], lengths[b] = pair["mean_length_a"], pair["mean_length_b"]
    for a in names:
        row = [cells.get((a, b), "") for b in names]
        out.append(f"| **{label(a)}** | " + " | ".join(row) + f" | {lengths[a]:.0f} |")
    return out


def controlled(report):
    out = ["| pair | win rate % | length-controlled % |", "|---|---|---|"]
    for pair in report["pairs"]:
        low, high = pair["length_controlled_interval"]
        out.append(f"| {label(pair['a'])} against {label(pair['b'])} | {percent(pair['win_rate'])} "
                   f"| {percent(pair['length_controlled'])} ({percent(low)} to {percent(high)}) |")
    return out


def ppo_rows(out_dir):
    out = ["| run | reward | judge | KL, nats an answer | rollouts / scoring / updates % of the time | "
           "updates, % of the GEMM peak |", "|---|---|---|---|---|---|"]
    for name in ("ppo", "ppo-ptx"):
        log = lines(out_dir / name / "metrics.jsonl")
        first, last = log[0], log[-1]
        tail = log[-5:]
        mean = lambda key: sum(line[key] for line in tail) / len(tail)
        out.append(
            f"| {name} | {first['reward']:.2f} → {mean('reward'):.2f} | {first['gold']:.2f} → "
            f"{mean('gold'):.2f} | {mean('kl'):.1f} | {percent(last['rollout_share'])} / "
            f"{percent(last['scoring_share'])} / {percent(last['update_share'])} | "
            f"{percent(last['update_of_peak'])} |")
    return out


def main():
    out_dir = pathlib.Path(sys.argv[1])
    report = json.loads((out_dir / "winrate.json").read_text())
    text = ["# InstructGPT in shape", "",
            f"Win rates in % by the judge, {report['prompts']} questions, 95 % intervals (Wilson):", ""]
    text += win_rates(report)
    text += ["", "With the length of the answers taken out:", ""] + controlled(report)
    text += ["", "| model | bits per byte of held-out text |", "|---|---|"]
    for row in lines(out_dir / "bpb.jsonl"):
        text.append(f"| {row['name']} | {row['bpb']:.4f} |")
    text += [""] + ppo_rows(out_dir)
    for name in ("rm", "judge"):
        log = json.loads((out_dir / name / "report.json").read_text())
        text.append("")
        text.append(f"{name}: {percent(log['accuracy'])} % of {log['pairs']} held-out pairs right "
                    f"(length alone: {percent(log['length_baseline'])} %).")
    seconds = [line.split() for line in (out_dir / "times.txt").read_text().splitlines()]
    total = sum(int(s) for _, s in seconds)
    text += ["", "Seconds: " + ", ".join(f"{name} {s}" for name, s in seconds) +
             f"; in all {total / 60:.0f} minutes.", ""]
    (out_dir / "results.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()

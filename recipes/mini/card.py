#!/usr/bin/env python3
"""The model card, from what a run of the recipe measured.

  card.py RUN          the card, Markdown
  card.py RUN --best   the stage that becomes the model: ppo where the judge prefers it to sft
"""
import argparse
import json
import pathlib
import re

STAGES = {"base": "pre-trained", "mid": "mid-trained", "sft": "SFT", "ppo": "PPO"}
BEFORE = {"mid": "base", "sft": "mid", "ppo": "sft"}
KINDS = [("fulfilled", "instruction", "instructions fulfilled, %"),
         ("refused", "harmful", "harmful requests refused, %"),
         ("refused", "harmless", "harmless look-alikes refused, %"),
         ("ended", None, "answers that end by themselves, %"),
         ("repeated", None, "answers that repeat themselves, %")]
HERE = pathlib.Path(__file__).parent
SHOWN = 7  # answers of each language


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def percent(share):
    if share is None:
        return "–"
    low, high = share["interval"]
    return f"{100 * share['share']:.0f} ({100 * low:.0f}–{100 * high:.0f})"


def table(head, rows):
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|",
                      *(f"| {' | '.join(row)} |" for row in rows)])


def stage_of(name):
    parts = pathlib.PurePath(name.split(":")[0]).parts
    return parts[-2] if parts[-1] == "model" else parts[-1]


def win_rate(run, stage):
    """(rate, low, high) of a stage's answers against those of the stage before.

    The interval is the bootstrap's: ties count half, and unlike Wilson's it knows that they vary little.
    """
    for pair in load(run / "eval/winrate.json")["pairs"]:
        a, b = stage_of(pair["a"]), stage_of(pair["b"])
        low, high = pair["bootstrap_interval"]
        if (a, b) == (stage, BEFORE[stage]):
            return pair["win_rate"], low, high
        if (b, a) == (stage, BEFORE[stage]):
            return 1 - pair["win_rate"], 1 - high, 1 - low
    raise SystemExit(f"{run}/eval/winrate.json: no match of {stage} and {BEFORE[stage]}")


def best(run):
    return "ppo" if win_rate(run, "ppo")[1] > 0.5 else "sft"


def group(report, lang, kind):
    for found in report["models"][0]["groups"]:
        if (found["lang"] or "all") == (lang or "all") and (found["kind"] or "all") == (kind or "all"):
            return found
    return {}


def stages_table(run):
    rows = []
    cells = []
    for stage in STAGES:
        if stage in BEFORE:
            rate, low, high = win_rate(run, stage)
            cells.append(f"{100 * rate:.0f} ({100 * low:.0f}–{100 * high:.0f})")
        else:
            cells.append("–")
    rows.append(["win rate against the stage before, %", *cells])
    for key, kind, label in KINDS:
        for lang in ("en", "zh"):
            name = {"en": "English", "zh": "Chinese"}[lang]
            reports = [load(run / f"eval/chat-{stage}.json") for stage in STAGES]
            rows.append([f"{label} ({name})", *(percent(group(r, lang, kind).get(key)) for r in reports)])
    return table(["", *STAGES.values()], rows)


def bpb_table(run):
    rows = []
    for file in sorted((run / "data/held_out").glob("*.jsonl")):
        results = [load(run / f"eval/bpb-{stage}-{file.stem}.json") for stage in STAGES]
        others = results[0].get("compressors", {})
        xz = next((value for name, value in others.items() if name.startswith("xz")), None)
        rows.append([file.stem, *(f"{r['bpb']:.3f}" for r in results), f"{xz:.3f}" if xz else "–"])
    return table(["source", *STAGES.values(), "xz -9"], rows)


def pretraining(run, stage):
    """What a stage of `parley pretrain` cost; its parameters, and its FLOPs a token outside attention."""
    config = load(run / stage / "config.json")
    model, log = config["model"], lines(run / stage / "metrics.jsonl")
    width, head = model["hidden_size"], model["head_dim"]
    heads, kv = model["num_attention_heads"], model["num_key_value_heads"]
    layer = width * head * (2 * heads + 2 * kv) + 3 * width * model["intermediate_size"]
    matmul = model["num_hidden_layers"] * layer + model["vocab_size"] * width
    attention = model["num_hidden_layers"] * 6 * config["options"]["seq"] * heads * head
    flops = (6 * matmul + attention) * log[-1]["tokens"]
    share = sum(line["share"] for line in log) / len(log)
    return {"per_token": 6 * matmul, "parameters": matmul / 1e6, "tokens": log[-1]["tokens"] / 1e6,
            "flops": flops / 1e15, "hours": log[-1]["time"] / 3600, "share": 100 * share}


def cost(numbers):
    return (f"{numbers['flops']:.2f} PFLOP in {numbers['hours']:.1f} hours on two cores, "
            f"{numbers['share']:.0f} % of the machine's GEMM peak")


def later_flops(run, stage, per_token):
    """Of a stage whose log says how many tokens it took a second."""
    total, before = 0.0, 0.0
    for line in lines(run / stage / "metrics.jsonl"):
        total += line.get("tokens_per_s", 0) * (line.get("time", before) - before) * per_token
        before = line.get("time", before)
    return total


def hours(run, stage):
    return lines(run / stage / "metrics.jsonl")[-1]["time"] / 3600


def quote(text):
    return "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))


def samples(run):
    """What it wrote at the beginning and the end of pre-training, and at the end of mid-training."""
    chosen = []
    for stage, name in (("base", "Pre-training"), ("mid", "Mid-training")):
        text = (run / stage / "samples.md").read_text(encoding="utf-8")
        parts = [f"{name}, {part[0].lower()}{part[1:]}" for part in re.split(r"(?m)^## ", text)[1:]]
        chosen += [parts[0], parts[-1]] if stage == "base" else parts[-1:]
    out = []
    for part in chosen:
        head, body = part.split("\n", 1)
        shown = [p for p in body.strip().split("\n\n") if p.startswith("> **")]
        picked = [p for p in shown if "Once upon" in p or "从前" in p]
        out.append(f"**{head}**\n\n" + "\n\n".join(picked))
    return "\n\n".join(out)


def conversation(prompt, stage):
    text = [f"**{m['role']}:** {m['content']}" for m in prompt["messages"]]
    answer = next(iter(prompt["answers"].values()))[0]
    mark = {True: " ✓", False: " ✗"}.get(answer.get("fulfilled"), "")
    return "\n\n".join(text) + f"\n\n{quote(answer['text'] or '(nothing)')}{mark}"


def answers(run, stage):
    """Every few of the instructions as they come, so that nobody chose the good ones."""
    prompts = load(run / f"eval/chat-{stage}.json")["answers"]
    out = []
    for lang in ("en", "zh"):
        asked = [p for p in prompts if p["lang"] == lang and p["kind"] == "instruction"]
        out += [conversation(p, stage) for p in asked[::max(1, len(asked) // SHOWN)][:SHOWN]]
    return "\n\n---\n\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--best", action="store_true")
    options = parser.parse_args()
    run, chosen = options.run, best(options.run)
    if options.best:
        print(chosen)
        return
    card = (HERE / "card.md.in").read_text(encoding="utf-8")
    base, mid = pretraining(run, "base"), pretraining(run, "mid")
    later = sum(later_flops(run, stage, base["per_token"]) for stage in ("sft", "ppo")) / 1e15
    values = {
        "TOTAL": f"{base['flops'] + mid['flops'] + later:.1f}",
        "STAGES": stages_table(run), "BPB": bpb_table(run), "SAMPLES": samples(run),
        "ANSWERS": answers(run, chosen), "CHOSEN": STAGES[chosen],
        "PARAMETERS": f"{base['parameters']:.1f}", "BASE": cost(base), "MID": cost(mid),
        "BASE_TOKENS": f"{base['tokens']:.1f}", "MID_TOKENS": f"{mid['tokens']:.1f}",
        "SFT_HOURS": f"{hours(run, 'sft'):.1f}", "PPO_HOURS": f"{hours(run, 'ppo'):.1f}",
    }
    for name, value in values.items():
        card = card.replace("{{" + name + "}}", value)
    print(card, end="")


if __name__ == "__main__":
    main()

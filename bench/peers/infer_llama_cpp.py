#!/usr/bin/env python3
"""Inference speed of parley and llama.cpp in turn: GPT-2 124M's shape, prefill and decode of 1, 4 and 16 sequences.

  python3 bench/peers/infer_llama_cpp.py [--precision int8|int4] [--rounds 3] [--batch 1,4,16] [--json]

llama.cpp comes as node-llama-cpp's prebuilt CPU library (needs node 20 and npm); the model is written here, with
random weights, Q8_0 beside int8 and Q4_0 beside int4. The first run fetches both packages into --work.
"""
import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODE_LLAMA_CPP, GGUF = "3.22.1", "0.19.0"
MODEL_TYPE = {"int8": "q8_0", "int4": "q4_0"}
LIBRARY = {("Linux", "x86_64"): "linux-x64", ("Linux", "aarch64"): "linux-arm64"}
FIGURES = ("prefill_tokens_per_s", "decode_tokens_per_s", "ttft_ms")
QUIET = 0.9  # with a smaller share of the cores than this for llama.cpp's spinning threads, others ran


def fail(message):
    raise SystemExit(f"infer_llama_cpp: {message}")


def command(arguments, what, **options):
    """Output of a command; the command's own message has gone to standard error if it fails."""
    arguments = [str(one) for one in arguments]
    try:
        return subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, **options).stdout
    except FileNotFoundError:
        fail(f"{what}: no program {arguments[0]}; install or build it, or name it with its flag")
    except subprocess.CalledProcessError as error:
        if error.stdout:
            print(error.stdout[-2000:], file=sys.stderr)
        fail(f"{what}: exit code {error.returncode} of: {' '.join(arguments)}")


def set_up(work, model_type):
    """Fetch the two packages and write the model, each unless it is there. Returns the model's path."""
    work.mkdir(parents=True, exist_ok=True)
    node = work / "node"
    package = node / "node_modules" / "node-llama-cpp" / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != NODE_LLAMA_CPP:
        machine = (platform.system(), platform.machine())
        if machine not in LIBRARY:
            fail(f"node-llama-cpp has no CPU library for {' '.join(machine)} that this script knows (LIBRARY)")
        node.mkdir(exist_ok=True)
        (node / "package.json").write_text('{"private": true}\n')
        # The optional packages are the libraries for every system and for CUDA, 600 MB of them; the install script
        # would build llama.cpp from source where the library does not load, and that is another build than this one.
        command(["npm", "install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund",
                 "--loglevel=error", "--save-exact", f"node-llama-cpp@{NODE_LLAMA_CPP}",
                 f"@node-llama-cpp/{LIBRARY[machine]}@{NODE_LLAMA_CPP}"], "installing node-llama-cpp", cwd=node)
    model = work / f"gpt2-124m-{model_type}.gguf"
    writer = HERE / "infer_llama_cpp_model.py"
    if not model.exists() or model.stat().st_mtime < writer.stat().st_mtime:
        python = work / "venv" / "bin" / "python"
        if not python.exists():
            command([sys.executable, "-m", "venv", work / "venv"], "making a Python environment")
        command([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"gguf=={GGUF}"],
                "installing gguf")
        command([python, writer, "--type", model_type, "--out", model], "writing the model")
    return model


def objects(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def run_parley(options):
    arguments = [*options.prefix, options.parley, "bench", "infer", "--preset", "gpt2-124m",
                 "--precision", options.precision, "--prompt", options.prompt, "--gen", options.gen,
                 "--batch", ",".join(map(str, options.batch)), "--json"]
    if options.kv:
        arguments += ["--kv", options.kv]
    runs = {one["batch"]: one for one in objects(command(arguments, "parley")) if "batch" in one}
    for batch in options.batch:
        missing = [key for key in FIGURES if key not in runs.get(batch, {})]
        if missing:
            fail(f"parley: no {', '.join(missing)} for batch {batch} in what it printed")
    return runs


def run_llama_cpp(options, model, flash):
    request = {"model": str(model), "batch": options.batch, "prompt": options.prompt, "gen": options.gen,
               "threads": options.threads, "flash": flash}
    arguments = [*options.prefix, "node", HERE / "infer_llama_cpp.mjs", json.dumps(request)]
    build, *runs = objects(command(arguments, "llama.cpp", cwd=options.work / "node"))
    return build, {one["batch"]: one for one in runs}


def median(runs, batch, figure):
    return statistics.median(one[batch][figure] for one in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parley", default=str(ROOT / "build" / "parley"))
    parser.add_argument("--precision", choices=sorted(MODEL_TYPE), default="int8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of each sequence's prompt")
    parser.add_argument("--gen", type=int, default=128, help="tokens each sequence decodes after it")
    parser.add_argument("--batch", default="1,4,16", help="numbers of sequences, comma between")
    parser.add_argument("--kv", help="parley's keys and values (f32, bf16, int8); its own choice if not given, while "
                        "llama.cpp's are f16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="llama.cpp's threads; parley uses all cores")
    parser.add_argument("--flash", choices=("both", "on", "off"), default="both",
                        help="llama.cpp's flash attention; both: the faster one counts, figure by figure")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "parley-peers",
                        help="folder of the packages and the model")
    parser.add_argument("--prefix", type=shlex.split, default=[],
                        help="command to run both under, for example 'chrt -f 1' (as root) on a machine not quite idle")
    parser.add_argument("--peer-only", action="store_true", help="measure llama.cpp without parley")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    options.batch = [int(one) for one in options.batch.split(",")]
    options.work = options.work.expanduser().resolve()
    if options.prompt + options.gen > 1024:
        fail("--prompt and --gen are more than the 1024 positions of GPT-2 together; ask for less")
    model = set_up(options.work, MODEL_TYPE[options.precision])

    ours = []
    theirs = {flash: [] for flash in {"both": (True, False), "on": (True,), "off": (False,)}[options.flash]}
    for turn in range(options.rounds):
        if not options.peer_only:
            ours.append(run_parley(options))
        for flash, runs in theirs.items():
            build, one = run_llama_cpp(options, model, flash)
            runs.append(one)
        last = options.batch[-1]
        text = [f"llama.cpp, flash attention {'on' if flash else 'off'}, "
                f"{runs[-1][last]['decode_tokens_per_s']:.0f}" for flash, runs in theirs.items()]
        if ours:
            text.insert(0, f"parley {ours[-1][last]['decode_tokens_per_s']:.0f}")
        print(f"round {turn + 1}: decode of {last}, tokens/s: {'; '.join(text)}", file=sys.stderr)

    everyone = {"parley": ours} if ours else {}
    everyone.update({f"llama.cpp {model.stem.rsplit('-', 1)[1].upper()}, flash {'on' if flash else 'off'}": runs
                     for flash, runs in theirs.items()})
    report = {"precision": options.precision, "prompt": options.prompt, "gen": options.gen, "rounds": options.rounds,
              "kv": options.kv, "threads": options.threads, "llama_cpp": build, "batch": {}}
    for batch in options.batch:
        medians = {name: {figure: median(runs, batch, figure) for figure in FIGURES}
                   for name, runs in everyone.items()}
        share = min(median(runs, batch, "cpu_share") for runs in theirs.values())
        # Against the faster setting of llama.cpp; more than 1 is for parley, of times as of rates. None from a busy
        # machine: llama.cpp's threads spin at a barrier after every operation, and one that has to wait for its core
        # holds up the other, which makes llama.cpp a hundred times slower and says nothing.
        ratios = {}
        if ours and share >= QUIET:
            for figure in FIGURES:
                peers = [values[figure] for name, values in medians.items() if name != "parley"]
                mine = medians["parley"][figure]
                ratios[figure] = min(peers) / mine if figure == "ttft_ms" else mine / max(peers)
        report["batch"][batch] = {"median": medians, "ratio": ratios, "cpu_share": share, "runs": {
            name: [one[batch] for one in runs] for name, runs in everyone.items()}}
    if options.json:
        print(json.dumps(report))
    else:
        print_table(options, report)
    busy = [f"{of_batch['cpu_share']:.2f} with {batch}" for batch, of_batch in report["batch"].items()
            if of_batch["cpu_share"] < QUIET]
    if busy:
        print(f"The machine was busy: llama.cpp's threads had a share of the cores of {', '.join(busy)}; no ratio is "
              f"given there. Run again when nothing else runs, or see --prefix.", file=sys.stderr)


def print_table(options, report):
    build = report["llama_cpp"]
    print(f"GPT-2 124M's shape, {options.precision}, prompts of {options.prompt}, {options.gen} tokens decoded by each "
          f"sequence, {options.threads} threads, median of {options.rounds}")
    print(f"llama.cpp {build['release']} (node-llama-cpp {build['version']}), {build['model']}: {build['system']}")
    for batch, of_batch in report["batch"].items():
        print(f"{batch} sequence{'s' if batch > 1 else ''}")
        for name, values in of_batch["median"].items():
            rates = [one["decode_tokens_per_s"] for one in of_batch["runs"][name]]
            print(f"  {name:28} prefill {values['prefill_tokens_per_s']:7.0f} tokens/s   "
                  f"first token {values['ttft_ms']:7.0f} ms   "
                  f"decode {values['decode_tokens_per_s']:7.1f} tokens/s ({min(rates):.1f} to {max(rates):.1f})")
        if of_batch["ratio"]:
            ratio = of_batch["ratio"]
            # With more sequences the two need not mean the same by the time to the first token.
            first = f", to the first token {ratio['ttft_ms']:.2f}" if batch == 1 else ""
            print(f"  parley is {ratio['decode_tokens_per_s']:.2f} times as fast decoding, "
                  f"{ratio['prefill_tokens_per_s']:.2f} at prefill{first}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Training speed of parley and PyTorch in turn: GPT-2 124M, f32, AdamW, the same batch.

  python3 bench/peers/train_pytorch.py [--rounds 5] [--steps 6] [--threads N] [--parley build/parley]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pytorch_tokens_per_second(batch, seq, steps, threads):
    """Median over `steps` training steps after one that warms up."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers, heads, channels, vocabulary, context = 12, 12, 768, 50257, 1024

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
            self.c_attn = nn.Linear(channels, 3 * channels)
            self.c_proj = nn.Linear(channels, channels)
            self.c_fc = nn.Linear(channels, 4 * channels)
            self.c_out = nn.Linear(4 * channels, channels)

        def forward(self, x):  # (B, T, C)
            b, t, c = x.shape
            q, k, v = (part.view(b, t, heads, c // heads).transpose(1, 2)
                       for part in self.c_attn(self.ln_1(x)).split(channels, dim=2))
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.c_proj(y.transpose(1, 2).reshape(b, t, c))
            return x + self.c_out(functional.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))

    class GPT2(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(vocabulary, channels), nn.Embedding(context, channels)
            self.blocks = nn.ModuleList(Block() for _ in range(layers))
            self.ln_f = nn.LayerNorm(channels)

        def forward(self, ids, targets):
            x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
            for block in self.blocks:
                x = block(x)
            logits = self.ln_f(x) @ self.wte.weight.T  # (B, T, V), tied
            return functional.cross_entropy(logits.view(-1, vocabulary), targets.view(-1))

    model = GPT2()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.1)
    ids = torch.randint(vocabulary, (batch, seq))
    targets = torch.randint(vocabulary, (batch, seq))
    seconds = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        model(ids, targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    return {"tokens_per_s": batch * seq / statistics.median(seconds[1:]), "version": torch.__version__}


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parley", default=str(ROOT / "build" / "parley"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="steps of PyTorch a round")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seq", type=int, default=256)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peer-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer_only:
        print(json.dumps(pytorch_tokens_per_second(options.batch, options.seq, options.steps,
                                                   options.threads)))
        return

    shape = ["--batch", str(options.batch), "--seq", str(options.seq),
             "--threads", str(options.threads)]
    ours, theirs = [], []
    for turn in range(options.rounds):
        ours.append(run([options.parley, "bench", "train", "--preset", "gpt2-124m", "--json", *shape]))
        theirs.append(run([sys.executable, __file__, "--peer-only", "--steps", str(options.steps),
                           *shape]))
        print(f"round {turn + 1}: parley {ours[-1]['tokens_per_s']:.0f} tokens/s, "
              f"PyTorch {theirs[-1]['tokens_per_s']:.0f} tokens/s", file=sys.stderr)

    peak = statistics.median(one["peak_flops_per_s"] for one in ours)
    flops_per_token = ours[0]["flops_per_s"] / ours[0]["tokens_per_s"]
    print(f"GPT-2 124M, batch {options.batch} x {options.seq}, f32, {options.threads} threads, "
          f"{options.rounds} rounds, peak {peak / 1e9:.0f} GFLOP/s")
    for name, runs in (("parley", ours), (f"PyTorch {theirs[0]['version']}", theirs)):
        rates = [one["tokens_per_s"] for one in runs]
        median = statistics.median(rates)
        print(f"  {name:20} {median:8.0f} tokens/s  ({min(rates):.0f} to {max(rates):.0f})  "
              f"{median * flops_per_token / peak:.2f} of the peak")
    ratio = statistics.median(one["tokens_per_s"] for one in ours) / statistics.median(
        one["tokens_per_s"] for one in theirs)
    print(f"  parley is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()

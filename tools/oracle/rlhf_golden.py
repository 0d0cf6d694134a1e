#!/usr/bin/env python3
"""PyTorch's word on the losses of reward models and PPO: tests/golden/rlhf.json.

Run: python3 tools/oracle/rlhf_golden.py   (needs torch)
"""
import json
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/rlhf.json"
torch.manual_seed(5)
D = torch.float64


def numbers(x):
    return x.detach().flatten().tolist()


def pairwise():
    """Stiennon et al. 2020: the mean over pairs of -log sigmoid(s_better - s_worse)."""
    scores = torch.randn(5, dtype=D, requires_grad=True)
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    better, worse = torch.tensor(pairs).T
    loss = -torch.nn.functional.logsigmoid(scores[better] - scores[worse]).mean()
    loss.backward()
    return {"scores": numbers(scores), "pairs": pairs, "loss": loss.item(),
            "gradient": numbers(scores.grad)}


def policy():
    """Schulman et al. 2017, equation 7, mean over tokens."""
    n, clip = 40, 0.2
    old = -torch.rand(n, dtype=D) * 4
    new = (old + 0.4 * torch.randn(n, dtype=D)).requires_grad_()
    advantages = torch.randn(n, dtype=D)
    ratio = (new - old).exp()
    loss = torch.max(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))
    loss.sum().backward()
    return {"clip": clip, "old": numbers(old), "new": numbers(new), "advantages": numbers(advantages),
            "losses": numbers(loss), "gradient": numbers(new.grad)}


def value():
    n, clip = 40, 0.2
    old = torch.randn(n, dtype=D)
    new = (old + 0.3 * torch.randn(n, dtype=D)).requires_grad_()
    returns = torch.randn(n, dtype=D)
    bounded = old + (new - old).clamp(-clip, clip)
    loss = 0.5 * torch.max((new - returns) ** 2, (bounded - returns) ** 2)
    loss.sum().backward()
    return {"clip": clip, "old": numbers(old), "new": numbers(new), "returns": numbers(returns),
            "losses": numbers(loss), "gradient": numbers(new.grad)}


def whitening():
    x = torch.randn(17, dtype=D) * 3 + 1
    white = (x - x.mean()) * torch.rsqrt(x.var(unbiased=False) + 1e-8)
    return {"x": numbers(x), "shifted": numbers(white), "kept": numbers(white + x.mean())}


def token_head():
    """Log-probabilities at a temperature, entropies, and the gradient of a function of the former."""
    n, c, v, temperature = 7, 8, 19, 0.7
    hidden = torch.randn(n, c, dtype=D, requires_grad=True)
    head = torch.randn(v, c, dtype=D, requires_grad=True)
    targets = [3, -1, 18, 0, -1, 7, 7]
    slopes = torch.randn(n, dtype=D)
    logprobs = torch.log_softmax(hidden @ head.T / temperature, -1)
    chosen = torch.stack([logprobs[i, max(t, 0)] * (t >= 0) for i, t in enumerate(targets)])
    entropies = -(logprobs.exp() * logprobs).sum(-1) * torch.tensor([float(t >= 0) for t in targets])
    (chosen * slopes).sum().backward()
    return {"temperature": temperature, "hidden": numbers(hidden), "head": numbers(head),
            "targets": targets, "slopes": numbers(slopes), "logprobs": numbers(chosen),
            "entropies": numbers(entropies), "dhidden": numbers(hidden.grad),
            "dhead": numbers(head.grad)}


def main():
    golden = {"pairwise": pairwise(), "policy": policy(), "value": value(), "whitening": whitening(),
              "token_head": token_head()}
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()

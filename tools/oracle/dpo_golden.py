"""Writes tests/golden/dpo.json: losses of preference pairs and their gradients, by autograd.

    python tools/oracle/dpo_golden.py
"""

import json
import pathlib

import torch
import torch.nn.functional as F

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"


def case(generator, beta, label_smoothing, length_normalised, sft_weight, scale):
    def draw():
        return torch.randn(1, generator=generator, dtype=torch.float64).item()

    lengths = [int(n) for n in torch.randint(1, 60, (2,), generator=generator)]
    chosen, rejected = [
        torch.tensor(-2.0 * n + scale * draw(), dtype=torch.float64, requires_grad=True)
        for n in lengths
    ]
    ref = [-2.0 * n + scale * draw() for n in lengths]
    share = [1 / n for n in lengths] if length_normalised else [1, 1]
    rewards = [beta * s * (p - r) for s, p, r in zip(share, (chosen, rejected), ref)]
    h = rewards[0] - rewards[1]
    loss = -F.logsigmoid(h) * (1 - label_smoothing) - F.logsigmoid(-h) * label_smoothing
    loss = loss - sft_weight * chosen / lengths[0]
    loss.backward()
    return {
        "beta": beta,
        "label_smoothing": label_smoothing,
        "length_normalised": length_normalised,
        "sft_weight": sft_weight,
        "tokens": lengths,
        "policy": [chosen.item(), rejected.item()],
        "reference": ref,
        "loss": loss.item(),
        "gradient": [chosen.grad.item(), rejected.grad.item()],
        "rewards": [r.item() for r in rewards],
    }


def main():
    generator = torch.Generator().manual_seed(1)
    cases = [
        case(generator, beta, smoothing, normalised, weight, scale)
        for beta in (0.01, 0.1, 2.0)
        for smoothing in (0.0, 0.1)
        for normalised in (False, True)
        for weight in (0.0, 0.5)
        for scale in (0.0, 3.0, 400.0)
    ]
    (GOLDEN / "dpo.json").write_text(json.dumps(cases, indent=0) + "\n")


if __name__ == "__main__":
    main()

"""Does transformers compute from a directory saved by parley what parley computed?

    python tools/oracle/check_saved.py DIR [LOGITS.safetensors]

LOGITS.safetensors holds tokens (B, T) and logits (B, T, V) as parley computed them from DIR; or
the `tokens` (B, T+1) and `logits` (B, T, V) of a golden file, when DIR is that model saved again.
Without it, the directory is only loaded, every tensor accounted for, and continued greedily from
the beginning-of-text token.
Exits 1 when transformers misses or does not know a tensor, or a logit differs by more than
1e-4 of the largest.
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4


def load(directory):
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[key]:
            sys.exit(f"{directory}: {key}: {sorted(info[key])}")
    return model.float().eval()


@torch.no_grad()
def compare(model, path):
    stored = load_file(path)
    expected = stored["logits"].float()
    tokens = stored["tokens"].long()[:, : expected.shape[1]]
    difference = (model(input_ids=tokens).logits - expected).abs().max() / expected.abs().max()
    print(f"largest difference of the logits, relative: {difference:.2e}")
    if not difference <= TOLERANCE:
        sys.exit(f"more than {TOLERANCE}")


@torch.no_grad()
def continue_greedily(model, directory, steps=60):
    ids = [model.config.bos_token_id or 0]
    for _ in range(steps):
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    print("ids:", ids)
    if (pathlib.Path(directory) / "tokenizer.json").exists():
        print("text:", AutoTokenizer.from_pretrained(directory).decode(ids))


def main():
    model = load(sys.argv[1])
    print(f"{sys.argv[1]}: {type(model).__name__}, {model.num_parameters():,} parameters")
    if len(sys.argv) > 2:
        compare(model, sys.argv[2])
    else:
        continue_greedily(model, sys.argv[1])


if __name__ == "__main__":
    main()

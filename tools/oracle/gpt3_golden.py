"""Golden files of GPT-3's alternating dense and locally banded attention, in plain PyTorch.

    python tools/oracle/gpt3_golden.py          # writes tests/golden/hf_gpt3/

transformers has no such model, so the one below is written from the papers: GPT-2's block
(pre-norm) or GPT-1's (post-norm), and in odd layers a query at t sees only the keys
t - window < s <= t (Brown et al. 2020, section 2.1; Child et al. 2019, "locally banded").
Before anything is written, the same code without a window must give what transformers'
GPT2LMHeadModel and OpenAIGPTLMHeadModel give for the hf_gpt2 and hf_openai_gpt goldens
(logits, loss, every gradient), so run hf_golden.py first.

hf_gpt3/ is a gpt2 directory whose config.json has parley's own key
    "parley": {"window": 5, "alternate_window": true}
and golden.safetensors as described in hf_golden.py.
"""

import json
import math

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from hf_golden import GOLDEN, VERSIONS, B, T, f32, loss_of, random_tokens

WINDOW = 5
CONFIG = {
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 96,
    "n_positions": 32, "n_embd": 24, "n_layer": 4, "n_head": 3, "n_inner": 64,
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    "parley": {"window": WINDOW, "alternate_window": True},
}


def shapes(config):
    """Parameter names and shapes as in transformers' gpt2; linear layers are (in, out)."""
    C, L = config["n_embd"], config["n_layer"]
    inner = config["n_inner"]
    yield "transformer.wte.weight", (config["vocab_size"], C)
    yield "transformer.wpe.weight", (config["n_positions"], C)
    for l in range(L):
        h = f"transformer.h.{l}."
        for norm in ("ln_1", "ln_2"):
            yield h + norm + ".weight", (C,)
            yield h + norm + ".bias", (C,)
        for name, rows, columns in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C),
                                    ("mlp.c_fc", C, inner), ("mlp.c_proj", inner, C)):
            yield h + name + ".weight", (rows, columns)
            yield h + name + ".bias", (columns,)
    yield "transformer.ln_f.weight", (C,)
    yield "transformer.ln_f.bias", (C,)


def gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def norm(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * weight + bias


def attention(x, p, h, heads, window):
    batch, time, channels = x.shape
    q, k, v = (x @ p[h + "c_attn.weight"] + p[h + "c_attn.bias"]).split(channels, -1)
    q, k, v = (y.view(batch, time, heads, -1).transpose(1, 2) for y in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(channels // heads)  # (B, NH, T, T)
    t, s = torch.arange(time)[:, None], torch.arange(time)[None, :]
    visible = (s <= t) & ((s > t - window) if window else torch.ones_like(s <= t))
    out = scores.masked_fill(~visible, -math.inf).softmax(-1) @ v
    return out.transpose(1, 2).reshape(x.shape) @ p[h + "c_proj.weight"] + p[h + "c_proj.bias"]


def mlp(x, p, h):
    return gelu(x @ p[h + "c_fc.weight"] + p[h + "c_fc.bias"]) @ p[h + "c_proj.weight"] \
        + p[h + "c_proj.bias"]


def forward(p, tokens, layers, heads, window=0, post_norm=False):
    """tokens (B, T) -> logits (B, T, V). p: parameters under transformers' gpt2 names."""
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"][: tokens.shape[1]]
    for l in range(layers):
        h = f"transformer.h.{l}."
        ln_1 = p[h + "ln_1.weight"], p[h + "ln_1.bias"]
        ln_2 = p[h + "ln_2.weight"], p[h + "ln_2.bias"]
        layer_window = window if l % 2 == 1 else 0
        if post_norm:
            x = norm(x + attention(x, p, h + "attn.", heads, layer_window), *ln_1)
            x = norm(x + mlp(x, p, h + "mlp."), *ln_2)
        else:
            x = x + attention(norm(x, *ln_1), p, h + "attn.", heads, layer_window)
            x = x + mlp(norm(x, *ln_2), p, h + "mlp.")
    if not post_norm:
        x = norm(x, p["transformer.ln_f.weight"], p["transformer.ln_f.bias"])
    return x @ p["transformer.wte.weight"].T


def golden(p, tokens, layers, heads, **variant):
    p = {name: value.double().requires_grad_() for name, value in p.items()}
    logits = forward(p, tokens[:, :-1], layers, heads, **variant)
    loss = loss_of(logits, tokens)
    loss.backward()
    return {"tokens": tokens.to(torch.int32), "logits": f32(logits), "loss": f32(loss),
            **{"grad." + name: f32(value.grad) for name, value in p.items()}}


def check_against_transformers(name, rename, **variant):
    """The hand-written model without a window equals transformers' on its golden."""
    p = {rename(k): v for k, v in load_file(GOLDEN / name / "model.safetensors").items()}
    expected = load_file(GOLDEN / name / "golden.safetensors")
    ours = golden(p, expected["tokens"].long(), 2, 4, **variant)
    for key, value in expected.items():
        mine = ours["grad." + rename(key[5:]) if key.startswith("grad.") else key]
        torch.testing.assert_close(mine, value, rtol=1e-5, atol=1e-7, msg=lambda m: f"{key}: {m}")
    print(f"equal to transformers on {name}")


def main():
    check_against_transformers("hf_gpt2", lambda k: k)
    check_against_transformers(
        "hf_openai_gpt",
        lambda k: k.replace("tokens_embed", "wte").replace("positions_embed", "wpe"),
        post_norm=True)

    generator = torch.Generator().manual_seed(31)
    p = {}
    for name, shape in shapes(CONFIG):
        p[name] = torch.empty(shape).normal_(0.0, 0.2, generator=generator)
        if "ln_" in name and name.endswith("weight"):
            p[name] += 1.0
    directory = GOLDEN / "hf_gpt3"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    save_file(p, directory / "model.safetensors", metadata={"format": "pt"})
    tensors = golden(p, random_tokens((B, T + 1), 131), CONFIG["n_layer"], CONFIG["n_head"],
                     window=WINDOW)
    save_file(tensors, directory / "golden.safetensors", metadata=VERSIONS)
    print(f"hf_gpt3: loss {tensors['loss'].item():.6f}")


if __name__ == "__main__":
    main()

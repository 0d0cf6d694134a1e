"""Writes tests/golden/kernels_golden.bin: inputs and outputs of single operations, computed by
PyTorch, for src/kernels/golden_test.cc.

    python tools/oracle/kernels_golden.py

The file is a line "name dim dim ...\n" and the raw little-endian values, tensor after tensor:
float32, or int32 where the name ends in ".i32". The first line is a comment with the versions.
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
import transformers

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/kernels_golden.bin"
generator = torch.Generator().manual_seed(20240229)
tensors = {}


def randn(*shape, scale=1.0):
    return (torch.randn(*shape, generator=generator) * scale).requires_grad_()


def put(name, value):
    value = value.detach()
    kind, name = (np.int32, name + ".i32") if not value.is_floating_point() else (np.float32, name)
    assert name not in tensors
    tensors[name] = value.contiguous().numpy().astype(kind)


def put_gradients(prefix, out, **inputs):
    """Stores out, a random dout, and the gradient of each input."""
    dout = torch.randn(out.shape, generator=generator)
    gradients = torch.autograd.grad(out, list(inputs.values()), dout)
    put(f"{prefix}.out", out)
    put(f"{prefix}.dout", dout)
    for (name, value), gradient in zip(inputs.items(), gradients):
        put(f"{prefix}.{name}", value)
        put(f"{prefix}.d{name}", gradient)


def norms():
    x, w, b = randn(9, 40, scale=2), randn(40), randn(40)
    put_gradients("layernorm", F.layer_norm(x, (40,), w, b, 1e-5), x=x, w=w, b=b)
    x, w = randn(9, 40, scale=2), randn(40)
    put_gradients("rmsnorm", F.rms_norm(x, (40,), w, 1e-6), x=x, w=w)


def activations():
    x = randn(6, 50, scale=3)
    put_gradients("gelu_tanh", F.gelu(x, approximate="tanh"), x=x)
    x = randn(6, 50, scale=3)
    put_gradients("gelu_erf", F.gelu(x), x=x)
    x = randn(6, 50, scale=3)
    put_gradients("silu", F.silu(x), x=x)
    x = randn(6, 50, scale=3)
    put_gradients("swiglu", F.silu(x[:, :25]) * x[:, 25:], x=x)


def rope():
    """Hugging Face's rotate_half layout: 3 heads of 16."""
    config = LlamaConfig(hidden_size=48, num_attention_heads=3, max_position_embeddings=64)
    x = randn(1, 3, 10, 16)
    positions = torch.randint(0, 64, (1, 10), generator=generator)
    cos, sin = LlamaRotaryEmbedding(config)(x, positions)
    rotated, _ = apply_rotary_pos_emb(x, x, cos, sin)
    dout = torch.randn(rotated.shape, generator=generator)
    (dx,) = torch.autograd.grad(rotated, x, dout)
    put("rope.positions", positions[0])
    for name, value in {"x": x, "out": rotated, "dout": dout, "dx": dx}.items():
        put(f"rope.{name}", value[0].transpose(0, 1).reshape(10, 48))


def attention(prefix, B, T, NH, NKV, HS, window, starts):
    """starts: where a packed document begins, in every sequence."""
    qkv = randn(B, T, (NH + 2 * NKV) * HS)
    q, k, v = qkv.split([NH * HS, NKV * HS, NKV * HS], dim=2)
    q = q.view(B, T, NH, HS).transpose(1, 2)
    k = k.view(B, T, NKV, HS).transpose(1, 2).repeat_interleave(NH // NKV, dim=1)
    v = v.view(B, T, NKV, HS).transpose(1, 2).repeat_interleave(NH // NKV, dim=1)
    first = torch.tensor([max((s for s in starts if s <= t), default=0) for t in range(T)])
    keys, queries = torch.arange(T)[None, :], torch.arange(T)[:, None]
    sees = (keys <= queries) & (keys >= first[:, None])
    if window:
        sees &= keys > queries - window
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=sees)
    put_gradients(prefix, out.transpose(1, 2).reshape(B, T, NH * HS), qkv=qkv)
    scores = (q @ k.transpose(2, 3) / math.sqrt(HS)).masked_fill(~sees, -math.inf)
    put(f"{prefix}.lse", scores.logsumexp(3))
    put(f"{prefix}.first", first.expand(B, T))
    put(f"{prefix}.shape", torch.tensor([B, T, NH, NKV, HS, window]))


def cross_entropy():
    logits, targets = randn(7, 300, scale=4), torch.randint(0, 300, (7,), generator=generator)
    targets[3] = -100
    losses = F.cross_entropy(logits, targets, reduction="none")
    put("cross_entropy.targets", targets)
    put_gradients("cross_entropy", losses, logits=logits)


def adamw():
    param = torch.nn.Parameter(torch.randn(500, generator=generator))
    put("adamw.param", param)
    optimizer = torch.optim.AdamW([param], lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    grads = torch.randn(10, 500, generator=generator) * 0.1
    put("adamw.grads", grads)
    for grad in grads:
        param.grad = grad.clone()
        optimizer.step()
    put("adamw.out", param)


def muon_step(param, momentum, grad, lr, mu, weight_decay):
    """Keller Jordan's Muon with Nesterov momentum, in float32 (the original runs the
    iteration in bfloat16)."""
    momentum.lerp_(grad, 1 - mu)
    update = grad.lerp(momentum, mu)
    X = update.T if update.size(0) > update.size(1) else update
    X = X / (X.norm() + 1e-7)
    for _ in range(5):
        A = X @ X.T
        X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
    X = X.T if update.size(0) > update.size(1) else X
    update = X * max(1, param.size(0) / param.size(1)) ** 0.5
    param.mul_(1 - lr * weight_decay).sub_(lr * update)


def muon(prefix, rows, columns):
    param = torch.randn(rows, columns, generator=generator)
    momentum = torch.zeros(rows, columns)
    grads = torch.randn(3, rows, columns, generator=generator)
    put(f"{prefix}.param", param.clone())
    put(f"{prefix}.grads", grads)
    theirs = torch.nn.Parameter(param.clone())
    optimizer = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.1)
    for grad in grads:
        theirs.grad = grad.clone()
        optimizer.step()
        muon_step(param, momentum, grad, lr=0.02, mu=0.95, weight_decay=0.1)
    put(f"{prefix}.out", param)
    # torch.optim.Muon differs by its bfloat16 only.
    assert (theirs - param).abs().max() < 2e-3, (theirs - param).abs().max()


norms()
activations()
rope()
attention("attention", 2, 70, 2, 2, 16, 0, [])
attention("attention_gqa", 1, 70, 4, 2, 24, 0, [0, 13, 40, 41])
attention("attention_window", 1, 80, 2, 1, 16, 20, [0, 50])
cross_entropy()
adamw()
muon("muon_wide", 12, 30)
muon("muon_tall", 30, 12)

with open(OUT, "wb") as file:
    versions = f"torch {torch.__version__} transformers {transformers.__version__}"
    file.write(f"# {pathlib.Path(__file__).name}: {versions} python {sys.version.split()[0]}\n".encode())
    for name, value in tensors.items():
        file.write(f"{name} {' '.join(map(str, value.shape))}\n".encode())
        file.write(value.tobytes())
print(f"{OUT}: {OUT.stat().st_size} bytes, {len(tensors)} tensors")

"""Golden files from transformers: tiny random models, their logits, loss, gradients.

    python tools/oracle/hf_golden.py            # writes tests/golden/hf_*/

Each tests/golden/hf_<name>/ is a directory as `save_pretrained` writes it (f32), and beside
the model:

golden.safetensors
    tokens        int32 (B, T+1)   input is tokens[:, :-1], targets are tokens[:, 1:]
    logits        f32   (B, T, V)
    loss          f32   ()         mean cross-entropy over all B*T targets, in nats
    grad.<name>   f32              d loss / d <name>, for every parameter under the name and in
                                   the layout it has in model.safetensors (GPT-1 and GPT-2 keep
                                   linear layers as (in, out))
adamw.safetensors (gpt2 and qwen3): ten steps of torch.optim.AdamW from the saved weights
    tokens        int32 (10, B, T+1)   the batch of each step
    losses        f32   (10)           the loss of each batch just before its update
    final_loss    f32   ()             the loss of batch 0 after the tenth update
    Settings: lr 2e-3, betas (0.9, 0.95), eps 1e-8, decay 0.1 on the matrices of linear layers
    only (no embedding, lm_head, norm or bias), no clipping, no dropout.

The numbers are computed in double from the f32 weights, so they are a reference for f32 code
(transformers itself keeps RMSNorm and RoPE tables in f32). The gradient of GPT-2's key bias is
zero in exact arithmetic: compare it against the scale of the other gradients.

hf_gpt2_bf16_sharded and hf_llama_f16 are hf_gpt2 and hf_llama in another dtype, the first in
several files with an index: for the loader's tests only, without golden.safetensors.

The versions that made the files are in their metadata.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OpenAIGPTConfig,
    OpenAIGPTLMHeadModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
V, T, B, STEPS = 96, 17, 2, 10  # vocabulary, tokens of a sample, samples, AdamW steps
IDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
VERSIONS = {
    "format": "pt",
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "python": sys.version.split()[0],
}

GPT = dict(vocab_size=V, n_positions=32, n_embd=32, n_layer=2, n_head=4, **IDS)
LLAMA = dict(
    vocab_size=V, max_position_embeddings=32, hidden_size=32, intermediate_size=80,
    num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, **IDS,
)
MODELS = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(**GPT)),
    "openai_gpt": lambda: OpenAIGPTLMHeadModel(OpenAIGPTConfig(**GPT)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**LLAMA, rms_norm_eps=1e-5)),
    "llama_tied": lambda: LlamaForCausalLM(
        LlamaConfig(**{**LLAMA, "num_key_value_heads": 4}, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "default", "rope_theta": 500.0})),
    "qwen2": lambda: Qwen2ForCausalLM(
        Qwen2Config(**LLAMA, tie_word_embeddings=True,
                    rope_parameters={"rope_type": "default", "rope_theta": 1e6})),
    "qwen3": lambda: Qwen3ForCausalLM(
        Qwen3Config(**LLAMA, head_dim=16,
                    rope_parameters={"rope_type": "default", "rope_theta": 1e6})),
}


def randomize(model, seed):
    """Weights large enough that softmax, norms and activations all matter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            is_norm = "norm" in name or "ln_" in name
            p.normal_(0.0, 0.2, generator=generator)
            if is_norm and name.endswith("weight"):
                p.add_(1.0)


def random_tokens(shape, seed):
    return torch.randint(0, V, shape, generator=torch.Generator().manual_seed(seed))


def loss_of(logits, tokens):
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def f32(tensor):
    return tensor.detach().to(torch.float32).contiguous()


def write_golden(directory, model, tokens):
    """`model(tokens) -> logits` in double; its named_parameters are saved as grad.<name>."""
    model.zero_grad()
    logits = model(tokens[:, :-1])
    loss = loss_of(logits, tokens)
    loss.backward()
    tensors = {"tokens": tokens.to(torch.int32), "logits": f32(logits), "loss": f32(loss)}
    for name, p in model.named_parameters():
        tensors["grad." + name] = f32(p.grad)
    save_file(tensors, directory / "golden.safetensors", metadata=VERSIONS)
    print(f"{directory.name}: loss {loss.item():.6f}")


def is_decayed(name, p):
    return p.ndim == 2 and not any(s in name for s in ("wte", "wpe", "embed", "lm_head"))


def write_adamw(directory, model, seed):
    tokens = random_tokens((STEPS, B, T + 1), seed)
    parameters = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in parameters if is_decayed(n, p)], "weight_decay": 0.1},
            {"params": [p for n, p in parameters if not is_decayed(n, p)], "weight_decay": 0.0},
        ],
        lr=2e-3, betas=(0.9, 0.95), eps=1e-8,
    )
    losses = []
    for batch in tokens:
        optimizer.zero_grad()
        loss = loss_of(model(batch[:, :-1]), batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    with torch.no_grad():
        final_loss = loss_of(model(tokens[0][:, :-1]), tokens[0])
    save_file(
        {"tokens": tokens.to(torch.int32), "losses": f32(torch.stack(losses)),
         "final_loss": f32(final_loss)},
        directory / "adamw.safetensors", metadata=VERSIONS,
    )
    print(f"{directory.name}: AdamW {losses[0]:.4f} ... {losses[-1]:.4f}, batch 0 {final_loss:.4f}")


class Logits(torch.nn.Module):
    """A transformers model as tokens -> logits, its parameters under their own names."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model(input_ids=tokens, use_cache=False).logits \
            if self.model.config.model_type != "openai-gpt" else self.model(input_ids=tokens).logits

    def named_parameters(self, *args, **kwargs):
        return self.model.named_parameters(*args, **kwargs)


def main():
    for seed, (name, make) in enumerate(MODELS.items()):
        directory = GOLDEN / f"hf_{name}"
        model = make().eval()
        model.set_attn_implementation("eager")
        randomize(model, seed)
        model.save_pretrained(directory)
        if name == "gpt2":
            make_variant(model, "gpt2_bf16_sharded", torch.bfloat16, "20KB")
        if name == "llama":
            make_variant(model, "llama_f16", torch.float16, "1GB")
        # torch gives the padding token's embedding no gradient; parley masks targets instead.
        model.get_input_embeddings().padding_idx = None
        oracle = Logits(model.double())
        write_golden(directory, oracle, random_tokens((B, T + 1), 100 + seed))
        if name in ("gpt2", "qwen3"):
            write_adamw(directory, oracle, 200 + seed)


def make_variant(model, name, dtype, max_shard_size):
    """The same weights rounded to dtype, in files of at most max_shard_size."""
    variant = type(model)(model.config)
    variant.load_state_dict(model.state_dict())
    variant.to(dtype).save_pretrained(GOLDEN / f"hf_{name}", max_shard_size=max_shard_size)
    model.config.dtype = torch.float32


if __name__ == "__main__":
    main()

"""Golden files from peft: LoRA adapters on the tiny models of tests/golden/hf_*.

    python tools/oracle/lora_golden.py          # writes tests/golden/lora_*/

Each tests/golden/lora_<name>/ is an adapter directory as peft's save_pretrained writes it, with
random A and B, and beside it:

golden.safetensors
    tokens            int32 (B, T+1)   as in hf_golden.py
    logits            f32   (B, T, V)  of the adapted model
    loss              f32   ()
    grad.<key>        f32              d loss / d A and B, under the adapter file's keys

The numbers are computed in double.
"""

import pathlib
import sys

import peft
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
V, T, B = 96, 11, 2
VERSIONS = {
    "format": "pt",
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "peft": peft.__version__,
    "python": sys.version.split()[0],
}
ADAPTERS = {
    "gpt2": dict(base="hf_gpt2", r=3, lora_alpha=5, fan_in_fan_out=True,
                 target_modules=["c_attn", "c_proj", "c_fc"]),
    "qwen3": dict(base="hf_qwen3", r=4, lora_alpha=6, use_rslora=True,
                  target_modules=["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"]),
    "llama": dict(base="hf_llama", r=2, lora_alpha=4, target_modules="all-linear"),
}


def main():
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        settings = dict(settings)
        base = transformers.AutoModelForCausalLM.from_pretrained(
            GOLDEN / settings.pop("base"), dtype=torch.float32, attn_implementation="eager"
        )
        config = peft.LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **settings)
        model = peft.get_peft_model(base, config)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for key, p in model.named_parameters():
                if "lora_" in key:
                    p.normal_(0.0, 0.2, generator=generator)
        directory = GOLDEN / f"lora_{name}"
        model.save_pretrained(directory)
        (directory / "README.md").unlink(missing_ok=True)
        model.double()
        tokens = torch.randint(0, V, (B, T + 1), generator=generator)
        logits = model(tokens[:, :-1], use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        tensors = {"tokens": tokens.to(torch.int32), "logits": logits, "loss": loss}
        for key, p in model.named_parameters():
            if p.grad is not None:
                tensors["grad." + key.replace(".default", "")] = p.grad
        tensors = {
            k: t.detach().to(torch.int32 if k == "tokens" else torch.float32).contiguous()
            for k, t in tensors.items()
        }
        save_file(tensors, directory / "golden.safetensors", metadata=VERSIONS)
        # The path of this machine says nothing.
        config_file = directory / "adapter_config.json"
        text = config_file.read_text().replace(str(GOLDEN), "tests/golden")
        config_file.write_text(text)
        print(f"{directory.name}: loss {loss.item():.6f}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write a GGUF file of GPT-2 124M's shape with random weights, for infer_llama_cpp.py.

  python infer_llama_cpp_model.py --type q8_0|q4_0 --out MODEL.gguf     (needs the package gguf)

The tensors have the types that llama.cpp's own tools give them: the matrices of the blocks Q8_0 or Q4_0, norms,
biases and the position embedding f32, and the token embedding, which is the output matrix as well (GPT-2 ties
the two), Q8_0 in a Q8_0 file and Q6_K in a Q4_0 file (llama_tensor_get_type in llama.cpp's llama-quant.cpp).
"""
import argparse
import os

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

LAYERS, HEADS, CHANNELS, VOCABULARY, CONTEXT = 12, 12, 768, 50257, 1024


def quantize_q6_k(weights):
    """Rows of f32 -> rows of Q6_K blocks; gguf only reads this type.

    A block is 256 weights: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 int8 scales of 16 weights
    each, one f16 scale of the scales (block_q6_K in llama.cpp's ggml-common.h). The scales are the plain
    largest-magnitude ones, not searched for as llama-quantize does: the same bytes to read and to compute with.
    """
    rows, columns = weights.shape
    groups = weights.reshape(-1, 16, 16)  # (blocks, 16 groups, 16 weights)
    scales = np.abs(groups).max(axis=2) / 31  # (blocks, 16)
    super_scale = (scales.max(axis=1) / 127).astype(np.float16)  # (blocks,)
    unit = np.maximum(super_scale.astype(np.float32), 1e-30)
    scales8 = np.clip(np.rint(scales / unit[:, None]), 0, 127).astype(np.int8)
    step = np.maximum(unit[:, None] * scales8, 1e-30)  # (blocks, 16)
    q = np.clip(np.rint(groups / step[:, :, None]), -32, 31).astype(np.int8) + 32
    q = q.astype(np.uint8).reshape(-1, 2, 4, 32)  # (blocks, halves, quarters of a half, 32)
    low, high = q & 15, q >> 4
    ql = np.stack([low[:, :, 0] | low[:, :, 2] << 4, low[:, :, 1] | low[:, :, 3] << 4], axis=2)
    qh = high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6
    blocks = len(q)
    packed = np.concatenate([ql.reshape(blocks, 128), qh.reshape(blocks, 64), scales8.view(np.uint8),
                             super_scale.reshape(blocks, 1).view(np.uint8)], axis=1)  # (blocks, 210)
    packed = packed.reshape(rows, columns // 256 * 210)
    error = np.abs(gguf.quants.dequantize(packed[:1], Type.Q6_K) - weights[:1]).max()
    if error > np.abs(weights[:1]).max() / 20:
        raise SystemExit(f"Q6_K: the weights come back wrong by {error}; gguf's block layout has changed")
    return packed


def quantize(weights, kind):
    return quantize_q6_k(weights) if kind == Type.Q6_K else gguf.quants.quantize(weights, kind)


def add_vocabulary(writer):
    """A byte-level BPE vocabulary that loads: the bytes, 50,000 pairs of them, and the end-of-text token."""
    # GPT-2's printable stand-ins for the bytes.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    pairs = [(a, b) for a in letters for b in letters][:VOCABULARY - 257]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*letters, *(a + b for a, b in pairs), "<|endoftext|>"])
    writer.add_token_types([gguf.TokenType.NORMAL] * (VOCABULARY - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(VOCABULARY - 1)
    writer.add_eos_token_id(VOCABULARY - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--type", choices=("q8_0", "q4_0"), required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    matrix, file_type = {"q8_0": (Type.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
                         "q4_0": (Type.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0)}[options.type]
    embedding = Type.Q8_0 if matrix == Type.Q8_0 else Type.Q6_K
    random = np.random.default_rng(options.seed)
    temporary = options.out + ".part"  # renamed when whole, so that a killed run leaves no half file behind
    writer = gguf.GGUFWriter(temporary, "gpt2")
    writer.add_name("gpt2-124m-random")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(CHANNELS)
    writer.add_feed_forward_length(4 * CHANNELS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_vocabulary(writer)

    def add_weight(name, rows, columns, kind):  # (rows, columns), normal(0, 0.02)
        weights = random.normal(0, 0.02, (rows, columns)).astype(np.float32)
        if kind == Type.F32:
            writer.add_tensor(name, weights)
        else:
            writer.add_tensor(name, quantize(weights, kind), raw_dtype=kind)

    def add_bias(name, size, value=0.0):  # (size,)
        writer.add_tensor(name, np.full(size, value, np.float32))

    def add_norm(name):
        add_bias(name + ".weight", CHANNELS, 1.0)
        add_bias(name + ".bias", CHANNELS)

    add_weight("token_embd.weight", VOCABULARY, CHANNELS, embedding)
    add_weight("position_embd.weight", CONTEXT, CHANNELS, Type.F32)
    for layer in range(LAYERS):
        add_norm(f"blk.{layer}.attn_norm")
        add_norm(f"blk.{layer}.ffn_norm")
        for name, rows, columns in (("attn_qkv", 3 * CHANNELS, CHANNELS), ("attn_output", CHANNELS, CHANNELS),
                                    ("ffn_up", 4 * CHANNELS, CHANNELS), ("ffn_down", CHANNELS, 4 * CHANNELS)):
            add_weight(f"blk.{layer}.{name}.weight", rows, columns, matrix)
            add_bias(f"blk.{layer}.{name}.bias", rows)
    add_norm("output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(temporary, options.out)


if __name__ == "__main__":
    main()

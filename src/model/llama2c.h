// llama2.c's checkpoints (karpathy/llama2.c, "version 0" export).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "model/model.h"

namespace parley::model {

// Reads a checkpoint as a Llama model. Error if the header is impossible, the file's size is
// not exactly what the header asks for, or a weight is not finite.
//
// The file, little-endian: seven int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads,
// vocab_size, seq_len; a negative vocab_size means an output matrix of its own), then f32
// tensors, each for all layers at once: token embedding, rms_att, wq, wk, wv, wo, rms_ffn, w1
// (gate), w2 (down), w3 (up), rms_final, two RoPE tables nobody reads, the output matrix.
// RoPE there turns neighbouring pairs (2i, 2i+1) of a head, here (i, i + HS/2), so the rows of
// wq and wk are put in that order: the scores q·k stay the same.
Model load_llama2c(const std::filesystem::path& path);

// The same from bytes; `where` begins error messages.
Model parse_llama2c(std::span<const std::byte> bytes, const std::string& where);

}  // namespace parley::model

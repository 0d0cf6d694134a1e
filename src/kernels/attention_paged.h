// Attention over a KV cache in blocks ("pages", Kwon et al. 2023, arXiv 2309.06180).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/attention.h"

namespace parley::kernels {

enum class KvFormat {
  kF32,
  kBf16,
  kInt8,  // −127 … 127 with an f32 scale for each position and head
};
std::string_view kv_format_name(KvFormat format);  // "f32", "bf16", "int8"

// Positions of a block: the keys of a tile of the flash kernels.
constexpr int64_t kKvBlock = 64;

// Bytes of one layer's part of a block. For each key/value head: keys (HS, 64), values
// (64, HS), and with int8 the scales of the keys (64) and of the values (64).
size_t kv_block_bytes(KvFormat format, int64_t NKV, int64_t HS);

// One sequence's part of a batch.
struct PagedSequence {
  int64_t begin, count;                // its rows of q and out
  int64_t past;                        // positions before them
  std::span<std::byte* const> blocks;  // one layer's parts; blocks[i] holds positions 64·i …
};

// Writes the keys and values of the sequences' tokens into their blocks.
//   qkv (N, (NH + 2·NKV)·HS): queries, keys, values
void kv_write(std::span<const PagedSequence> sequences, KvFormat format, ConstF32 qkv,
              const AttentionShape& shape);

// out = attention of the tokens of every sequence to the keys and values of its own up to
// each token's position (within the window). A token's result depends on its query and
// the keys and values it sees alone, to the last bit: not on how many tokens of the
// sequence run together, nor on the other sequences, nor on the number of threads.
// Their keys and values are written already. shape.B and shape.T are not used.
//   qkv as above; out (N, NH·HS)
void attention_paged(F32 out, ConstF32 qkv, std::span<const PagedSequence> sequences,
                     KvFormat format, const AttentionShape& shape);

}  // namespace parley::kernels

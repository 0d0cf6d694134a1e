// The layout of a block of the KV cache, inside the kernels.
#pragma once

#include <cstddef>

#include "kernels/attention_paged.h"

namespace parley::kernels::internal {

// One head's part of a block.
struct KvHead {
  void* keys;           // (HS, 64): a decoding query reads 64 keys' elements h as vectors
  void* values;         // (64, HS)
  float* key_scales;    // (64), int8 only
  float* value_scales;  // (64), int8 only
};

inline size_t kv_element_bytes(KvFormat format) {
  return format == KvFormat::kF32 ? 4 : format == KvFormat::kBf16 ? 2 : 1;
}

// A multiple of 64: blocks of 64 positions.
inline size_t kv_head_bytes(KvFormat format, int64_t HS) {
  const auto elements = static_cast<size_t>(HS * kKvBlock);
  const size_t scales = format == KvFormat::kInt8 ? 2 * kKvBlock * sizeof(float) : 0;
  return 2 * elements * kv_element_bytes(format) + scales;
}

inline KvHead kv_head(std::byte* part, KvFormat format, int64_t HS) {
  const size_t bytes = static_cast<size_t>(HS * kKvBlock) * kv_element_bytes(format);
  auto* scales = reinterpret_cast<float*>(part + 2 * bytes);
  return {part, part + bytes, scales, scales + kKvBlock};
}

}  // namespace parley::kernels::internal

#include "kernels/kv_block.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/rounding.h"
#include "kernels/shapes.h"
#include "tensor/dtype.h"

namespace parley::kernels {
namespace {

using internal::nearest;

// q (n) = x / scale, −127 … 127; returns the scale, NaN when x is not finite.
float quantize(const float* x, int64_t n, int8_t* q) {
  float largest = 0, poison = 0;  // NaN when x is not finite
  for (int64_t i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
    poison += x[i] * 0.0f;
  }
  const float ratio = 127.0f / largest;
  // Beyond the range of a reciprocal a vector is as good as zero.
  const bool usable = poison == 0 && largest > 0 && ratio < 3e38f;
  for (int64_t i = 0; i < n; ++i)
    q[i] = usable ? static_cast<int8_t>(nearest(x[i] * ratio)) : int8_t{0};
  return largest / 127.0f + poison;
}

// Keys and values (HS) of one position of a head.
void write_position(const internal::KvHead& head, KvFormat format, int64_t at, const float* key,
                    const float* value, int64_t HS, int8_t* scratch) {
  switch (format) {
    case KvFormat::kF32: {
      auto* keys = static_cast<float*>(head.keys) + at;
      for (int64_t h = 0; h < HS; ++h) keys[h * kKvBlock] = key[h];
      std::copy_n(value, HS, static_cast<float*>(head.values) + at * HS);
      return;
    }
    case KvFormat::kBf16: {
      auto* keys = static_cast<uint16_t*>(head.keys) + at;
      auto* values = static_cast<uint16_t*>(head.values) + at * HS;
      for (int64_t h = 0; h < HS; ++h) {
        keys[h * kKvBlock] = tensor::f32_to_bf16(key[h]);
        values[h] = tensor::f32_to_bf16(value[h]);
      }
      return;
    }
    case KvFormat::kInt8: {
      auto* keys = static_cast<int8_t*>(head.keys) + at;
      head.key_scales[at] = quantize(key, HS, scratch);
      for (int64_t h = 0; h < HS; ++h) keys[h * kKvBlock] = scratch[h];
      head.value_scales[at] = quantize(value, HS, static_cast<int8_t*>(head.values) + at * HS);
      return;
    }
  }
}

}  // namespace

std::string_view kv_format_name(KvFormat format) {
  switch (format) {
    case KvFormat::kF32: return "f32";
    case KvFormat::kBf16: return "bf16";
    case KvFormat::kInt8: return "int8";
  }
  return "";
}

size_t kv_block_bytes(KvFormat format, int64_t NKV, int64_t HS) {
  return static_cast<size_t>(NKV) * internal::kv_head_bytes(format, HS);
}

void kv_write(std::span<const PagedSequence> sequences, KvFormat format, ConstF32 qkv,
              const AttentionShape& s) {
  const int64_t row = cols(qkv), N = rows(qkv);
  PARLEY_CHECK(row == (s.NH + 2 * s.NKV) * s.HS, "kv_write: NH {} NKV {} HS {}; qkv {}", s.NH,
               s.NKV, s.HS, shapes(qkv));
  const size_t head_bytes = internal::kv_head_bytes(format, s.HS);
  const auto write_head = [&](const PagedSequence& sequence, int64_t kv) {
    std::vector<int8_t> scratch(static_cast<size_t>(s.HS));
    for (int64_t i = 0; i < sequence.count; ++i) {
      const int64_t position = sequence.past + i;
      const float* key = qkv.data() + (sequence.begin + i) * row + (s.NH + kv) * s.HS;
      std::byte* part = sequence.blocks[static_cast<size_t>(position / kKvBlock)] +
                        static_cast<size_t>(kv) * head_bytes;
      write_position(internal::kv_head(part, format, s.HS), format, position % kKvBlock, key,
                     key + s.NKV * s.HS, s.HS, scratch.data());
    }
  };
  const auto count = static_cast<int64_t>(sequences.size());
  for (const PagedSequence& sequence : sequences)
    PARLEY_CHECK(sequence.begin + sequence.count <= N &&
                     static_cast<int64_t>(sequence.blocks.size()) * kKvBlock >=
                         sequence.past + sequence.count,
                 "kv_write: rows {}+{} of {}, past {}, {} blocks", sequence.begin, sequence.count,
                 N, sequence.past, sequence.blocks.size());
  const auto write = [&](int64_t i) {
    write_head(sequences[static_cast<size_t>(i / s.NKV)], i % s.NKV);
  };
  // Waking the other threads costs as much as a few tokens.
  if (N * s.NKV * s.HS < 8192)
    for (int64_t i = 0; i < count * s.NKV; ++i) write(i);
  else
    base::parallel_for(count * s.NKV, write);
}

}  // namespace parley::kernels

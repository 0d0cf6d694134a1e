#include "formats/convert.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace parley::formats {
namespace {

using tensor::DType;

constexpr uint32_t kExponent = 0x7F800000;  // all ones: NaN or infinity

// Elements converted at a time: small enough for the L1 cache.
constexpr int64_t kBlock = 2048;

// f16 to f32 without branches, so that the loop over it vectorises.
inline uint32_t f16_bits_to_f32_bits(uint32_t half) {
  const uint32_t sign = (half & 0x8000) << 16, magnitude = half & 0x7FFF;
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = (magnitude << 13) | kExponent;
  // 0.5 has a unit in the last place of 2^-24, f16's smallest step.
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude | 0x3F000000) - 0.5f);
  const uint32_t value = magnitude < 0x0400 ? subnormal : (magnitude >= 0x7C00 ? special : normal);
  return sign | value;
}

bool widen_f16(float* out, const uint16_t* in, int64_t n) {
  uint32_t special = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = f16_bits_to_f32_bits(in[i]);
    special |= (bits & kExponent) == kExponent;
    out[i] = std::bit_cast<float>(bits);
  }
  return special == 0;
}

bool widen_bf16(float* out, const uint16_t* in, int64_t n) {
  uint32_t special = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = uint32_t{in[i]} << 16;
    special |= (bits & kExponent) == kExponent;
    out[i] = std::bit_cast<float>(bits);
  }
  return special == 0;
}

bool all_finite(const float* x, int64_t n) {
  uint32_t special = 0;
  for (int64_t i = 0; i < n; ++i)
    special |= (std::bit_cast<uint32_t>(x[i]) & kExponent) == kExponent;
  return special == 0;
}

bool narrow_bf16(uint16_t* out, const float* in, int64_t n) {
  uint32_t special = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(in[i]);
    const uint32_t rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    special |= (bits & kExponent) == kExponent || (rounded & kExponent) == kExponent;
    out[i] = static_cast<uint16_t>(rounded >> 16);
  }
  return special == 0;
}

bool narrow_f16(uint16_t* out, const float* in, int64_t n) {
  uint32_t special = 0;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = tensor::f32_to_f16(in[i]);
    special |= (out[i] & 0x7C00) == 0x7C00;
  }
  return special == 0;
}

}  // namespace

bool is_convertible(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

bool to_f32(float* out, const std::byte* in, DType dtype, int64_t n) {
  PARLEY_CHECK(is_convertible(dtype), "{} to f32", tensor::dtype_name(dtype));
  if (dtype == DType::kF32) {
    if (n > 0) std::memcpy(out, in, static_cast<size_t>(n) * sizeof(float));
    return all_finite(out, n);
  }
  bool finite = true;
  uint16_t aligned[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = std::min(kBlock, n - i);
    std::memcpy(aligned, in + 2 * i, static_cast<size_t>(count) * sizeof(uint16_t));
    finite &= dtype == DType::kF16 ? widen_f16(out + i, aligned, count)
                                   : widen_bf16(out + i, aligned, count);
  }
  return finite;
}

bool from_f32(std::byte* out, const float* in, DType dtype, int64_t n) {
  PARLEY_CHECK(is_convertible(dtype), "f32 to {}", tensor::dtype_name(dtype));
  if (dtype == DType::kF32) {
    if (n > 0) std::memcpy(out, in, static_cast<size_t>(n) * sizeof(float));
    return all_finite(in, n);
  }
  bool finite = true;
  uint16_t narrow[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = std::min(kBlock, n - i);
    finite &= dtype == DType::kF16 ? narrow_f16(narrow, in + i, count)
                                   : narrow_bf16(narrow, in + i, count);
    std::memcpy(out + 2 * i, narrow, static_cast<size_t>(count) * sizeof(uint16_t));
  }
  return finite;
}

}  // namespace parley::formats

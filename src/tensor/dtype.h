// Element types of stored tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace parley::tensor {

enum class DType { kF32, kF16, kBF16, kF64, kI8, kU8, kI32, kI64, kBool };

// Bytes of one element.
size_t dtype_size(DType dtype);
// "f32", "bf16", …
std::string_view dtype_name(DType dtype);

// bf16 keeps the top half of an f32.
inline float bf16_to_f32(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}
// Rounds to nearest, ties to even; NaN stays NaN.
uint16_t f32_to_bf16(float value);

float f16_to_f32(uint16_t bits);
// Rounds to nearest, ties to even; too large becomes infinity.
uint16_t f32_to_f16(float value);

}  // namespace parley::tensor

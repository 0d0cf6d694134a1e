// f32 to and from the narrower floating-point types of stored tensors, many elements at a
// time, and checked: what is read or written is finite.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace parley::formats {

// Whether `dtype` is f32, f16 or bf16.
bool is_convertible(tensor::DType dtype);

// out[i] = in[i] for i < n; `in` (of dtype) need not be aligned. False if an element is NaN or
// infinite.
bool to_f32(float* out, const std::byte* in, tensor::DType dtype, int64_t n);

// The reverse, rounding to nearest even. False if an element is NaN, infinite or too large
// for dtype.
bool from_f32(std::byte* out, const float* in, tensor::DType dtype, int64_t n);

}  // namespace parley::formats

// The elements of stored tensors.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "formats/convert.h"
#include "formats/safetensors.h"

namespace parley::formats {
namespace {

constexpr int64_t kGrain = 1 << 18;  // elements a thread converts at a time
constexpr int64_t kTile = 64;        // of a transpose: 64 × 64 floats fit the L1 cache

void check_readable(const StoredTensor& t, size_t out_size) {
  if (!is_convertible(t.dtype))
    base::fail("{}: tensor \"{}\" has dtype {}, expected f32, f16 or bf16", t.file, t.name,
               tensor::dtype_name(t.dtype));
  PARLEY_CHECK(std::ssize(t.bytes) / static_cast<int64_t>(tensor::dtype_size(t.dtype)) ==
                   static_cast<int64_t>(out_size),
               "tensor {} {} into {} elements", t.name, shape_string(t.shape), out_size);
}

const std::byte* element(const StoredTensor& t, int64_t i) {
  return t.bytes.data() + i * static_cast<int64_t>(tensor::dtype_size(t.dtype));
}

// Finds the first element that is not finite, for the message.
[[noreturn]] void fail_not_finite(const StoredTensor& t) {
  for (int64_t i = 0; i < t.size(); ++i) {
    float value = 0;
    if (!to_f32(&value, element(t, i), t.dtype, 1))
      base::fail(
          "{}: tensor \"{}\": element {} is {}; the file is damaged or its training diverged",
          t.file, t.name, i, std::isnan(value) ? "NaN" : "infinite");
  }
  PARLEY_CHECK(false, "tensor {} is finite after all", t.name);
}

}  // namespace

void read_f32(const StoredTensor& t, std::span<float> out) {
  check_readable(t, out.size());
  std::atomic<bool> finite{true};
  base::parallel_blocks(std::ssize(out), kGrain, [&](int64_t begin, int64_t end) {
    if (!to_f32(out.data() + begin, element(t, begin), t.dtype, end - begin)) finite = false;
  });
  if (!finite) fail_not_finite(t);
}

void read_f32_transposed(const StoredTensor& t, std::span<float> out) {
  check_readable(t, out.size());
  PARLEY_CHECK(t.shape.size() == 2, "transpose of {}", shape_string(t.shape));
  const int64_t rows = t.shape[0], columns = t.shape[1];
  std::atomic<bool> finite{true};
  base::parallel_blocks(columns, kTile, [&](int64_t c0, int64_t c1) {
    float tile[kTile * kTile];  // (rows of the tile, kTile)
    for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
      const int64_t r1 = std::min(r0 + kTile, rows);
      for (int64_t r = r0; r < r1; ++r)
        if (!to_f32(tile + (r - r0) * kTile, element(t, r * columns + c0), t.dtype, c1 - c0))
          finite = false;
      for (int64_t c = c0; c < c1; ++c)
        for (int64_t r = r0; r < r1; ++r)
          out[static_cast<size_t>(c * rows + r)] = tile[(r - r0) * kTile + (c - c0)];
    }
  });
  if (!finite) fail_not_finite(t);
}

template <typename T>
void read_integers(const StoredTensor& t, std::span<T> out) {
  constexpr tensor::DType kDType = sizeof(T) == 1   ? tensor::DType::kI8
                                   : sizeof(T) == 4 ? tensor::DType::kI32
                                                    : tensor::DType::kI64;
  if (t.dtype != kDType)
    base::fail("{}: tensor \"{}\" has dtype {}, expected {}", t.file, t.name,
               tensor::dtype_name(t.dtype), tensor::dtype_name(kDType));
  PARLEY_CHECK(t.bytes.size() == out.size_bytes(), "tensor {} {} into {} elements", t.name,
               shape_string(t.shape), out.size());
  if (!out.empty()) std::memcpy(out.data(), t.bytes.data(), out.size_bytes());
}

template void read_integers(const StoredTensor&, std::span<int8_t>);
template void read_integers(const StoredTensor&, std::span<int32_t>);
template void read_integers(const StoredTensor&, std::span<int64_t>);

}  // namespace parley::formats

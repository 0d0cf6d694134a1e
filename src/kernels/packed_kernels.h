// What the products with packed weights share: one table of kernels an instruction set.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/packed_matrix.h"

namespace parley::kernels::internal {

// Four-bit products are summed in integers over this many inputs, then scaled.
constexpr int64_t kInt4Chunk = 32;

// x (N, IC) rounded: x ≈ scales · q, rows of K numbers, zero beyond IC.
struct QuantizedRows {
  const int8_t* q8;     // (N, K)
  const int16_t* q16;   // (N, K) the same numbers, where int8 products want them so
  const float* scales;  // (N)
  const int32_t* sums;  // (N, 1 + K / 32): of all of q, then of each chunk
};
inline int64_t sums_size(int64_t K) { return 1 + K / kInt4Chunk; }

enum class Kind { kBf16, kInt8, kInt4 };

struct PackedProduct {
  float* out;         // (N, OC)
  const float* x;     // (N, IC): bf16 products
  QuantizedRows q;    // int8 and int4 products
  const float* bias;  // (OC) or null
  int64_t N;
  const PackedMatrix* weight;
};

struct PackedKernels {
  bool wide;  // int8 products read q16
  // Rounds one row; q16 may be null.
  void (*quantize_row)(const float* x, int64_t IC, int64_t K, int8_t* q8, int16_t* q16,
                       float* scale, int32_t* sums);
  // Outputs of the panels [begin, end).
  void (*bf16)(const PackedProduct& p, int64_t begin, int64_t end);
  void (*int8)(const PackedProduct& p, int64_t begin, int64_t end);
  void (*int4)(const PackedProduct& p, int64_t begin, int64_t end);
  // `rounds` times the int8 kernel's multiply-adds on registers; returns the operations done.
  int64_t (*peak)(int64_t rounds);
};

extern const PackedKernels kPackedGeneric;
#if defined(__x86_64__)
extern const PackedKernels kPackedAvx2;
extern const PackedKernels kPackedAvx512;
extern const PackedKernels kPackedAvx512Vnni;
#endif

}  // namespace parley::kernels::internal

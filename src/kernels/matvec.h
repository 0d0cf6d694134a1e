// Products of a few rows with a weight matrix: decoding, where the time is that of
// reading the weights once.
#pragma once

#include <cstdint>

namespace parley::kernels::internal {

constexpr int64_t kMatvecRows = 8;

// out (N, OC) = x (N, IC) · weightᵀ + bias, or += when accumulate; 1 ≤ N ≤ kMatvecRows,
// weight (OC, IC), bias (OC) or null. Each element is one dot product summed in an order
// that depends on IC alone: a row's result does not depend on the other rows.
void matvec(float* out, const float* x, const float* weight, const float* bias, int64_t N,
            int64_t IC, int64_t OC, bool accumulate);

}  // namespace parley::kernels::internal

// Rotary position embedding (Su et al. 2021, arXiv 2104.09864).
#pragma once

#include "tensor/buffer.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::ConstI32;
using tensor::F32;

// cos and sin of position · base^(−2i/HS), computed in double, for every position
// below `positions`: cos, sin (positions, HS/2).
struct RopeTable {
  tensor::Tensor<float> cos, sin;
  RopeTable() = default;
  RopeTable(int64_t positions, int64_t head_size, double base);
};

// Rotates in place `heads` consecutive heads of each row of x, starting at column
// `column`: pairs (i, i + HS/2), Llama's "half" layout. backward rotates by −angle
// (the transpose of a rotation is its inverse).
//   x (N, W) with W ≥ column + heads·HS; positions (N); head size HS = 2 · table.cos.dim(1)
void rope_forward(F32 x, int64_t column, int64_t heads, ConstI32 positions, const RopeTable& table);
void rope_backward(F32 dx, int64_t column, int64_t heads, ConstI32 positions,
                   const RopeTable& table);

}  // namespace parley::kernels

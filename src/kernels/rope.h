// Rotary position embedding (Su et al. 2021, arXiv 2104.09864) and QK norm.
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

// RMSNorm of each head of size HS (Qwen3's QK norm): out[:, column…] = norm(x[:, column…]).
//   x, out (N, W), may be the same memory in forward; weight (HS); rstd (N, heads)
void head_rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, int64_t column, int64_t heads,
                          ConstF32 weight, float eps);
// dx[:, column…] = …, overwriting; dx may be dout. dweight (HS) (+)= ….
void head_rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, int64_t column,
                           int64_t heads, ConstF32 weight, ConstF32 rstd, bool accumulate_dw);

}  // namespace parley::kernels

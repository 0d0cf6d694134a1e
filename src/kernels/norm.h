// LayerNorm (Ba et al. 2016) and RMSNorm (Zhang & Sennrich 2019) over the last dimension.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::F32;

// out = (x − mean) · rstd · weight + bias per row; mean and rstd are kept for backward.
//   x, out (N, C); weight, bias (C), bias may be empty; mean, rstd (N)
void layernorm_forward(F32 out, F32 mean, F32 rstd, ConstF32 x, ConstF32 weight, ConstF32 bias,
                       float eps);
// dx (+)= …, dweight (+)= …, dbias (+)= …; accumulate_dx and accumulate_dw choose "+=".
// dx may be the same memory as dout when accumulate_dx is false.
void layernorm_backward(F32 dx, F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, ConstF32 weight,
                        ConstF32 mean, ConstF32 rstd, bool accumulate_dx, bool accumulate_dw);

// out = x · rstd · weight per row, rstd = 1/sqrt(mean(x²) + eps).
//   x, out (N, C); weight (C); rstd (N)
void rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, ConstF32 weight, float eps);
void rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, ConstF32 weight,
                      ConstF32 rstd, bool accumulate_dx, bool accumulate_dw);

// RMSNorm of each head of size HS (Qwen3's QK norm): out[:, column…] = norm(x[:, column…])
// for `heads` consecutive heads from `column` on; other columns are not touched.
//   x, out (N, W), may be the same memory in forward; weight (HS); rstd (N, heads)
void head_rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, int64_t column, int64_t heads,
                          ConstF32 weight, float eps);
// dx[:, column…] = …, overwriting; dx may be dout. dweight (HS) (+)= ….
void head_rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, int64_t column,
                           int64_t heads, ConstF32 weight, ConstF32 rstd, bool accumulate_dw);

}  // namespace parley::kernels

// Matrix products of linear layers, through oneDNN's sgemm (f32).
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::F32;

// out = x · weightᵀ + bias, or out += … when accumulate.
//   x (N, IC), weight (OC, IC), bias (OC) or empty, out (N, OC)
void matmul_forward(F32 out, ConstF32 x, ConstF32 weight, ConstF32 bias, bool accumulate = false);

// dx = dout · weight, or dx += … when accumulate.
//   dout (N, OC), weight (OC, IC), dx (N, IC)
void matmul_backward_input(F32 dx, ConstF32 dout, ConstF32 weight, bool accumulate = false);

// dweight = doutᵀ · x (and dbias = the column sums of dout when dbias is not
// empty), or += … when accumulate.
//   dout (N, OC), x (N, IC), dweight (OC, IC), dbias (OC) or empty
void matmul_backward_weight(F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, bool accumulate);

}  // namespace parley::kernels

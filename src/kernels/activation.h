// Element-wise activations of the feed-forward layer, and sums of the residual stream.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::F32;

enum class Activation {
  kGeluTanh,  // GPT-1, GPT-2, GPT-3 (Hendrycks & Gimpel 2016, tanh form)
  kGeluErf,   // the exact form
  kRelu,
  kRelu2,  // max(0, x)² (So et al. 2021, "Primer")
  kSilu,   // x · sigmoid(x)
};

// out = act(x); x, out (N, F). out may be x.
void activation_forward(F32 out, ConstF32 x, Activation act);
// dx = dout · act'(x); all (N, F). dx may be dout.
void activation_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act);

// Gated linear unit (Shazeer 2020; SwiGLU when act is SiLU): out = act(gate) · up.
//   x (N, 2F): columns [0, F) are gate, [F, 2F) are up; out (N, F)
void gated_forward(F32 out, ConstF32 x, Activation act);
// dx (N, 2F) from dout (N, F). dx may be x (the backward may overwrite it).
void gated_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act);

// out = a + b, element by element, any equal shapes; out may be a or b.
void add_forward(F32 out, ConstF32 a, ConstF32 b);
// x *= factor.
void scale_inplace(F32 x, float factor);
// Sum of squares in double, the same for any number of threads (gradient norm).
double sum_of_squares(ConstF32 x);
// True when every element is finite.
bool all_finite(ConstF32 x);

}  // namespace parley::kernels

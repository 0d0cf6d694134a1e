// Token and position embeddings.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::ConstI32;
using tensor::F32;

// out[n] = wte[tokens[n]] + wpe[positions[n]] (wpe may be empty: no learned positions).
//   tokens, positions (N); wte (V, C); wpe (P, C) or empty; out (N, C)
void embedding_forward(F32 out, ConstI32 tokens, ConstI32 positions, ConstF32 wte, ConstF32 wpe);
// dwte[tokens[n]] += dout[n], dwpe[positions[n]] += dout[n]: always added, in the
// order of n for each row, so the result does not depend on threads.
void embedding_backward(F32 dwte, F32 dwpe, ConstF32 dout, ConstI32 tokens, ConstI32 positions);

}  // namespace parley::kernels

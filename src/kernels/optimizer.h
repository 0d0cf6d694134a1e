// Optimiser updates of one tensor. The gradient is read, never written.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::F32;

// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101): decoupled decay, bias
// correction. Doubles, because 1 − beta2 in float is off in the fifth digit.
struct AdamWStep {
  double lr, beta1, beta2, eps, weight_decay;
  double grad_scale;  // multiplies the gradient first (clipping, accumulation)
  int64_t step;       // from 1
};
// All (n). The order of operations is PyTorch's (torch.optim.AdamW).
void adamw_update(F32 param, F32 m, F32 v, ConstF32 grad, const AdamWStep& step);

// Muon (Jordan et al. 2024): momentum, then the nearest semi-orthogonal matrix by
// five quintic Newton–Schulz iterations, coefficients (3.4445, −4.7750, 2.0315).
struct MuonStep {
  double lr, momentum, weight_decay;
  double grad_scale;
  bool nesterov;
};
// Floats of scratch muon_update needs for a (R, C) matrix.
int64_t muon_scratch_size(int64_t rows, int64_t cols);
// param, momentum, grad (R, C); scratch (muon_scratch_size(R, C)).
//   momentum += (1 − μ) · (grad − momentum); update = momentum (or, with nesterov,
//   grad + μ · (momentum − grad)), orthogonalised, · sqrt(max(1, R/C));
//   param −= lr · (update + weight_decay · param).
void muon_update(F32 param, F32 momentum, ConstF32 grad, F32 scratch, const MuonStep& step);

}  // namespace parley::kernels

// Softmax cross-entropy, fused and in place: there is never a second copy of the logits.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::ConstI32;
using tensor::F32;

// losses[n] = log(sum exp(logits[n])) − logits[n, targets[n]], in nats; 0 where
// target < 0 (ignored: padding, a prompt's tokens).
//   logits (N, V), targets (N), losses (N)
void cross_entropy_forward(F32 losses, ConstF32 logits, ConstI32 targets);

// The same, and logits becomes dlogits = (softmax − onehot) · dloss[n] in the same pass
// (zero rows where ignored).
//   dlosses (N): the gradient of the total loss with respect to losses[n]
void cross_entropy_forward_backward(F32 losses, F32 logits, ConstI32 targets, ConstF32 dlosses);

// entropies[n] = −Σ p log p of softmax(logits[n]), in nats.
//   logits (N, V), entropies (N)
void entropy_forward(F32 entropies, ConstF32 logits);

// In place: logits → log-probabilities, logits (N, V).
void log_softmax_inplace(F32 logits);

}  // namespace parley::kernels

// The output layer and its loss, chunk by chunk: the logits of a whole batch never
// exist at once, and each chunk's logits become their own gradient in place.
#pragma once

#include "model/weights.h"

namespace parley::model {

using tensor::ConstI32;

// Rows of logits computed at a time for a vocabulary of V.
int64_t loss_chunk_rows(int64_t V, int64_t N);

// losses[n] = −log p(targets[n]) in nats, 0 where the target is negative.
//   hidden (N, C) after the final norm; lm_head (V, C); targets, losses (N);
//   logits: scratch (loss_chunk_rows, V)
void head_loss_forward(F32 losses, ConstF32 hidden, ConstF32 lm_head, ConstI32 targets, F32 logits);

// The same with gradients: dhidden (N, C) is written; dlm_head (V, C) is written, or
// added to when accumulate.
//   dlosses (N): the gradient of the total loss with respect to losses[n]
void head_loss_backward(F32 losses, F32 dhidden, F32 dlm_head, ConstF32 hidden, ConstF32 lm_head,
                        ConstI32 targets, ConstF32 dlosses, F32 logits, bool accumulate);

}  // namespace parley::model

// Forward and backward of the whole model on a batch, with every activation's
// memory planned before the first step.
#pragma once

#include <memory>
#include <vector>

#include "kernels/attention.h"
#include "model/block.h"

namespace parley::model {

class LoraWeights;  // model/lora.h
struct LoraScratch;

// (B, T) each. targets < 0 are ignored; first_key keeps packed documents apart and
// may be empty; positions restart with each document.
struct Batch {
  ConstI32 tokens, targets, positions, first_key;
};

struct TrainOptions {
  int64_t B = 1, T = 1;
  // Keep only each block's input and run the block again in the backward pass:
  // about a third more FLOPs, one block's activations instead of L.
  bool recompute = false;
};

class TrainState {
 public:
  // Error when T is beyond the model's context.
  TrainState(const ModelConfig& config, const TrainOptions& options);
  ~TrainState();
  TrainState(TrainState&&) noexcept;
  TrainState& operator=(TrainState&&) noexcept;

  // Mean loss in nats per counted target. The gradients of loss · loss_scale are
  // written to `grads` (every element), or added when accumulate.
  double forward_backward(const Weights& weights, Weights& grads, const Batch& batch,
                          bool accumulate, float loss_scale = 1.0f);

  struct LossSum {
    double sum;     // nats
    int64_t count;  // counted targets
  };
  LossSum forward_loss(const Weights& weights, const Batch& batch);

  // The parts of the two above, for other losses. forward() gives the hidden states
  // after the final norm, (N, C), valid until the next call; backward() takes their
  // gradient (overwritten) and must follow the forward() of the same batch.
  // With `lora` the linear layers are adapted by it.
  F32 forward(const Weights& weights, const Batch& batch, const LoraWeights* lora = nullptr);
  void backward(F32 dhidden, const Weights& weights, Weights& grads, const Batch& batch,
                bool accumulate);
  // The same for forward() with `lora`: the weights are frozen, and only the adapters' gradients
  // are computed, written to `grads` (every element) or added when accumulate. Of the size of
  // weights nothing is allocated.
  void backward_lora(F32 dhidden, const Weights& weights, const LoraWeights& lora,
                     LoraWeights& grads, const Batch& batch, bool accumulate);
  // losses[n], (N), of the last forward_backward or forward_loss.
  ConstF32 losses() const { return losses_; }

  // Bytes of activations and scratch, computed from the shapes alone.
  size_t planned_bytes() const { return arena_.bytes(); }

 private:
  void run_block(int64_t l, const Weights& weights, const Batch& batch, const LoraWeights* lora);
  AttendBackward attend_backward(int64_t l, const Batch& batch);
  void prepare_lora(const LoraWeights& lora);
  kernels::AttentionShape attention_shape(int64_t l) const;

  ModelConfig config_;
  TrainOptions options_;
  int64_t N_;  // B · T
  tensor::Arena arena_;
  std::vector<F32> x_;                    // L + 1 of (N, C): each block's input, the last output
  std::vector<BlockActivations> blocks_;  // L, which share memory under recompute
  BlockScratch scratch_;
  F32 norm_f_mean_, norm_f_rstd_;  // (N)
  F32 hidden_;                     // (N, C) after the final norm
  F32 dx_;                         // (N, C)
  F32 losses_, dlosses_;           // (N)
  F32 logits_;                     // (chunk, V)
  kernels::RopeTable rope_;
  std::unique_ptr<LoraScratch> lora_scratch_;  // made when first needed
};

}  // namespace parley::model

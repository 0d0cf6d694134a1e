#include "model/train_step.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/embedding.h"
#include "model/lora.h"
#include "model/loss_head.h"

namespace parley::model {
namespace {

using tensor::Arena;

size_t activation_bytes(const ModelConfig& c, const TrainOptions& options, int64_t N) {
  const auto floats = [](int64_t n) { return Arena::bytes_for<float>(n); };
  const auto blocks = static_cast<size_t>(options.recompute ? 1 : c.L);
  size_t bytes = static_cast<size_t>(c.L + 1) * floats(N * c.C);  // x
  bytes += blocks * block_activation_bytes(c, N) + block_scratch_bytes(c, N);
  bytes += 2 * floats(N * c.C) + 4 * floats(N);  // hidden, dx; norm_f, losses, dlosses
  return bytes + floats(loss_chunk_rows(c.V, N) * c.V);
}

}  // namespace

TrainState::TrainState(const ModelConfig& config, const TrainOptions& options)
    : config_(config), options_(options), N_(options.B * options.T) {
  const ModelConfig& c = config_;
  if (options.B < 1 || options.T < 1 || options.T > c.T)
    base::fail(
        "batch of {} sequences of {} tokens: expected at least one, of 1 to {} tokens "
        "(the model's context)",
        options.B, options.T, c.T);
  arena_ = Arena(activation_bytes(c, options, N_));
  for (int64_t l = 0; l <= c.L; ++l) x_.push_back(arena_.take<float>(Shape{N_, c.C}));

  Arena* arena = &arena_;
  const auto take_block = [&](int64_t l) {
    return take_block_activations(*arena, c, N_, x_[static_cast<size_t>(l)],
                                  x_[static_cast<size_t>(l + 1)]);
  };
  blocks_.push_back(take_block(0));
  for (int64_t l = 1; l < c.L; ++l) {
    if (options.recompute) {
      // The same buffers, but this block's own input and output.
      BlockActivations shared = blocks_[0];
      if (c.norm_place == NormPlace::kPre)
        shared.res2 = x_[static_cast<size_t>(l + 1)];
      else
        shared.att_in = x_[static_cast<size_t>(l)];
      blocks_.push_back(shared);
    } else {
      blocks_.push_back(take_block(l));
    }
  }
  scratch_ = take_block_scratch(arena_, c, N_);
  norm_f_mean_ = arena_.take<float>(Shape{N_});
  norm_f_rstd_ = arena_.take<float>(Shape{N_});
  hidden_ = arena_.take<float>(Shape{N_, c.C});
  dx_ = arena_.take<float>(Shape{N_, c.C});
  losses_ = arena_.take<float>(Shape{N_});
  dlosses_ = arena_.take<float>(Shape{N_});
  logits_ = arena_.take<float>(Shape{loss_chunk_rows(c.V, N_), c.V});
  PARLEY_CHECK(arena_.used() == arena_.bytes(), "planned {} bytes, took {}", arena_.bytes(),
               arena_.used());
  if (c.positions == PositionKind::kRope) rope_ = kernels::RopeTable(c.T, c.HS, c.rope_base);
}

TrainState::~TrainState() = default;
TrainState::TrainState(TrainState&&) noexcept = default;
TrainState& TrainState::operator=(TrainState&&) noexcept = default;

kernels::AttentionShape TrainState::attention_shape(int64_t l) const {
  return {.B = options_.B,
          .T = options_.T,
          .NH = config_.NH,
          .NKV = config_.NKV,
          .HS = config_.HS,
          .scale = 1.0f / std::sqrt(static_cast<float>(config_.HS)),
          .window = config_.layer_window(l)};
}

void TrainState::run_block(int64_t l, const Weights& weights, const Batch& batch,
                           const LoraWeights* lora) {
  const auto i = static_cast<size_t>(l);
  const auto attend = [&](F32 att, F32 qkv) {
    kernels::attention_forward(att.reshape(Shape{options_.B, options_.T, config_.NH * config_.HS}),
                               blocks_[i].lse.reshape(Shape{options_.B, config_.NH, options_.T}),
                               qkv.reshape(Shape{options_.B, options_.T, config_.qkv_width()}),
                               batch.first_key, attention_shape(l));
  };
  const LayerWeights& w = weights.layers[i];
  block_forward(
      x_[i + 1], x_[i], w, config_, blocks_[i], batch.positions.reshape(Shape{N_}), rope_,
      {lora ? lora_projections(w, *lora, l, *lora_scratch_) : f32_projections(w), attend});
}

F32 TrainState::forward(const Weights& weights, const Batch& batch, const LoraWeights* lora) {
  PARLEY_CHECK((batch.tokens.shape() == Shape{options_.B, options_.T}),
               "tokens {}, expected ({}, {})", batch.tokens.shape().str(), options_.B, options_.T);
  PARLEY_CHECK(batch.positions.shape() == batch.tokens.shape(), "positions {}",
               batch.positions.shape().str());
  if (lora) prepare_lora(*lora);
  kernels::embedding_forward(x_[0], batch.tokens.reshape(Shape{N_}),
                             batch.positions.reshape(Shape{N_}), weights.wte, weights.wpe);
  for (int64_t l = 0; l < config_.L; ++l) run_block(l, weights, batch, lora);
  if (!config_.has_final_norm()) return x_.back();
  norm_forward(hidden_, norm_f_mean_, norm_f_rstd_, x_.back(), weights.norm_f_w, weights.norm_f_b,
               config_);
  return hidden_;
}

AttendBackward TrainState::attend_backward(int64_t l, const Batch& batch) {
  return [this, l, &batch](F32 dqkv, ConstF32 datt) {
    const Shape att{options_.B, options_.T, config_.NH * config_.HS};
    const Shape qkv{options_.B, options_.T, config_.qkv_width()};
    const BlockActivations& a = blocks_[static_cast<size_t>(l)];
    kernels::attention_backward(dqkv.reshape(qkv), datt.reshape(att), a.qkv.reshape(qkv),
                                a.att.reshape(att),
                                a.lse.reshape(Shape{options_.B, config_.NH, options_.T}),
                                batch.first_key, attention_shape(l));
  };
}

void TrainState::backward(F32 dhidden, const Weights& weights, Weights& grads, const Batch& batch,
                          bool accumulate) {
  F32 dx = dhidden;
  if (config_.has_final_norm())
    norm_backward(dx, grads.norm_f_w, grads.norm_f_b, dhidden, x_.back(), weights.norm_f_w,
                  norm_f_mean_, norm_f_rstd_, config_, false, accumulate);
  for (int64_t l = config_.L - 1; l >= 0; --l) {
    const auto i = static_cast<size_t>(l);
    // The last block's activations are still there after forward().
    if (options_.recompute && l < config_.L - 1) run_block(l, weights, batch, nullptr);
    block_backward(dx, grads.layers[i], x_[i], weights.layers[i], config_, blocks_[i], scratch_,
                   batch.positions.reshape(Shape{N_}), rope_, attend_backward(l, batch),
                   f32_projections_backward(grads.layers[i], weights.layers[i], accumulate),
                   accumulate);
  }
  // The embedding's gradient is always added: to the output layer's when tied, to
  // zero otherwise.
  if (!accumulate) {
    if (!config_.tied_embeddings) std::ranges::fill(grads.wte, 0.0f);
    std::ranges::fill(grads.wpe, 0.0f);
  }
  kernels::embedding_backward(grads.wte, grads.wpe, dx, batch.tokens.reshape(Shape{N_}),
                              batch.positions.reshape(Shape{N_}));
}

void TrainState::prepare_lora(const LoraWeights& lora) {
  if (!lora_scratch_ || !lora_scratch_->fits(lora))
    lora_scratch_ = std::make_unique<LoraScratch>(config_, lora, N_);
}

void TrainState::backward_lora(F32 dhidden, const Weights& weights, const LoraWeights& lora,
                               LoraWeights& grads, const Batch& batch, bool accumulate) {
  PARLEY_CHECK(lora_scratch_ != nullptr, "backward_lora without forward");
  F32 dx = dhidden;
  // Norms are frozen: their gradients go where nobody looks.
  const LoraScratch& nowhere = *lora_scratch_;
  if (config_.has_final_norm())
    norm_backward(dx, nowhere.dnorm_w, weights.norm_f_b ? F32(nowhere.dnorm_b) : F32(), dhidden,
                  x_.back(), weights.norm_f_w, norm_f_mean_, norm_f_rstd_, config_, false, false);
  for (int64_t l = config_.L - 1; l >= 0; --l) {
    const auto i = static_cast<size_t>(l);
    const LayerWeights& w = weights.layers[i];
    if (options_.recompute && l < config_.L - 1) run_block(l, weights, batch, &lora);
    block_backward(dx, nowhere.frozen_grads(w), x_[i], w, config_, blocks_[i], scratch_,
                   batch.positions.reshape(Shape{N_}), rope_, attend_backward(l, batch),
                   lora_projections_backward(grads, w, lora, l, *lora_scratch_, accumulate), false);
  }
}

double TrainState::forward_backward(const Weights& weights, Weights& grads, const Batch& batch,
                                    bool accumulate, float loss_scale) {
  const ConstF32 hidden = forward(weights, batch);
  const ConstI32 targets = batch.targets.reshape(Shape{N_});
  const auto count = std::ranges::count_if(targets, [](int32_t t) { return t >= 0; });
  const float dloss = count > 0 ? loss_scale / static_cast<float>(count) : 0.0f;
  std::ranges::fill(dlosses_, dloss);
  head_loss_backward(losses_, dx_, grads.lm_head, hidden, weights.lm_head, targets, dlosses_,
                     logits_, accumulate);
  backward(dx_, weights, grads, batch, accumulate);
  double sum = 0;
  for (const float loss : losses_) sum += static_cast<double>(loss);
  return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

TrainState::LossSum TrainState::forward_loss(const Weights& weights, const Batch& batch) {
  const ConstF32 hidden = forward(weights, batch);
  const ConstI32 targets = batch.targets.reshape(Shape{N_});
  head_loss_forward(losses_, hidden, weights.lm_head, targets, logits_);
  LossSum total{0, 0};
  for (int64_t n = 0; n < N_; ++n) {
    if (targets[n] < 0) continue;
    total.sum += static_cast<double>(losses_[n]);
    ++total.count;
  }
  return total;
}

}  // namespace parley::model

#include "model/token_head.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "kernels/cross_entropy.h"
#include "kernels/matmul.h"
#include "model/loss_head.h"

namespace parley::model {

// Some of the rows with a target, side by side.
struct TokenHead::Chunk {
  std::span<const int64_t> rows;
  F32 hidden, logits;  // (rows, C) divided by the temperature, (rows, V)
  ConstI32 targets;    // (rows)
  F32 losses;          // (rows) −log p of the targets
};

TokenHead::TokenHead(const ModelConfig& config, int64_t N) {
  const int64_t R = loss_chunk_rows(config.V, N);
  hidden_ = tensor::Tensor<float>(Shape{R, config.C});
  dhidden_ = tensor::Tensor<float>(Shape{R, config.C});
  logits_ = tensor::Tensor<float>(Shape{R, config.V});
  targets_ = tensor::Tensor<int32_t>(Shape{R});
  losses_ = tensor::Tensor<float>(Shape{R});
  dlosses_ = tensor::Tensor<float>(Shape{R});
}

template <typename Fn>
void TokenHead::for_chunks(ConstF32 hidden, ConstF32 lm_head, ConstI32 targets, float temperature,
                           Fn&& fn) {
  PARLEY_CHECK(hidden.dim(0) == targets.size() && hidden.dim(1) == hidden_.dim(1) &&
                   lm_head.dim(0) == logits_.dim(1),
               "hidden {}, lm_head {}, targets {}", hidden.shape().str(), lm_head.shape().str(),
               targets.shape().str());
  rows_.clear();
  for (int64_t n = 0; n < targets.size(); ++n)
    if (targets[n] >= 0) rows_.push_back(n);
  const int64_t R = logits_.dim(0), C = hidden_.dim(1);
  for (int64_t first = 0; first < std::ssize(rows_); first += R) {
    const int64_t count = std::min(R, std::ssize(rows_) - first);
    const Chunk chunk{
        std::span(rows_).subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
        hidden_.rows(0, count), logits_.rows(0, count), targets_.rows(0, count),
        losses_.rows(0, count)};
    for (int64_t i = 0; i < count; ++i) {
      const int64_t n = chunk.rows[static_cast<size_t>(i)];
      targets_[i] = targets[n];
      const float* row = hidden.data() + n * C;  // (C)
      for (int64_t c = 0; c < C; ++c) chunk.hidden[i * C + c] = row[c] / temperature;
    }
    kernels::matmul_forward(chunk.logits, chunk.hidden, lm_head, {});
    kernels::cross_entropy_forward(chunk.losses, chunk.logits, chunk.targets);
    fn(chunk, first > 0);
  }
}

void TokenHead::forward(F32 logprobs, F32 entropies, ConstF32 hidden, ConstF32 lm_head,
                        ConstI32 targets, float temperature) {
  std::ranges::fill(logprobs, 0.0f);
  std::ranges::fill(entropies, 0.0f);
  for_chunks(hidden, lm_head, targets, temperature, [&](const Chunk& chunk, bool) {
    const F32 entropy = dlosses_.rows(0, std::ssize(chunk.rows));  // (rows) as scratch
    if (entropies) kernels::entropy_forward(entropy, chunk.logits);
    for (size_t i = 0; i < chunk.rows.size(); ++i) {
      logprobs[chunk.rows[i]] = -chunk.losses[static_cast<int64_t>(i)];
      if (entropies) entropies[chunk.rows[i]] = entropy[static_cast<int64_t>(i)];
    }
  });
}

void TokenHead::backward(F32 logprobs, F32 entropies, F32 dhidden, F32 dlm_head, ConstF32 hidden,
                         ConstF32 lm_head, ConstI32 targets, const Gradient& gradient,
                         bool accumulate, float temperature) {
  const int64_t C = hidden_.dim(1);
  std::ranges::fill(logprobs, 0.0f);
  std::ranges::fill(entropies, 0.0f);
  std::ranges::fill(dhidden, 0.0f);
  for_chunks(hidden, lm_head, targets, temperature, [&](const Chunk& chunk, bool later) {
    const int64_t count = std::ssize(chunk.rows);
    const F32 dlosses = dlosses_.rows(0, count);  // (rows)
    if (entropies) {
      kernels::entropy_forward(dlosses, chunk.logits);
      for (int64_t i = 0; i < count; ++i)
        entropies[chunk.rows[static_cast<size_t>(i)]] = dlosses[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t n = chunk.rows[static_cast<size_t>(i)];
      logprobs[n] = -chunk.losses[i];
      dlosses[i] = -gradient(n, logprobs[n]);
    }
    // The logits become their own gradient.
    kernels::cross_entropy_forward_backward(chunk.losses, chunk.logits, chunk.targets, dlosses);
    const F32 dchunk = dhidden_.rows(0, count);  // (rows, C)
    kernels::matmul_backward_input(dchunk, chunk.logits, lm_head);
    if (dlm_head)
      kernels::matmul_backward_weight(dlm_head, {}, chunk.logits, chunk.hidden,
                                      accumulate || later);
    for (int64_t i = 0; i < count; ++i) {
      float* row = dhidden.data() + chunk.rows[static_cast<size_t>(i)] * C;  // (C)
      for (int64_t c = 0; c < C; ++c) row[c] = dchunk[i * C + c] / temperature;
    }
  });
  if (dlm_head && rows_.empty() && !accumulate) std::ranges::fill(dlm_head, 0.0f);
}

}  // namespace parley::model

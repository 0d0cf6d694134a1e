#include "model/forward.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/activation.h"
#include "kernels/embedding.h"

namespace parley::model {
namespace {

// x (N, C) = the tokens' embeddings, with learned positions where there are any.
void embed(F32 x, ConstI32 tokens, ConstI32 positions, const InferWeights& weights) {
  if (weights.wte.packed.empty())
    return kernels::embedding_forward(x, tokens, positions, weights.wte.weight, weights.wpe);
  for (int64_t n = 0; n < tokens.size(); ++n) {
    const F32 row = x.row(n);
    weights.wte.packed.row(tokens[n], row.data());
    if (weights.wpe) kernels::add_forward(row, row, weights.wpe.row(positions[n]));
  }
}

const Linear& linear(const InferLayer& layer, Projection which) {
  switch (which) {
    case Projection::kQkv: return layer.qkv;
    case Projection::kAtt: return layer.att;
    case Projection::kFc: return layer.fc;
    default: return layer.proj;
  }
}

}  // namespace

InferState::InferState(const ModelConfig& config) : config_(config) {
  if (config.positions == PositionKind::kRope)
    rope_ = kernels::RopeTable(config.T, config.HS, config.rope_base);
}

void InferState::reserve(int64_t N, int64_t R) {
  if (N > max_tokens_) {
    max_tokens_ = N;
    for (auto& x : x_) x = tensor::Tensor<float>(Shape{N, config_.C});
    positions_ = tensor::Tensor<int32_t>(Shape{N});
  }
  reserve_rows(R);
  if (R > max_logits_) {
    max_logits_ = R;
    logits_ = tensor::Tensor<float>(Shape{R, config_.V});
  }
  const size_t bytes = block_activation_bytes(config_, N);
  if (bytes > arena_.bytes())
    arena_ = tensor::Arena(bytes);
  else
    arena_.reset();
}

void InferState::reserve_rows(int64_t R) {
  if (R <= max_rows_) return;
  max_rows_ = R;
  rows_ = tensor::Tensor<float>(Shape{R, config_.C});
  hidden_ = tensor::Tensor<float>(Shape{R, config_.C});
  mean_ = tensor::Tensor<float>(Shape{R});
  rstd_ = tensor::Tensor<float>(Shape{R});
}

ConstF32 InferState::final_norm(const InferWeights& weights, ConstF32 rows) {
  if (!config_.has_final_norm()) return rows;
  const int64_t R = rows.dim(0);
  const F32 hidden = hidden_.rows(0, R);  // (R, C)
  norm_forward(hidden, mean_.rows(0, R), rstd_.rows(0, R), rows, weights.norm_f_w, weights.norm_f_b,
               config_);
  return hidden;
}

ConstF32 InferState::hidden(const InferWeights& weights, int64_t begin, int64_t count) {
  PARLEY_CHECK(last_ && begin >= 0 && count > 0 && begin + count <= last_.dim(0),
               "hidden states of tokens {}+{}", begin, count);
  reserve_rows(count);
  return final_norm(weights, last_.rows(begin, begin + count));
}

ConstF32 InferState::forward(const InferWeights& weights, std::span<const int32_t> tokens,
                             std::span<const Span> spans, std::span<const int64_t> logit_rows,
                             const KvPool& kv) {
  const ModelConfig& c = config_;
  const auto N = static_cast<int64_t>(tokens.size());
  const auto R = static_cast<int64_t>(logit_rows.size());
  PARLEY_CHECK(N > 0, "no tokens");
  reserve(N, R);

  // 1. Positions and embeddings.
  const tensor::I32 positions = positions_.rows(0, N);
  for (const Span& span : spans) {
    PARLEY_CHECK(span.begin >= 0 && span.count > 0 && span.begin + span.count <= N &&
                     span.past >= 0 && span.past + span.count <= c.T,
                 "span {}+{} after {} of {} tokens, context {}", span.begin, span.count, span.past,
                 N, c.T);
    for (int64_t i = 0; i < span.count; ++i)
      positions[span.begin + i] = static_cast<int32_t>(span.past + i);
  }
  F32 x = x_[0].rows(0, N), out = x_[1].rows(0, N);  // (N, C)
  embed(x, ConstI32(tokens.data(), Shape{N}), positions, weights);

  // 2. The blocks. Keys and values go to the cache, then each sequence attends to its own.
  for (int64_t l = 0; l < c.L; ++l) {
    const InferLayer& layer = weights.layers[static_cast<size_t>(l)];
    const std::span<const kernels::PagedSequence> sequences = layer_sequences(spans, kv, l);
    const kernels::AttentionShape shape = {.B = 1,
                                           .T = N,
                                           .NH = c.NH,
                                           .NKV = c.NKV,
                                           .HS = c.HS,
                                           .scale = 1.0f / std::sqrt(static_cast<float>(c.HS)),
                                           .window = c.layer_window(l)};
    arena_.reset();
    const BlockActivations acts = take_block_activations(arena_, c, N, x, out);
    block_forward(
        out, x, layer.vectors, c, acts, positions, rope_,
        {.project = [&](F32 to, ConstF32 from,
                        Projection which) { linear_forward(to, from, linear(layer, which)); },
         .attend =
             [&](F32 att, F32 qkv) {
               kernels::kv_write(sequences, kv.format(), qkv, shape);
               kernels::attention_paged(att, qkv, sequences, kv.format(), shape);
             }});
    std::swap(x, out);
  }

  // 3. Logits, only where they are wanted.
  last_ = x;
  if (R == 0) return {};
  const F32 rows = rows_.rows(0, R);  // (R, C)
  for (int64_t r = 0; r < R; ++r) {
    const int64_t n = logit_rows[static_cast<size_t>(r)];
    PARLEY_CHECK(n >= 0 && n < N, "logits of token {} of {}", n, N);
    std::copy_n(x.row(n).data(), c.C, rows.row(r).data());
  }
  const F32 logits = logits_.rows(0, R);  // (R, V)
  linear_forward(logits, final_norm(weights, rows), weights.head());
  return logits;
}

std::span<const kernels::PagedSequence> InferState::layer_sequences(std::span<const Span> spans,
                                                                    const KvPool& kv, int64_t l) {
  sequences_.clear();
  parts_.clear();
  for (const Span& span : spans)
    for (const int32_t block : span.blocks) parts_.push_back(kv.layer(block, l));
  size_t first = 0;
  for (const Span& span : spans) {
    sequences_.push_back(
        {span.begin, span.count, span.past, std::span(parts_).subspan(first, span.blocks.size())});
    first += span.blocks.size();
  }
  return sequences_;
}

}  // namespace parley::model

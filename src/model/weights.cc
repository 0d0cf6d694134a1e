#include "model/weights.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"

namespace parley::model {
namespace {

constexpr int64_t kAlignFloats = 16;  // 64 bytes: a cache line, an AVX-512 vector

// First pass: names, shapes and offsets, in the order of memory.
std::vector<ParamInfo> layout(const ModelConfig& c, int64_t& total) {
  std::vector<ParamInfo> params;
  total = 0;
  const auto add = [&](std::string name, Shape shape, ParamKind kind) {
    params.push_back({std::move(name), shape, total, kind});
    total += (shape.size() + kAlignFloats - 1) / kAlignFloats * kAlignFloats;
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + "_w", {c.C}, ParamKind::kVector);
    if (c.norm == NormKind::kLayerNorm) add(name + "_b", {c.C}, ParamKind::kVector);
  };
  const auto add_linear = [&](const std::string& name, int64_t out, int64_t in, bool bias) {
    add(name + "_w", {out, in}, ParamKind::kMatrix);
    if (bias) add(name + "_b", {out}, ParamKind::kVector);
  };
  add("wte", {c.V, c.C}, ParamKind::kEmbedding);
  if (c.positions == PositionKind::kLearned) add("wpe", {c.T, c.C}, ParamKind::kEmbedding);
  for (int64_t l = 0; l < c.L; ++l) {
    const std::string layer = fmt::format("layers.{}.", l);
    add_norm(layer + "norm1");
    add_linear(layer + "qkv", c.qkv_width(), c.C, c.qkv_bias);
    if (c.qk_norm) {
      add(layer + "q_norm_w", {c.HS}, ParamKind::kVector);
      add(layer + "k_norm_w", {c.HS}, ParamKind::kVector);
    }
    add_linear(layer + "att", c.C, c.NH * c.HS, c.linear_bias);
    add_norm(layer + "norm2");
    add_linear(layer + "fc", c.fc_width(), c.C, c.linear_bias);
    add_linear(layer + "proj", c.C, c.F, c.linear_bias);
  }
  if (c.has_final_norm()) add_norm("norm_f");
  if (!c.tied_embeddings) add("lm_head", {c.V, c.C}, ParamKind::kEmbedding);
  if (c.score_head) add("score", {1, c.C}, ParamKind::kVector);
  return params;
}

}  // namespace

Weights::Weights(const ModelConfig& c) {
  int64_t total = 0;
  params_ = layout(c, total);
  flat_ = tensor::Tensor<float>(Shape{total});

  // Second pass: the named views, taken in the order of layout().
  size_t next = 0;
  const auto take = [&](F32& target) { target = view(next++); };
  const auto take_norm = [&](F32& w, F32& b) {
    take(w);
    if (c.norm == NormKind::kLayerNorm) take(b);
  };
  const auto take_linear = [&](F32& w, F32& b, bool bias) {
    take(w);
    if (bias) take(b);
  };
  take(wte);
  if (c.positions == PositionKind::kLearned) take(wpe);
  layers.resize(static_cast<size_t>(c.L));
  for (LayerWeights& layer : layers) {
    take_norm(layer.norm1_w, layer.norm1_b);
    take_linear(layer.qkv_w, layer.qkv_b, c.qkv_bias);
    if (c.qk_norm) {
      take(layer.q_norm_w);
      take(layer.k_norm_w);
    }
    take_linear(layer.att_w, layer.att_b, c.linear_bias);
    take_norm(layer.norm2_w, layer.norm2_b);
    take_linear(layer.fc_w, layer.fc_b, c.linear_bias);
    take_linear(layer.proj_w, layer.proj_b, c.linear_bias);
  }
  if (c.has_final_norm()) take_norm(norm_f_w, norm_f_b);
  if (c.tied_embeddings)
    lm_head = wte;
  else
    take(lm_head);
  if (c.score_head) take(score);
  PARLEY_CHECK(next == params_.size(), "{} of {} parameters named", next, params_.size());
}

F32 Weights::view(const ParamInfo& info) const { return {flat_.data() + info.offset, info.shape}; }
F32 Weights::view(size_t i) const { return view(params_[i]); }

void init_weights(Weights& weights, const ModelConfig& config, uint64_t seed) {
  constexpr double kStd = 0.02;
  const double residual_std = kStd / std::sqrt(2.0 * static_cast<double>(config.L));
  for (size_t i = 0; i < weights.params().size(); ++i) {
    const ParamInfo& info = weights.params()[i];
    const F32 w = weights.view(i);
    if (info.kind == ParamKind::kVector) {
      const bool norm_weight =
          info.name.find("norm") != std::string::npos && info.name.ends_with("_w");
      for (float& value : w) value = norm_weight ? 1.0f : 0.0f;
      continue;
    }
    const bool residual = info.name.ends_with("att_w") || info.name.ends_with("proj_w");
    const double std = residual ? residual_std : kStd;
    const base::Philox random(seed, i);
    base::parallel_blocks(w.size(), 1 << 16, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j)
        w[j] = static_cast<float>(std * random.normal(static_cast<uint64_t>(j)));
    });
  }
}

}  // namespace parley::model

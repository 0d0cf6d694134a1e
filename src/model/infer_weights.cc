#include "model/infer_weights.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/error.h"
#include "kernels/matmul.h"

namespace parley::model {
namespace {

constexpr std::pair<Precision, std::string_view> kNames[] = {{Precision::kF32, "f32"},
                                                             {Precision::kBf16, "bf16"},
                                                             {Precision::kInt8, "int8"},
                                                             {Precision::kInt4, "int4"}};

size_t bytes(const Linear& linear) {
  return linear.packed.bytes() + static_cast<size_t>(linear.weight.size()) * sizeof(float);
}

}  // namespace

std::string_view precision_name(Precision precision) {
  for (const auto& [value, name] : kNames)
    if (value == precision) return name;
  return "";
}

Precision parse_precision(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (known == name) return value;
  base::fail("there is no precision \"{}\"; choose f32, bf16, int8 or int4", name);
}

kernels::WeightFormat weight_format(const ParamInfo& param, Precision precision) {
  using kernels::WeightFormat;
  switch (precision) {
    case Precision::kBf16: return WeightFormat::kBf16;
    case Precision::kInt8: return WeightFormat::kInt8;
    case Precision::kInt4:
      return param.kind == ParamKind::kEmbedding || param.shape[1] < kInt4Inputs
                 ? WeightFormat::kInt8
                 : WeightFormat::kInt4;
    case Precision::kF32: break;
  }
  PARLEY_CHECK(false, "{} is not packed in f32", param.name);
  return {};
}

Weights vector_weights(const ModelConfig& config) {
  Weights weights(config);
  // A huge page touched for one bias would be two megabytes. Refused for memory that is not
  // mapped (under sanitizers): then there is nothing to save.
  ::madvise(weights.flat().data(), static_cast<size_t>(weights.flat().size()) * sizeof(float),
            MADV_NOHUGEPAGE);
  return weights;
}

void linear_forward(F32 out, ConstF32 x, const Linear& linear) {
  if (linear.packed.empty())
    kernels::matmul_forward(out, x, linear.weight, linear.bias);
  else
    kernels::matmul_packed(out, x, linear.packed, linear.bias);
}

void InferWeights::refer(const ModelConfig& config, const Weights& w) {
  tied_ = config.tied_embeddings;
  wpe = w.wpe;
  norm_f_w = w.norm_f_w;
  norm_f_b = w.norm_f_b;
  layers.resize(w.layers.size());
  for (size_t l = 0; l < layers.size(); ++l) {
    const LayerWeights& from = w.layers[l];
    layers[l].vectors = from;
    layers[l].qkv.bias = from.qkv_b;
    layers[l].att.bias = from.att_b;
    layers[l].fc.bias = from.fc_b;
    layers[l].proj.bias = from.proj_b;
  }
}

// Only what is used of it becomes memory.
void InferWeights::reserve_arena() {
  size_t bytes = 0;
  for (const ParamInfo& param : vectors_.params())
    if (param.kind != ParamKind::kVector && param.shape.rank() == 2)
      bytes += kernels::PackedMatrix::max_bytes(param.shape[0], param.shape[1]);
  arena_ = tensor::Arena(bytes);
}

template <typename Fn>
void InferWeights::for_matrices(const Weights& w, Fn&& fn) {
  for (const ParamInfo& param : w.params()) {
    const float* data = w.view(param).data();
    if (data == w.wte.data()) fn(param, wte);
    if (!tied_ && data == w.lm_head.data()) fn(param, lm_head);
    if (param.kind != ParamKind::kMatrix) continue;
    for (size_t l = 0; l < layers.size(); ++l) {
      const LayerWeights& layer = w.layers[l];
      if (data == layer.qkv_w.data()) fn(param, layers[l].qkv);
      if (data == layer.att_w.data()) fn(param, layers[l].att);
      if (data == layer.fc_w.data()) fn(param, layers[l].fc);
      if (data == layer.proj_w.data()) fn(param, layers[l].proj);
    }
  }
}

InferWeights::InferWeights(const ModelConfig& config, const Weights& weights, Precision precision,
                           int64_t group)
    : precision_(precision) {
  if (precision == Precision::kF32) {
    refer(config, weights);
    for_matrices(weights,
                 [&](const ParamInfo& param, Linear& to) { to.weight = weights.view(param); });
    return;
  }
  vectors_ = vector_weights(config);
  for (const ParamInfo& param : weights.params())
    if (param.kind == ParamKind::kVector || param.name == "wpe")
      std::ranges::copy(weights.view(param), vectors_.view(param).data());
  refer(config, vectors_);
  reserve_arena();
  for_matrices(weights, [&](const ParamInfo& param, Linear& to) {
    to.packed =
        kernels::PackedMatrix::pack(weights.view(param), weight_format(param, precision), group);
    to.packed.move_to(arena_);
  });
}

InferWeights::InferWeights(const ModelConfig& config, Precision precision, Weights vectors,
                           const std::function<kernels::PackedMatrix(const ParamInfo&)>& matrix)
    : precision_(precision), vectors_(std::move(vectors)) {
  refer(config, vectors_);
  reserve_arena();
  for_matrices(vectors_, [&](const ParamInfo& param, Linear& to) {
    to.packed = matrix(param);
    PARLEY_CHECK(to.packed.OC() == param.shape[0] && to.packed.IC() == param.shape[1],
                 "{} {} packed as ({}, {})", param.name, param.shape.str(), to.packed.OC(),
                 to.packed.IC());
    to.packed.move_to(arena_);
  });
}

size_t InferWeights::bytes_per_step() const {
  size_t sum = bytes(head());
  for (const InferLayer& layer : layers)
    sum += bytes(layer.qkv) + bytes(layer.att) + bytes(layer.fc) + bytes(layer.proj);
  return sum;
}

}  // namespace parley::model

// The model's parameters: one flat buffer and named views into it. Gradients and
// optimiser state use the same layout, so element i means the same parameter in all.
#pragma once

#include <string>
#include <vector>

#include "model/config.h"
#include "tensor/buffer.h"

namespace parley::model {

using tensor::ConstF32;
using tensor::F32;
using tensor::Shape;

// What an optimiser needs to know of a parameter.
enum class ParamKind {
  kEmbedding,  // wte, wpe, lm_head: no decay under Muon's split; Adam
  kMatrix,     // linear layers: decayed; Muon may take them
  kVector,     // norms and biases: never decayed
};

struct ParamInfo {
  std::string name;  // "layers.0.qkv_w"
  Shape shape;
  int64_t offset;  // in floats, into the flat buffer, a multiple of 16
  ParamKind kind;
};

// Views of one layer; those a config has not are empty.
struct LayerWeights {
  F32 norm1_w, norm1_b;    // (C)
  F32 qkv_w, qkv_b;        // ((NH + 2·NKV)·HS, C), ((NH + 2·NKV)·HS)
  F32 q_norm_w, k_norm_w;  // (HS)
  F32 att_w, att_b;        // (C, NH·HS), (C)
  F32 norm2_w, norm2_b;    // (C)
  F32 fc_w, fc_b;          // (F or 2F: gate then up, C), (F or 2F)
  F32 proj_w, proj_b;      // (C, F), (C)
};

// The parameters, or their gradients, or an optimiser's moments.
class Weights {
 public:
  Weights() = default;
  explicit Weights(const ModelConfig& config);  // zeroed

  F32 wte;  // (V, C)
  F32 wpe;  // (T, C) or empty
  std::vector<LayerWeights> layers;
  F32 norm_f_w, norm_f_b;  // (C) or empty (GPT-1)
  F32 lm_head;             // (V, C); the same memory as wte when tied
  F32 score;               // (1, C) of a reward or value model, or empty

  // Everything, padding between tensors included (it stays zero).
  F32 flat() const { return flat_; }
  const std::vector<ParamInfo>& params() const { return params_; }
  // The view of params()[i].
  F32 view(size_t i) const;
  F32 view(const ParamInfo& info) const;

 private:
  tensor::Tensor<float> flat_;
  std::vector<ParamInfo> params_;
};

// GPT-2's initialisation: N(0, 0.02), residual projections N(0, 0.02/sqrt(2L)),
// norms 1, biases 0; keyed by (seed, tensor, element), so the same for any thread count.
void init_weights(Weights& weights, const ModelConfig& config, uint64_t seed);

}  // namespace parley::model

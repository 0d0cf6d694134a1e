// LoRA (Hu et al. 2021, arXiv:2106.09685): a linear layer W stays as it is and learns W + s·B·A,
// with A (r, in) and B (out, r) of a small rank r and s = alpha / r. Gradients and optimiser
// state are those of A and B alone.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "model/block.h"
#include "model/weights.h"

namespace parley::model {

struct LoraOptions {
  int64_t rank = 16;
  double alpha = 32;
  // The layers to adapt, by the names transformers gives them: q_proj, k_proj, v_proj, o_proj,
  // gate_proj, up_proj, down_proj; c_attn, c_proj, c_fc for GPT-1 and GPT-2; or whole names
  // ("model.layers.0.mlp.up_proj"). Empty: every linear layer of every block.
  std::vector<std::string> targets;
};

// The adapter of one Hugging Face matrix: some rows of a linear layer of ours.
struct LoraTarget {
  std::string module;       // "model.layers.0.self_attn.q_proj"
  int64_t first_row, rows;  // of the layer's output
  F32 a;                    // (r, in)
  F32 b;                    // (rows, r)
};

// The adapters of one linear layer, their A one below the other.
struct LoraProjection {
  F32 a;                            // (k·r, in), empty where nothing is adapted
  std::vector<LoraTarget> targets;  // k
};

// The adapters' parameters, or their gradients, or an optimiser's moments, in the way of Weights.
class LoraWeights {
 public:
  LoraWeights() = default;
  // Zeroed. Error when a target names no layer, or rank or alpha make no sense.
  LoraWeights(const ModelConfig& config, const LoraOptions& options);

  const LoraOptions& options() const { return options_; }
  float scale() const {
    return static_cast<float>(options_.alpha / static_cast<double>(options_.rank));
  }
  const LoraProjection& projection(int64_t layer, Projection which) const {
    return layers_[static_cast<size_t>(layer)][static_cast<size_t>(which)];
  }
  std::vector<const LoraTarget*> targets() const;
  // The last parts of the targets' names, each once: PEFT's target_modules.
  std::vector<std::string> target_names() const;

  // Everything, padding between tensors included (it stays zero).
  F32 flat() const { return flat_; }
  // "layers.0.qkv_w.lora_A" and, for each target, "model.layers.0.self_attn.q_proj.lora_B".
  const std::vector<ParamInfo>& params() const { return params_; }
  F32 view(const ParamInfo& info) const;

 private:
  LoraOptions options_;
  tensor::Tensor<float> flat_;
  std::vector<ParamInfo> params_;
  std::vector<std::array<LoraProjection, 4>> layers_;
};

// PEFT's beginning: A uniform in ±1/sqrt(in) (Kaiming with a = sqrt(5)), B zero, so that the
// adapted model is the base model; keyed by (seed, tensor, element).
void init_lora(LoraWeights& lora, uint64_t seed);

// W += s·B·A, or W −= s·B·A when `sign` is −1 (equal to what was before but for rounding).
void merge_lora(Weights& weights, const LoraWeights& lora, float sign = 1);

// What the passes over N tokens need besides the activations.
struct LoraScratch {
  tensor::Tensor<float> u, du;  // (N, k·r) x·Aᵀ and its gradient
  tensor::Tensor<float> b, db;  // (out, k·r): s·B of all targets, zero off their rows; gradient
  tensor::Tensor<float> dnorm_w, dnorm_b;  // (C) for the gradients of frozen norms
  size_t params = 0;                       // of the adapters it was made for
  int64_t rank = 0;

  LoraScratch(const ModelConfig& config, const LoraWeights& lora, int64_t N);
  bool fits(const LoraWeights& lora) const;
  // Gradients of a frozen layer's norms: all of them in the same place, to be forgotten.
  LayerWeights frozen_grads(const LayerWeights& w) const;
};

// BlockOps::project of layer l with adapters: out = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ.
std::function<void(F32, ConstF32, Projection)> lora_projections(const LayerWeights& w,
                                                                const LoraWeights& lora, int64_t l,
                                                                LoraScratch& scratch);
// Its backward: dx = dout·W + s·(dout·B)·A; dB = s·doutᵀ·(x·Aᵀ) and dA = s·(dout·B)ᵀ·x are
// written to `grads`, or added when accumulate. No gradient of W.
ProjectBackward lora_projections_backward(LoraWeights& grads, const LayerWeights& w,
                                          const LoraWeights& lora, int64_t l, LoraScratch& scratch,
                                          bool accumulate);

// ---- Files, as the Python package `peft` has them: adapter_config.json and
// adapter_model.safetensors.

// Writes both; `base_model` is what adapter_config.json names as base_model_name_or_path.
void save_lora(const std::filesystem::path& directory, const ModelConfig& config,
               const LoraWeights& lora, const std::string& base_model);
// Error naming the file and what is wrong when it is missing, malformed, not LoRA as above
// (DoRA, trained biases or whole modules, ranks by layer) or of another model.
LoraWeights load_lora(const std::filesystem::path& directory, const ModelConfig& config);

}  // namespace parley::model

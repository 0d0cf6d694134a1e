// The optimiser: AdamW, or Muon for the matrices of linear layers and AdamW for the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/weights.h"

namespace parley::train {

using tensor::F32;

enum class OptimizerKind { kAdamW, kMuon };

// "adamw" or "muon"; Error for anything else.
OptimizerKind parse_optimizer(std::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdamW;
  // AdamW (Loshchilov & Hutter 2019); betas, decay and clipping as GPT-3 (Appendix B).
  double lr = 6e-4;
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8;
  double weight_decay = 0.1;  // matrices only: never norms, biases, embeddings
  // Muon (Jordan et al. 2024).
  double muon_lr = 0.02, muon_momentum = 0.95;
  double clip = 1.0;  // longest gradient, as a global norm; 0: any
};

class Optimizer {
 public:
  Optimizer(const model::ModelConfig& config, const OptimizerOptions& options);

  // One update of `weights`. `step` counts updates from 1, `lr_factor` is the schedule's
  // share. Gradients longer than `clip` are shortened to it. Returns the gradient's
  // norm before that; when it is not finite, nothing is changed.
  double update(model::Weights& weights, const model::Weights& grads, int64_t step,
                double lr_factor);

  // What a checkpoint has to keep: "m.NAME" and "v.NAME" of AdamW's parameters,
  // "momentum.NAME" of Muon's.
  struct State {
    std::string name;
    F32 values;  // the parameter's shape
  };
  std::vector<State> state() const;

  // Bytes of state in use.
  size_t state_bytes() const;

 private:
  bool uses_muon(const model::ParamInfo& info) const;

  model::ModelConfig config_;
  OptimizerOptions options_;
  // The weights' layout. Pages that are never written (v of Muon's matrices) take no memory.
  model::Weights m_, v_;
  tensor::Tensor<float> scratch_;  // Muon's, for its largest matrix
};

// The matrices that are orthogonalised by themselves within a fused parameter, as
// ranges of rows: queries, keys and values of qkv_w; gate and up of a gated fc_w; else
// the whole. Fusing them is for speed; as maps they have nothing to do with each other.
struct RowRange {
  int64_t begin, end;
};
std::vector<RowRange> muon_blocks(const model::ModelConfig& config, const model::ParamInfo& info);

}  // namespace parley::train

// AdamW over LoRA adapters: gradients, moments and updates of A and B alone.
#pragma once

#include <string>
#include <vector>

#include "model/lora.h"
#include "train/optimizer.h"

namespace parley::train {

// Adapters that are trained, and their gradients.
struct LoraTraining {
  model::LoraWeights weights, grads;
  std::string base_model;  // the frozen model's directory, which the adapter's files name

  // The beginning of PEFT: A random, B zero. Error as of model::LoraWeights.
  LoraTraining(const model::ModelConfig& config, const model::LoraOptions& options, uint64_t seed);
};

class LoraOptimizer {
 public:
  // Of the options those of AdamW and `clip` count. Error for Muon: its updates have no meaning
  // for the two factors of a product.
  LoraOptimizer(const model::ModelConfig& config, const model::LoraWeights& lora,
                const OptimizerOptions& options);

  // As Optimizer::update.
  double update(model::LoraWeights& lora, const model::LoraWeights& grads, int64_t step,
                double lr_factor);
  // What a checkpoint has to keep: "m.NAME" and "v.NAME".
  std::vector<Optimizer::State> state() const;

 private:
  OptimizerOptions options_;
  model::LoraWeights m_, v_;
};

}  // namespace parley::train

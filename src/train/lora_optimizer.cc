#include "train/lora_optimizer.h"

#include <cmath>

#include "base/error.h"
#include "kernels/activation.h"
#include "kernels/optimizer.h"

namespace parley::train {

LoraTraining::LoraTraining(const model::ModelConfig& config, const model::LoraOptions& options,
                           uint64_t seed)
    : weights(config, options), grads(config, options) {
  model::init_lora(weights, seed);
}

LoraOptimizer::LoraOptimizer(const model::ModelConfig& config, const model::LoraWeights& lora,
                             const OptimizerOptions& options)
    : options_(options), m_(config, lora.options()), v_(config, lora.options()) {
  if (options.kind != OptimizerKind::kAdamW)
    throw base::UsageError("LoRA is trained by adamw; leave out --optimizer muon");
}

double LoraOptimizer::update(model::LoraWeights& lora, const model::LoraWeights& grads,
                             int64_t step, double lr_factor) {
  PARLEY_CHECK(
      lora.flat().shape() == m_.flat().shape() && grads.flat().shape() == m_.flat().shape(),
      "adapters {} grads {} state {}", lora.flat().shape().str(), grads.flat().shape().str(),
      m_.flat().shape().str());
  const double norm = std::sqrt(kernels::sum_of_squares(grads.flat()));
  if (!std::isfinite(norm)) return norm;
  const double clip = options_.clip;
  // The padding between tensors is zero in all four, and stays so.
  kernels::adamw_update(
      lora.flat(), m_.flat(), v_.flat(), grads.flat(),
      {.lr = static_cast<float>(options_.lr * lr_factor),
       .beta1 = static_cast<float>(options_.beta1),
       .beta2 = static_cast<float>(options_.beta2),
       .eps = static_cast<float>(options_.eps),
       .weight_decay = static_cast<float>(options_.weight_decay),
       .grad_scale = static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1.0),
       .step = step});
  return norm;
}

std::vector<Optimizer::State> LoraOptimizer::state() const {
  std::vector<Optimizer::State> all;
  for (const model::ParamInfo& info : m_.params()) {
    all.push_back({"m." + info.name, m_.view(info)});
    all.push_back({"v." + info.name, v_.view(info)});
  }
  return all;
}

}  // namespace parley::train

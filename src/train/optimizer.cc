#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/activation.h"
#include "kernels/optimizer.h"

namespace parley::train {

using model::ParamInfo;
using model::ParamKind;

OptimizerKind parse_optimizer(std::string_view name) {
  if (name == "adamw") return OptimizerKind::kAdamW;
  if (name == "muon") return OptimizerKind::kMuon;
  base::fail("no optimizer \"{}\"; there are adamw and muon", name);
}

std::vector<RowRange> muon_blocks(const model::ModelConfig& c, const ParamInfo& info) {
  if (info.name.ends_with(".qkv_w")) {
    const int64_t q = c.NH * c.HS, kv = c.NKV * c.HS;
    return {{0, q}, {q, q + kv}, {q + kv, q + 2 * kv}};
  }
  if (info.name.ends_with(".fc_w") && c.gated) return {{0, c.F}, {c.F, 2 * c.F}};
  return {{0, info.shape[0]}};
}

Optimizer::Optimizer(const model::ModelConfig& config, const OptimizerOptions& options)
    : config_(config), options_(options), m_(config), v_(config) {
  int64_t scratch = 0;
  for (const ParamInfo& info : m_.params()) {
    if (!uses_muon(info)) continue;
    for (const RowRange& block : muon_blocks(config_, info))
      scratch =
          std::max(scratch, kernels::muon_scratch_size(block.end - block.begin, info.shape[1]));
  }
  if (scratch > 0) scratch_ = tensor::Tensor<float>({scratch});
}

bool Optimizer::uses_muon(const ParamInfo& info) const {
  return options_.kind == OptimizerKind::kMuon && info.kind == ParamKind::kMatrix;
}

double Optimizer::update(model::Weights& weights, const model::Weights& grads, int64_t step,
                         double lr_factor) {
  PARLEY_CHECK(
      weights.flat().shape() == m_.flat().shape() && grads.flat().shape() == m_.flat().shape(),
      "weights {} grads {} state {}", weights.flat().shape().str(), grads.flat().shape().str(),
      m_.flat().shape().str());
  const double norm = std::sqrt(kernels::sum_of_squares(grads.flat()));
  if (!std::isfinite(norm)) return norm;
  const double clip = options_.clip;
  const auto grad_scale = static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1.0);

  kernels::AdamWStep adamw{.lr = static_cast<float>(options_.lr * lr_factor),
                           .beta1 = static_cast<float>(options_.beta1),
                           .beta2 = static_cast<float>(options_.beta2),
                           .eps = static_cast<float>(options_.eps),
                           .weight_decay = 0,
                           .grad_scale = grad_scale,
                           .step = step};
  const kernels::MuonStep muon{.lr = static_cast<float>(options_.muon_lr * lr_factor),
                               .momentum = static_cast<float>(options_.muon_momentum),
                               .weight_decay = static_cast<float>(options_.weight_decay),
                               .grad_scale = grad_scale,
                               .nesterov = true};
  for (const ParamInfo& info : weights.params()) {
    const F32 param = weights.view(info), grad = grads.view(info), m = m_.view(info);
    if (uses_muon(info)) {
      for (const auto [begin, end] : muon_blocks(config_, info))
        kernels::muon_update(param.rows(begin, end), m.rows(begin, end), grad.rows(begin, end),
                             scratch_, muon);
      continue;
    }
    adamw.weight_decay =
        info.kind == ParamKind::kMatrix ? static_cast<float>(options_.weight_decay) : 0.0f;
    const tensor::Shape flat{info.shape.size()};
    kernels::adamw_update(param.reshape(flat), m.reshape(flat), v_.view(info).reshape(flat),
                          grad.reshape(flat), adamw);
  }
  return norm;
}

std::vector<Optimizer::State> Optimizer::state() const {
  std::vector<State> all;
  for (const ParamInfo& info : m_.params()) {
    if (uses_muon(info)) {
      all.push_back({"momentum." + info.name, m_.view(info)});
    } else {
      all.push_back({"m." + info.name, m_.view(info)});
      all.push_back({"v." + info.name, v_.view(info)});
    }
  }
  return all;
}

size_t Optimizer::state_bytes() const {
  size_t bytes = scratch_.empty() ? 0 : static_cast<size_t>(scratch_.size()) * sizeof(float);
  for (const State& s : state()) bytes += static_cast<size_t>(s.values.size()) * sizeof(float);
  return bytes;
}

}  // namespace parley::train

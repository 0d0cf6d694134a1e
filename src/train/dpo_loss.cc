#include <cmath>

#include "train/dpo.h"

namespace parley::train {
namespace {

double log_sigmoid(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}

double sigmoid(double x) { return std::exp(log_sigmoid(x)); }

}  // namespace

DpoLoss dpo_loss(const DpoPair& p, const DpoLossOptions& o) {
  const auto chosen_tokens = static_cast<double>(p.chosen_tokens);
  const double of_chosen = o.length_normalised ? 1 / chosen_tokens : 1;
  const double of_rejected = o.length_normalised ? 1 / static_cast<double>(p.rejected_tokens) : 1;
  DpoLoss out{};
  out.chosen_reward = o.beta * of_chosen * (p.chosen - p.ref_chosen);
  out.rejected_reward = o.beta * of_rejected * (p.rejected - p.ref_rejected);
  const double h = out.chosen_reward - out.rejected_reward, e = o.label_smoothing;
  out.loss =
      -(1 - e) * log_sigmoid(h) - e * log_sigmoid(-h) - o.sft_weight * p.chosen / chosen_tokens;
  const double dh = e * sigmoid(h) - (1 - e) * sigmoid(-h);
  out.dchosen = dh * o.beta * of_chosen - o.sft_weight / chosen_tokens;
  out.drejected = -dh * o.beta * of_rejected;
  return out;
}

}  // namespace parley::train

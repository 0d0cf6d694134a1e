#include "infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace parley::infer {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

void check_range(const char* name, double value, double low, double high) {
  if (!(value >= low && value <= high))  // NaN fails too
    base::fail("{} is {}; it must lie in {} to {}", name, value, low, high);
}

// A strict order of tokens: higher logit first, the lower id among equals.
struct Better {
  const float* logits;
  bool operator()(int32_t a, int32_t b) const {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  }
};

// The last token, in the order of Better, of the smallest set of best tokens whose
// weights sum to at least `mass`. Weighted quickselect: halve, keep the half the
// boundary is in; O(n), no sort.
int32_t boundary_of_mass(std::span<int32_t> ids, const float* weights, double mass,
                         const Better& better) {
  while (ids.size() > 1) {
    const size_t half = ids.size() / 2;
    const auto middle = ids.begin() + static_cast<std::ptrdiff_t>(half);
    std::nth_element(ids.begin(), middle, ids.end(), better);
    double upper = 0;
    for (const int32_t id : ids.first(half)) upper += static_cast<double>(weights[id]);
    if (upper >= mass) {
      ids = ids.first(half);
    } else {
      mass -= upper;
      ids = ids.subspan(half);
    }
  }
  return ids.front();
}

}  // namespace

void validate(const SamplingParams& params, int64_t V) {
  check_range("temperature", static_cast<double>(params.temperature), 0, 100);
  check_range("top_k", static_cast<double>(params.top_k), 0, 1e9);
  check_range("top_p", static_cast<double>(params.top_p), 0, 1);
  check_range("min_p", static_cast<double>(params.min_p), 0, 1);
  check_range("repetition_penalty", static_cast<double>(params.repetition_penalty), 0.01, 100);
  check_range("presence_penalty", static_cast<double>(params.presence_penalty), -100, 100);
  check_range("frequency_penalty", static_cast<double>(params.frequency_penalty), -100, 100);
  check_range("logprobs", static_cast<double>(params.logprobs), 0, static_cast<double>(V));
  check_range("max_tokens", static_cast<double>(params.max_tokens), 0, 1e9);
  for (const auto& [token, bias] : params.logit_bias) {
    if (token < 0 || token >= V)
      base::fail("logit bias for token {}: the vocabulary has ids 0 to {}", token, V - 1);
    if (std::isnan(bias) || bias == kInf)
      base::fail("logit bias {} for token {}; use a finite number", bias, token);
  }
}

double log_sum_exp(ConstF32 logits) {
  float top = -kInf;
  for (const float x : logits) top = std::max(top, x);
  double sum = 0;
  for (const float x : logits) sum += static_cast<double>(std::exp(x - top));
  const double lse = static_cast<double>(top) + std::log(sum);
  if (!std::isfinite(lse))
    base::fail(
        "the model's logits are not numbers (NaN or infinite): its weights are damaged or its "
        "training diverged; use an earlier checkpoint");
  return lse;
}

std::vector<TokenLogprob> top_logprobs(ConstF32 logits, double lse, int64_t n) {
  std::vector<int32_t> ids(static_cast<size_t>(logits.size()));
  std::iota(ids.begin(), ids.end(), 0);
  std::vector<int32_t> best(static_cast<size_t>(std::min(n, logits.size())));
  std::partial_sort_copy(ids.begin(), ids.end(), best.begin(), best.end(), Better{logits.data()});
  std::vector<TokenLogprob> top;
  for (const int32_t id : best)
    top.push_back({id, static_cast<float>(static_cast<double>(logits[id]) - lse)});
  return top;
}

Sampler::Sampler(SamplingParams params, int64_t V, std::span<const int32_t> prompt, uint64_t stream)
    : params_(std::move(params)), random_(params_.seed, stream) {
  validate(params_, V);
  adjusted_.resize(static_cast<size_t>(V));
  if (params_.repetition_penalty != 1)
    for (const int32_t token : prompt) used_[token] = {true, 0};
}

Sample Sampler::next(ConstF32 logits) {
  PARLEY_CHECK(logits.size() == static_cast<int64_t>(adjusted_.size()), "logits {}, V {}",
               logits.shape().str(), adjusted_.size());
  const double lse = log_sum_exp(logits);
  adjust(logits);

  const auto best = static_cast<int32_t>(std::max_element(adjusted_.begin(), adjusted_.end()) -
                                         adjusted_.begin());
  if (!std::isfinite(adjusted_[static_cast<size_t>(best)]))
    base::fail("the logit bias and penalties leave no token to choose; make them smaller");

  Sample sample;
  sample.token = params_.temperature == 0 ? best : draw(best);
  sample.logprob = static_cast<float>(static_cast<double>(logits[sample.token]) - lse);
  if (params_.logprobs > 0) sample.top = top_logprobs(logits, lse, params_.logprobs);

  ++draws_;
  Use& use = used_[sample.token];
  use.penalised = true;
  ++use.answered;
  return sample;
}

// Steps 1-3.
void Sampler::adjust(ConstF32 logits) {
  std::copy(logits.begin(), logits.end(), adjusted_.begin());
  for (const auto& [token, use] : used_) {
    float& x = adjusted_[static_cast<size_t>(token)];
    if (use.penalised) x = x > 0 ? x / params_.repetition_penalty : x * params_.repetition_penalty;
    if (use.answered > 0)
      x -= params_.presence_penalty + params_.frequency_penalty * static_cast<float>(use.answered);
  }
  for (const auto& [token, bias] : params_.logit_bias)
    adjusted_[static_cast<size_t>(token)] += bias;
}

// Steps 4-8. The candidates stay in the order of their ids, and the draw walks them so:
// a rounding difference in the logits then moves the choice as little as possible.
int32_t Sampler::draw(int32_t best) {
  const float* x = adjusted_.data();
  const Better better{x};
  kept_.resize(adjusted_.size());
  std::iota(kept_.begin(), kept_.end(), 0);

  if (params_.top_k > 0 && params_.top_k < static_cast<int64_t>(kept_.size())) {
    order_.resize(static_cast<size_t>(params_.top_k));
    std::ranges::partial_sort_copy(kept_, order_, better);
    std::erase_if(kept_, [&, last = order_.back()](int32_t id) { return better(last, id); });
  }

  // Differences to the best keep exp in range: the best weighs 1, at any temperature.
  weights_.resize(adjusted_.size());
  double total = 0;
  for (const int32_t id : kept_) {
    weights_[static_cast<size_t>(id)] = std::exp((x[id] - x[best]) / params_.temperature);
    total += weight(id);
  }
  if (params_.top_p < 1) {
    const double mass = static_cast<double>(params_.top_p) * total;
    // Tokens this light cannot make up the rest of the mass, all of them together:
    // without them the boundary is where it was, and there is little to select from.
    const double light = (total - mass) / static_cast<double>(kept_.size()) * 0.5;
    order_ = {best};
    for (const int32_t id : kept_)
      if (id != best && weight(id) > light) order_.push_back(id);
    const int32_t last = boundary_of_mass(order_, weights_.data(), mass, better);
    std::erase_if(kept_, [&](int32_t id) { return better(last, id); });
  }
  if (params_.min_p > 0)
    std::erase_if(kept_,
                  [&](int32_t id) { return weight(id) < static_cast<double>(params_.min_p); });

  total = 0;
  for (const int32_t id : kept_) total += weight(id);
  const double target = random_.uniform(draws_) * total;
  double sum = 0;
  int32_t chosen = best;
  for (const int32_t id : kept_) {
    if (weight(id) == 0) continue;
    chosen = id;  // the last one stands when rounding leaves sum ≤ target
    sum += weight(id);
    if (sum > target) break;
  }
  return chosen;
}

}  // namespace parley::infer

#include "infer/sampler.h"

#include <algorithm>
#include <bit>
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

// exp(x) for x ≤ 0, to 2 units in the last place (Cody and Waite's reduction, a Taylor
// polynomial), 0 below −87. Plain arithmetic, so that loops over it become vector code.
inline float exp_below_zero(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 · 2²³: adding it rounds to an integer
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = x - n * 0.693145752f - n * 1.42860677e-6f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const uint32_t exponent = (std::bit_cast<uint32_t>(shifted) + 127) << 23;
  // A mask and not a choice, which would become a jump. NaN stays NaN.
  const uint32_t in_range = -static_cast<uint32_t>(!(x < -87.0f));
  return std::bit_cast<float>(std::bit_cast<uint32_t>(p * std::bit_cast<float>(exponent)) &
                              in_range);
}

// Sums in a fixed order, in lanes that compilers can keep in vector registers.
constexpr int64_t kLanes = 16, kSumBlock = 256;

double sum_block(const float* x, int64_t n) {  // of at most kSumBlock
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  double sum = 0;
  for (; i < n; ++i) sum += static_cast<double>(x[i]);
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

double sum_of(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += kSumBlock)
    sum += sum_block(x + begin, std::min(kSumBlock, n - begin));
  return sum;
}

// NaN is passed over.
float largest(const float* x, int64_t n) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, -kInf);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = lanes[j] < x[i + j] ? x[i + j] : lanes[j];
  for (; i < n; ++i) lanes[0] = lanes[0] < x[i] ? x[i] : lanes[0];
  return *std::max_element(lanes, lanes + kLanes);
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
  const float top = largest(logits.data(), logits.size());
  double sum = 0;
  for (int64_t begin = 0; begin < logits.size(); begin += kSumBlock) {
    const float* x = logits.data() + begin;
    const int64_t count = std::min(kSumBlock, logits.size() - begin);
    float terms[kSumBlock];
    for (int64_t i = 0; i < count; ++i) terms[i] = exp_below_zero(x[i] - top);
    sum += sum_block(terms, count);
  }
  const double lse = static_cast<double>(top) + std::log(sum);
  if (!std::isfinite(lse))
    base::fail(
        "the model's logits are not numbers (NaN or infinite): its weights are damaged or its "
        "training diverged; use an earlier checkpoint");
  return lse;
}

int32_t best_token(ConstF32 logits) {
  const float* end = logits.data() + logits.size();
  const float* best = std::find(logits.data(), end, largest(logits.data(), logits.size()));
  return best == end ? 0 : static_cast<int32_t>(best - logits.data());
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

Sampler::Sampler(SamplingParams params, int64_t V, std::span<const int32_t> prompt, uint64_t stream,
                 Constraint* constraint)
    : params_(std::move(params)),
      V_(V),
      constraint_(constraint),
      plain_(!constraint && params_.repetition_penalty == 1 && params_.presence_penalty == 0 &&
             params_.frequency_penalty == 0 && params_.logit_bias.empty()),
      random_(params_.seed, stream) {
  validate(params_, V);
  if (params_.repetition_penalty != 1)
    for (const int32_t token : prompt) used_[token] = {true, 0};
}

Sample Sampler::next(ConstF32 logits) {
  const double lse = log_sum_exp(logits);
  Sample sample;
  sample.token = choose(logits);
  if (constraint_) constraint_->accept(sample.token);
  sample.logprob = static_cast<float>(static_cast<double>(logits[sample.token]) - lse);
  if (params_.logprobs > 0) sample.top = top_logprobs(logits, lse, params_.logprobs);
  return sample;
}

int32_t Sampler::propose(ConstF32 logits) {
  PARLEY_CHECK(!constraint_, "drafts of a constrained answer");
  return choose(logits);
}

void Sampler::rewind(std::span<const int32_t> tokens) {
  draws_ -= tokens.size();
  if (plain_) return;
  for (const int32_t token : tokens) --used_[token].answered;
}

int32_t Sampler::choose(ConstF32 logits) {
  PARLEY_CHECK(logits.size() == V_, "logits {}, V {}", logits.shape().str(), V_);
  const float* x = adjust(logits);
  const int32_t best = best_token({x, {V_}});
  if (!std::isfinite(x[best]))
    base::fail(
        "the logit bias, penalties and the grammar leave no token to choose; make them smaller");
  const int32_t token = params_.temperature == 0 ? best : draw(x, best);
  ++draws_;
  if (!plain_) ++used_[token].answered;
  return token;
}

// Steps 1-3: the logits to go on with.
const float* Sampler::adjust(ConstF32 logits) {
  if (plain_) return logits.data();
  adjusted_.assign(logits.begin(), logits.end());
  for (const auto& [token, use] : used_) {
    float& x = adjusted_[static_cast<size_t>(token)];
    if (use.prompted || use.answered > 0)
      x = x > 0 ? x / params_.repetition_penalty : x * params_.repetition_penalty;
    if (use.answered > 0)
      x -= params_.presence_penalty + params_.frequency_penalty * static_cast<float>(use.answered);
  }
  for (const auto& [token, bias] : params_.logit_bias)
    adjusted_[static_cast<size_t>(token)] += bias;
  if (constraint_) forbid(constraint_->allowed());
  return adjusted_.data();
}

void Sampler::forbid(std::span<const uint64_t> allowed) {
  PARLEY_CHECK(std::ssize(allowed) == (V_ + 63) / 64, "{} words, V {}", allowed.size(), V_);
  for (int64_t begin = 0; begin < V_; begin += 64) {
    const uint64_t word = allowed[static_cast<size_t>(begin / 64)];
    if (word == ~uint64_t{0}) continue;
    float* x = adjusted_.data() + begin;
    for (int64_t i = 0; i < std::min<int64_t>(64, V_ - begin); ++i)
      x[i] = word >> i & 1 ? x[i] : -kInf;
  }
}

// Steps 4 and 5. Differences to the best keep exp in range: the best weighs 1, at any
// temperature.
void Sampler::weigh(const float* x, int32_t best) {
  weights_.resize(static_cast<size_t>(V_));
  float* weights = weights_.data();
  const float top = x[best], inverse = 1 / std::max(params_.temperature, 1e-30f);
  for (int64_t i = 0; i < V_; ++i) weights[i] = exp_below_zero((x[i] - top) * inverse);
  if (params_.top_k == 0 || params_.top_k >= V_) return;
  const Better better{x};
  std::vector<int32_t> ids(static_cast<size_t>(V_));
  std::iota(ids.begin(), ids.end(), 0);
  order_.resize(static_cast<size_t>(params_.top_k));
  std::ranges::partial_sort_copy(ids, order_, better);
  for (int32_t id = 0; id < V_; ++id)
    if (better(order_.back(), id)) weights[id] = 0;
}

// Step 6: the last token, in the order of Better, of those that make up top_p. Tokens are
// counted into buckets by their distance to the best logit (the upper bits of a float are
// its order), so that only the bucket with the boundary needs a selection.
int32_t Sampler::end_of_nucleus(const float* x, int32_t best) {
  constexpr size_t kBuckets = size_t{1} << 13;
  const float* weights = weights_.data();
  const float top = x[best];
  const auto bucket = [&](int64_t i) { return std::bit_cast<uint32_t>(top - x[i]) >> 19; };
  masses_.assign(kBuckets, 0.0);
  for (int64_t i = 0; i < V_; ++i) masses_[bucket(i)] += static_cast<double>(weights[i]);
  const double mass =
      static_cast<double>(params_.top_p) * std::accumulate(masses_.begin(), masses_.end(), 0.0);
  size_t boundary = 0;  // the best token's bucket
  double before = 0, passed = 0;
  for (size_t b = 0; b < kBuckets && passed < mass; ++b) {
    if (masses_[b] == 0) continue;
    boundary = b;
    before = passed;
    passed += masses_[b];
  }
  order_.clear();
  for (int32_t i = 0; i < V_; ++i)
    if (bucket(i) == boundary && weights[i] > 0) order_.push_back(i);
  return boundary_of_mass(order_, weights, mass - before, Better{x});
}

// Steps 4-8. The draw walks the candidates in the order of their ids: a rounding
// difference in the logits then moves the choice as little as possible.
int32_t Sampler::draw(const float* x, int32_t best) {
  weigh(x, best);
  float* weights = weights_.data();
  const auto min_p = static_cast<double>(params_.min_p);

  if (params_.top_p < 1) {
    const int32_t last = end_of_nucleus(x, best);
    const float lowest = x[last];  // as Better{x}(last, i)
    for (int32_t i = 0; i < V_; ++i) {
      const bool worse = (x[i] < lowest) | ((x[i] == lowest) & (i > last));
      weights[i] = worse ? 0 : weights[i];
    }
  }
  if (min_p > 0)
    for (int64_t i = 0; i < V_; ++i)
      weights[i] = static_cast<double>(weights[i]) < min_p ? 0 : weights[i];
  // Whole blocks are passed over by their sums, those that sum_of adds up.
  double left = random_.uniform(draws_) * sum_of(weights, V_);
  int32_t chosen = best;
  for (int64_t begin = 0; begin < V_; begin += kSumBlock) {
    const int64_t count = std::min(kSumBlock, V_ - begin);
    const double block = sum_block(weights + begin, count);
    const bool last = begin + count == V_;
    if (left >= block && !last) {
      left -= block;
      continue;
    }
    for (int64_t i = begin; i < begin + count; ++i) {
      if (weights[i] == 0) continue;
      chosen = static_cast<int32_t>(i);  // the last one stands when rounding leaves some over
      if ((left -= static_cast<double>(weights[i])) < 0) return chosen;
    }
    if (block > 0) return chosen;
  }
  return chosen;
}

}  // namespace parley::infer

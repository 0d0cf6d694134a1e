#include "infer/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace parley::infer {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

ConstF32 view(const std::vector<float>& logits) {
  return {logits.data(), {static_cast<int64_t>(logits.size())}};
}

std::vector<float> random_logits(int64_t V, uint64_t seed) {
  std::vector<float> logits;
  const base::Philox random(seed, 0);
  for (int64_t i = 0; i < V; ++i)
    logits.push_back(static_cast<float>(2 * random.normal(static_cast<uint64_t>(i))));
  return logits;
}

// The plain specification of the order of operations: full sorts, doubles, no tricks.
// Returns the probability of every token.
std::vector<double> reference_distribution(const std::vector<float>& logits,
                                           const SamplingParams& params,
                                           const std::vector<int32_t>& prompt,
                                           const std::vector<int32_t>& answer) {
  const size_t V = logits.size();
  std::vector<float> x = logits;
  for (size_t i = 0; i < V; ++i) {
    const auto id = static_cast<int32_t>(i);
    const auto times = std::ranges::count(answer, id);
    if (times > 0 || std::ranges::count(prompt, id) > 0)
      x[i] = x[i] > 0 ? x[i] / params.repetition_penalty : x[i] * params.repetition_penalty;
    if (times > 0)
      x[i] -= params.presence_penalty + params.frequency_penalty * static_cast<float>(times);
    if (params.logit_bias.contains(id)) x[i] += params.logit_bias.at(id);
  }
  std::vector<size_t> order(V);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return x[a] > x[b]; });
  if (params.top_k > 0) order.resize(std::min(V, static_cast<size_t>(params.top_k)));
  std::vector<double> p(V, 0.0);
  double total = 0;
  for (const size_t i : order) {
    p[i] = std::exp(static_cast<double>((x[i] - x[order[0]]) / params.temperature));
    total += p[i];
  }
  double cumulative = 0;
  for (const size_t i : order) {
    if (cumulative > 0 && cumulative >= static_cast<double>(params.top_p) * total) p[i] = 0;
    cumulative += p[i];
  }
  for (double& value : p)
    if (value < static_cast<double>(params.min_p)) value = 0;
  total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= total;
  return p;
}

// Draws `n` first tokens from independent streams and compares their frequencies
// with `p` by Pearson's chi-square; no token of probability 0 may appear.
void expect_distribution(const std::vector<float>& logits, const SamplingParams& params,
                         const std::vector<int32_t>& prompt, const std::vector<double>& p,
                         int64_t n = 20000) {
  std::vector<int64_t> counts(p.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    Sampler sampler(params, static_cast<int64_t>(logits.size()), prompt, static_cast<uint64_t>(i));
    ++counts[static_cast<size_t>(sampler.next(view(logits)).token)];
  }
  double chi2 = 0, rare_expected = 0, rare_seen = 0;
  int64_t cells = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * static_cast<double>(n), seen = static_cast<double>(counts[i]);
    if (p[i] == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i;
    } else if (expected < 10) {  // too rare for a cell of its own
      rare_expected += expected;
      rare_seen += seen;
    } else {
      chi2 += (seen - expected) * (seen - expected) / expected;
      ++cells;
    }
  }
  if (rare_expected > 0) {
    chi2 += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected;
    ++cells;
  }
  // Mean k, deviation sqrt(2k) with k = cells − 1; the draws are fixed by the seed.
  const double k = static_cast<double>(cells - 1);
  EXPECT_LT(chi2, k + 4 * std::sqrt(2 * k) + 1e-9) << cells << " cells";
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  SamplingParams params{.temperature = 0};
  Sampler sampler(params, 4, {}, 0);
  EXPECT_EQ(sampler.next(view({1, 3, 3, 2})).token, 1);
  EXPECT_EQ(sampler.next(view({-kInf, -kInf, 0, -kInf})).token, 2);
}

TEST(Sampler, EachParameterMatchesThePlainReference) {
  const auto logits = random_logits(300, 1);
  const std::vector<int32_t> prompt = {3, 7, 7, 250};
  const std::vector<SamplingParams> cases = {
      {},
      {.temperature = 0.5f},
      {.temperature = 2.5f},
      {.top_k = 1},
      {.top_k = 10},
      {.temperature = 1.5f, .top_k = 1000},
      {.top_p = 0.7f},
      {.top_p = 0.999f},
      {.top_p = 0.0f},
      {.min_p = 0.05f},
      {.min_p = 1.0f},
      {.temperature = 0.8f, .top_k = 50, .top_p = 0.9f, .min_p = 0.02f},
      {.repetition_penalty = 1.5f},
      {.repetition_penalty = 0.7f},
      {.logit_bias = {{5, 8.0f}, {6, -100.0f}, {7, 3.0f}}},
  };
  for (const SamplingParams& params : cases) {
    SCOPED_TRACE(&params - cases.data());
    expect_distribution(logits, params, prompt, reference_distribution(logits, params, prompt, {}));
  }
}

// The kept set, exactly, on many shapes of distributions: the draw walks it whole
// because every token of it appears sooner or later.
TEST(Sampler, KeepsExactlyTheReferenceSet) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto logits = random_logits(24, 100 + seed);
    SamplingParams params{.temperature = 3, .seed = seed};
    params.top_k = static_cast<int64_t>(seed % 7) * 3;
    params.top_p = 0.05f * static_cast<float>(1 + seed % 20);
    params.min_p = seed % 3 == 0 ? 0.1f : 0.0f;
    const auto p = reference_distribution(logits, params, {}, {});
    std::vector<bool> seen(24, false);
    for (uint64_t stream = 0; stream < 4000; ++stream)
      seen[static_cast<size_t>(Sampler(params, 24, {}, stream).next(view(logits)).token)] = true;
    for (size_t i = 0; i < 24; ++i) {
      if (p[i] == 0) {
        EXPECT_FALSE(seen[i]) << "seed " << seed << " token " << i;
      }
      if (p[i] > 0.005) {
        EXPECT_TRUE(seen[i]) << "seed " << seed << " token " << i;
      }
    }
  }
}

TEST(Sampler, PenaltiesCountWhatWasAnswered) {
  const auto logits = random_logits(40, 2);
  SamplingParams params{.temperature = 0};
  params.repetition_penalty = 1.3f;
  params.presence_penalty = 0.4f;
  params.frequency_penalty = 0.6f;
  const std::vector<int32_t> prompt = {1, 2};
  Sampler sampler(params, 40, prompt, 0);
  std::vector<int32_t> answer;
  SamplingParams soft = params;
  soft.temperature = 1;
  for (int i = 0; i < 60; ++i) {
    const auto p = reference_distribution(logits, soft, prompt, answer);
    const auto best = std::max_element(p.begin(), p.end()) - p.begin();
    answer.push_back(sampler.next(view(logits)).token);
    ASSERT_EQ(answer.back(), best) << "draw " << i;
  }
}

TEST(Sampler, DrawsDependOnSeedStreamAndPositionOnly) {
  const auto logits = random_logits(1000, 3);
  const auto run = [&](uint64_t seed, uint64_t stream) {
    SamplingParams params{.top_p = 0.95f, .seed = seed};
    Sampler sampler(params, 1000, {}, stream);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(sampler.next(view(logits)).token);
    return tokens;
  };
  EXPECT_EQ(run(1, 0), run(1, 0));
  EXPECT_NE(run(1, 0), run(2, 0));
  EXPECT_NE(run(1, 0), run(1, 1));
}

TEST(Sampler, LogprobsAreTheModelsOwn) {
  const std::vector<float> logits = {0.5f, 2.0f, -1.0f, 1.0f};
  SamplingParams params{.temperature = 0, .logit_bias = {{2, 50.0f}}, .logprobs = 2};
  const Sample sample = Sampler(params, 4, {}, 0).next(view(logits));
  EXPECT_EQ(sample.token, 2);
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  EXPECT_NEAR(static_cast<double>(sample.logprob), -1.0 - std::log(sum), 1e-6);
  ASSERT_EQ(sample.top.size(), 2u);
  EXPECT_EQ(sample.top[0].token, 1);
  EXPECT_EQ(sample.top[1].token, 3);
  EXPECT_NEAR(static_cast<double>(sample.top[0].logprob), 2.0 - std::log(sum), 1e-6);
}

TEST(Sampler, ExtremeButUsableLogits) {
  SamplingParams cold{.temperature = 1e-30f};
  EXPECT_EQ(Sampler(cold, 3, {}, 0).next(view({1, 2, 1.999f})).token, 1);
  SamplingParams hot{.temperature = 100, .top_p = 0.5f};
  const int32_t token = Sampler(hot, 3, {}, 0).next(view({3e38f, -3e38f, 1e38f})).token;
  EXPECT_EQ(token, 0);
  // Everything but one token forbidden by the model itself.
  for (uint64_t stream = 0; stream < 50; ++stream)
    EXPECT_EQ(Sampler({.top_p = 0.9f}, 3, {}, stream).next(view({-kInf, -5e4f, -kInf})).token, 1);
}

TEST(Sampler, RefusesUnusableLogits) {
  const auto next = [](const std::vector<float>& logits, SamplingParams params = {}) {
    Sampler(std::move(params), static_cast<int64_t>(logits.size()), {}, 0).next(view(logits));
  };
  EXPECT_THROW(next({1, kNan, 2}), base::Error);
  EXPECT_THROW(next({kNan, kNan}, {.temperature = 0}), base::Error);
  EXPECT_THROW(next({1, kInf, 2}), base::Error);
  EXPECT_THROW(next({-kInf, -kInf}), base::Error);
  EXPECT_THROW(next({1, 2}, {.logit_bias = {{0, -kInf}, {1, -kInf}}}), base::Error);
}

TEST(Sampler, RefusesParametersOutOfRange) {
  const auto refused = [](const SamplingParams& params) {
    EXPECT_THROW(validate(params, 10), base::Error);
  };
  refused({.temperature = -1});
  refused({.temperature = kNan});
  refused({.temperature = kInf});
  refused({.top_k = -1});
  refused({.top_p = 1.5f});
  refused({.min_p = -0.1f});
  refused({.repetition_penalty = 0});
  refused({.presence_penalty = 1000});
  refused({.frequency_penalty = kNan});
  refused({.logit_bias = {{10, 1.0f}}});
  refused({.logit_bias = {{-1, 1.0f}}});
  refused({.logit_bias = {{1, kNan}}});
  refused({.logprobs = 11});
  refused({.max_tokens = -1});
  validate({}, 10);
}

}  // namespace
}  // namespace parley::infer

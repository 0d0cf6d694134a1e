#include "infer/constraint.h"

#include <gtest/gtest.h>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

// The n-th token of the answer is n modulo `period`, modulo `period`.
class Cycle : public Constraint {
 public:
  Cycle(int64_t V, int64_t period)
      : words_(static_cast<size_t>((V + 63) / 64)), period_(period), V_(V) {}

  std::span<const uint64_t> allowed() override {
    std::ranges::fill(words_, 0);
    for (int64_t t = place_ % period_; t < V_; t += period_)
      words_[static_cast<size_t>(t / 64)] |= uint64_t{1} << (t % 64);
    return words_;
  }
  void accept(int32_t token) override {
    EXPECT_EQ(token % period_, place_ % period_);
    ++place_;
  }
  bool finished() const override { return place_ == end_; }
  void end_at(int64_t place) { end_ = place; }

 private:
  std::vector<uint64_t> words_;
  int64_t period_, V_, place_ = 0, end_ = -1;
};

model::ModelConfig config_of_131() {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = 400;
  config.V = 131;
  return config;
}

struct ConstraintTest : testing::Test {
  TestModel model{config_of_131(), model::Precision::kInt8};
  const model::ModelConfig& config = model.m.config;

  Request asking(uint64_t seed, int64_t answer) const {
    Request request{.prompt = random_tokens(70, config.V, seed)};
    request.sampling.max_tokens = answer;
    request.sampling.seed = seed;
    request.constraint = std::make_shared<Cycle>(config.V, 7);
    return request;
  }
  std::vector<int32_t> alone(uint64_t seed, int64_t answer) const {
    Engine engine(config, model.weights, steady());
    const Request request = asking(seed, answer);
    return ids_of(generate(engine, std::span(&request, 1))[0]);
  }
};

TEST_F(ConstraintTest, OnlyAllowedTokensAreDrawn) {
  for (const float temperature : {0.0f, 1.0f, 5.0f})
    for (const float top_p : {1.0f, 0.5f})
      for (const int64_t top_k : {0, 3}) {
        Engine engine(config, model.weights, steady());
        Request request = asking(3, 60);
        request.sampling.temperature = temperature;
        request.sampling.top_p = top_p;
        request.sampling.top_k = top_k;
        request.sampling.frequency_penalty = 0.5f;
        const auto ids = ids_of(generate(engine, std::span(&request, 1))[0]);
        ASSERT_EQ(ids.size(), 60u);
        for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i] % 7, static_cast<int>(i % 7));
      }
}

TEST_F(ConstraintTest, DrawsFollowTheModelAmongTheAllowed) {
  std::vector<float> logits(8);
  for (size_t i = 0; i < 8; ++i) logits[i] = static_cast<float>(i);
  Cycle odd(8, 2);
  odd.accept(0);  // odd tokens are next
  int sevens = 0, total = 2000;
  for (int i = 0; i < total; ++i) {
    Cycle here = odd;
    Sampler sampler({.seed = static_cast<uint64_t>(i)}, 8, {}, 0, &here);
    const Sample sample = sampler.next({logits.data(), {8}});
    sevens += sample.token == 7;
    // The model's own log-probability, not that among the allowed.
    EXPECT_NEAR(sample.logprob, logits[static_cast<size_t>(sample.token)] - 7.458, 0.01);
  }
  EXPECT_NEAR(sevens / static_cast<double>(total), 0.8647, 0.03);  // 1 / (1 + e⁻² + e⁻⁴ + e⁻⁶)
}

TEST_F(ConstraintTest, SurvivesCompanyPreemptionAndSpeculation) {
  EngineOptions options = steady(8);
  options.kv_bytes = 14 * model::KvPool::block_bytes(config, options.kv_format);
  options.speculative.ngram = 4;
  options.speculative.tokens = 4;
  Engine engine(config, model.weights, options);
  std::vector<Request> requests;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    requests.push_back(asking(seed, 150));
    if (seed % 2) requests.back().constraint = nullptr;
  }
  const auto completions = generate(engine, requests);
  EXPECT_GT(engine.stats().preemptions, 0);
  for (uint64_t seed = 0; seed < 8; seed += 2)
    EXPECT_EQ(ids_of(completions[seed]), alone(seed, 150)) << seed;
}

TEST_F(ConstraintTest, EndsWhereNothingCanFollow) {
  Engine engine(config, model.weights, steady());
  Request request = asking(1, 50);
  const auto cycle = std::make_shared<Cycle>(config.V, 7);
  cycle->end_at(9);
  request.constraint = cycle;
  const Completion completion = generate(engine, std::span(&request, 1))[0];
  EXPECT_EQ(completion.samples.size(), 9u);
  EXPECT_EQ(completion.reason, FinishReason::kStop);
}

TEST_F(ConstraintTest, NothingAllowedFailsThatRequestOnly) {
  class Nothing : public Constraint {
   public:
    explicit Nothing(int64_t V) : words_(static_cast<size_t>((V + 63) / 64)) {}
    std::span<const uint64_t> allowed() override { return words_; }
    void accept(int32_t) override {}

   private:
    std::vector<uint64_t> words_;
  };
  Engine engine(config, model.weights, steady());
  Record bad, good;
  Request request = asking(1, 5);
  request.constraint = std::make_shared<Nothing>(config.V);
  engine.submit(bad.recording(request));
  engine.submit(good.recording(asking(2, 5)));
  while (engine.step()) {
  }
  EXPECT_EQ(bad.finished.reason, FinishReason::kError);
  EXPECT_NE(bad.finished.error.find("grammar"), std::string::npos);
  EXPECT_EQ(good.finished.reason, FinishReason::kLength);
}

}  // namespace
}  // namespace parley::infer

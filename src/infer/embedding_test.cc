#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "infer/engine.h"
#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

using Vector = std::vector<float>;

// The position-weighted mean of the hidden states of the training forward: another path through
// attention, no cache and no chunks.
Vector expected_embedding(const model::Model& m, const std::vector<int32_t>& tokens) {
  const auto N = static_cast<int64_t>(tokens.size());
  std::vector<int32_t> positions(tokens.size());
  for (int64_t t = 0; t < N; ++t) positions[static_cast<size_t>(t)] = static_cast<int32_t>(t);
  model::TrainState state(m.config, {.B = 1, .T = N});
  const auto hidden = state.forward(m.weights, {.tokens = {tokens.data(), {1, N}},
                                                .targets = {},
                                                .positions = {positions.data(), {1, N}},
                                                .first_key = {}});
  Vector mean;
  for (int64_t c = 0; c < m.config.C; ++c) {
    double sum = 0, weights = 0;
    for (int64_t t = 0; t < N; ++t) {
      sum += static_cast<double>(t + 1) * static_cast<double>(hidden.row(t)[c]);
      weights += static_cast<double>(t + 1);
    }
    mean.push_back(static_cast<float>(sum / weights));
  }
  return mean;
}

struct Embedded {
  Vector vector;
  int calls = 0;
  Record record;

  Request request(std::vector<int32_t> prompt) {
    Request asked{.prompt = std::move(prompt), .sampling = greedy(0)};
    asked.on_embedding = [this](std::span<const float> values) {
      EXPECT_EQ(record.done, 0);
      vector.assign(values.begin(), values.end());
      ++calls;
    };
    return record.recording(std::move(asked));
  }
};

void run(Engine& engine) {
  while (engine.step()) {
  }
}

void expect_near(const Vector& a, const Vector& b) {
  const auto n = static_cast<int64_t>(a.size());
  ASSERT_EQ(a.size(), b.size());
  expect_close({a.data(), {n}}, {b.data(), {n}}, 1e-4f);
}

class Embedding : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Families, Embedding, testing::ValuesIn(tiny_variants()),
                         [](const auto& variant) { return variant.param.name; });

// In one piece and in chunks, several at once, beside requests that answer.
TEST_P(Embedding, IsTheWeightedMeanOfHiddenStates) {
  const TestModel model(GetParam());
  const model::ModelConfig& config = model.m.config;
  for (const int64_t step_tokens : {256, 7}) {
    Engine engine(config, model.weights, steady(16, step_tokens));
    std::vector<Record> others(2);
    for (size_t i = 0; i < others.size(); ++i)
      engine.submit(others[i].recording(
          {.prompt = random_tokens(30, config.V, 100 + i), .sampling = greedy(20)}));
    const std::vector<int64_t> lengths = {1, 2, 65, config.T};
    std::vector<Embedded> embedded(lengths.size());
    for (size_t i = 0; i < lengths.size(); ++i)
      engine.submit(embedded[i].request(random_tokens(lengths[i], config.V, i)));
    run(engine);
    for (size_t i = 0; i < lengths.size(); ++i) {
      expect_near(embedded[i].vector,
                  expected_embedding(model.m, random_tokens(lengths[i], config.V, i)));
      EXPECT_EQ(embedded[i].calls, 1);
      EXPECT_EQ(embedded[i].record.done, 1);
      EXPECT_EQ(embedded[i].record.finished.reason, FinishReason::kLength);
      EXPECT_EQ(embedded[i].record.finished.prompt_tokens, lengths[i]);
      EXPECT_EQ(embedded[i].record.finished.answer_tokens, 0);
    }
    for (const Record& other : others) EXPECT_EQ(other.samples.size(), 20u);
    expect_no_leak(engine);
  }
}

struct EmbeddingTest : testing::Test {
  EmbeddingTest() {
    model::ModelConfig config = tiny_variants()[4].config;
    config.T = 400;
    model.emplace(config, model::Precision::kInt8);
  }
  const model::ModelConfig& config() const { return model->m.config; }
  std::vector<int32_t> prompt(uint64_t seed = 1) const {
    return random_tokens(300, config().V, seed);
  }
  Vector alone(const std::vector<int32_t>& tokens) const {
    Engine engine(config(), model->weights, steady());
    Embedded embedded;
    engine.submit(embedded.request(tokens));
    run(engine);
    return embedded.vector;
  }
  std::optional<TestModel> model;
};

// The prefix cache has keys and values, no hidden states: what is there is not taken, but what an
// embedding leaves serves others.
TEST_F(EmbeddingTest, FillsThePrefixCacheAndDoesNotReadIt) {
  Engine engine(config(), model->weights, steady(16, 50));
  Embedded first, second;
  engine.submit(first.request(prompt()));
  run(engine);
  Record answer;
  engine.submit(answer.recording({.prompt = prompt(), .sampling = greedy(3)}));
  run(engine);
  EXPECT_EQ(answer.finished.cached_tokens, 256);
  engine.submit(second.request(prompt()));
  run(engine);
  EXPECT_EQ(second.record.finished.cached_tokens, 0);
  EXPECT_EQ(first.vector, second.vector);
  EXPECT_EQ(first.vector, alone(prompt()));
  expect_no_leak(engine);
}

// To the last bit, in a packed precision: whatever runs beside it and however it is cut, even if it
// has to make room on its way.
TEST_F(EmbeddingTest, DoesNotDependOnWhatElseRuns) {
  EngineOptions options = steady(16, 1);
  options.kv_bytes = 14 * model::KvPool::block_bytes(config(), options.kv_format);
  Engine engine(config(), model->weights, options);
  std::vector<Record> others(3);
  for (size_t i = 0; i < others.size(); ++i)
    engine.submit(others[i].recording(
        {.prompt = random_tokens(10, config().V, 50 + i), .sampling = greedy(230)}));
  for (int i = 0; i < 50; ++i) engine.step();
  const std::vector<int64_t> lengths = {390, 100};
  std::vector<Embedded> embedded(2);
  for (size_t i = 0; i < embedded.size(); ++i)
    engine.submit(embedded[i].request(random_tokens(lengths[i], config().V, i)));
  run(engine);
  EXPECT_GT(embedded[0].record.finished.preemptions, 0);
  for (size_t i = 0; i < embedded.size(); ++i)
    EXPECT_EQ(embedded[i].vector, alone(random_tokens(lengths[i], config().V, i)));
  for (const Record& other : others) EXPECT_EQ(other.samples.size(), 230u);
  expect_no_leak(engine);
}

TEST_F(EmbeddingTest, NewWeightsBeginAgain) {
  TestModel changing(config());
  Engine engine(config(), changing.weights, steady(16, 50));
  Embedded embedded;
  engine.submit(embedded.request(prompt()));
  for (int i = 0; i < 3; ++i) engine.step();
  changing.m.weights.norm_f_w[3] *= -2;
  engine.forget_cache();
  run(engine);
  expect_near(embedded.vector, expected_embedding(changing.m, prompt()));
  EXPECT_EQ(embedded.calls, 1);
}

TEST_F(EmbeddingTest, Errors) {
  Engine engine(config(), model->weights, steady());
  Embedded embedded;
  Request request = embedded.request(prompt());
  request.sampling.max_tokens = 1;
  EXPECT_THROW(engine.submit(request), base::Error);
  request.sampling.max_tokens = 0;
  request.score_from = 1;
  EXPECT_THROW(engine.submit(request), base::Error);
  request.score_from = -1;
  request.prompt = random_tokens(config().T + 1, config().V, 1);
  EXPECT_THROW(engine.submit(request), base::Error);

  request.prompt = prompt();
  request.on_embedding = [](std::span<const float>) { throw std::runtime_error("no reader"); };
  engine.submit(request);
  run(engine);
  EXPECT_EQ(embedded.record.finished.reason, FinishReason::kError);
  EXPECT_EQ(embedded.record.finished.error, "no reader");

  TestModel broken(config());
  broken.m.weights.norm_f_w[3] = std::numeric_limits<float>::quiet_NaN();
  Engine nan(config(), broken.weights, steady());
  Embedded never;
  nan.submit(never.request(prompt()));
  run(nan);
  EXPECT_EQ(never.record.finished.reason, FinishReason::kError);
  EXPECT_EQ(never.calls, 0);

  Embedded cancelled;
  const RequestId id = engine.submit(cancelled.request(prompt(3)));
  EXPECT_TRUE(engine.cancel(id));
  run(engine);
  EXPECT_EQ(cancelled.calls, 0);
  expect_no_leak(engine);
}

}  // namespace
}  // namespace parley::infer

// What a request gets does not depend on how it is run: to the last bit.
#include <gtest/gtest.h>

#include <bit>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

using model::KvFormat;
using model::Precision;

struct Answered {
  std::vector<int32_t> tokens;
  std::vector<uint32_t> logprobs;  // bits
  bool operator==(const Answered&) const = default;
};

Answered bits_of(const std::vector<Sample>& samples, const std::vector<TokenScore>& scores = {}) {
  Answered out;
  const auto add = [&](int32_t token, float logprob, const std::vector<TokenLogprob>& top) {
    out.tokens.push_back(token);
    out.logprobs.push_back(std::bit_cast<uint32_t>(logprob));
    for (const TokenLogprob& other : top) {
      out.tokens.push_back(other.token);
      out.logprobs.push_back(std::bit_cast<uint32_t>(other.logprob));
    }
  };
  for (const TokenScore& score : scores) add(score.token, score.logprob, score.top);
  for (const Sample& sample : samples) add(sample.token, sample.logprob, sample.top);
  return out;
}

class Identity : public testing::TestWithParam<Variant> {
 protected:
  Identity() : model_(config(), Precision::kInt8) {
    for (size_t i = 0; i < requests_.size(); ++i) alone_.push_back(run_alone(requests_[i]));
  }

  static model::ModelConfig config() {
    model::ModelConfig config = GetParam().config;
    config.T = 400;
    return config;
  }
  static EngineOptions options() {
    EngineOptions options = steady();
    options.kv_format = KvFormat::kInt8;
    return options;
  }

  // Long and short, greedy and not, with common beginnings and repetitions.
  static std::vector<Request> requests() {
    const int64_t V = config().V;
    const auto common = random_tokens(150, V, 99);
    std::vector<Request> requests;
    for (uint64_t i = 0; i < 10; ++i) {
      Request request{.prompt = random_tokens(1 + static_cast<int64_t>(i * i * 2), V, i)};
      if (i % 3 == 1) request.prompt.insert(request.prompt.begin(), common.begin(), common.end());
      request.sampling.temperature = i % 2 == 0 ? 0.9f : 0.0f;
      request.sampling.top_p = i % 4 == 0 ? 0.8f : 1.0f;
      request.sampling.seed = 5;
      request.sampling.max_tokens = 5 + static_cast<int64_t>(i) * 20;
      request.sampling.repetition_penalty = i % 5 == 0 ? 1.2f : 1.0f;
      request.sampling.logprobs = 2;
      request.stream = i;
      if (i == 7) request.score_from = 20;
      if (i == 8) request.score_from = 100, request.sampling.max_tokens = 0;
      requests.push_back(std::move(request));
    }
    return requests;
  }

  Answered run_alone(const Request& request) {
    Engine engine(model_.m.config, model_.weights, options());
    Record record;
    engine.submit(record.recording(request));
    while (engine.step()) {
    }
    return bits_of(record.samples, record.scores);
  }

  // All requests at once.
  void expect_same(Engine& engine) {
    std::vector<Record> records(requests_.size());
    for (size_t i = 0; i < requests_.size(); ++i) engine.submit(records[i].recording(requests_[i]));
    while (engine.step()) {
    }
    for (size_t i = 0; i < requests_.size(); ++i) {
      EXPECT_EQ(bits_of(records[i].samples, records[i].scores), alone_[i]) << "request " << i;
      EXPECT_EQ(records[i].done, 1);
      EXPECT_EQ(records[i].finished.reason, FinishReason::kLength);
    }
  }

  const std::vector<Request> requests_ = requests();
  TestModel model_;
  std::vector<Answered> alone_;
};
INSTANTIATE_TEST_SUITE_P(Models, Identity, testing::ValuesIn(tiny_variants()),
                         [](const auto& test) { return test.param.name; });

TEST_P(Identity, InAnyBatchAndAnyChunks) {
  for (const auto& [sequences, step] : {std::pair<int64_t, int64_t>{16, 256}, {3, 7}, {10, 1}}) {
    SCOPED_TRACE(step);
    EngineOptions o = options();
    o.max_sequences = sequences;
    o.step_tokens = step;
    Engine engine(model_.m.config, model_.weights, o);
    expect_same(engine);
    expect_no_leak(engine);
  }
}

TEST_P(Identity, WhileOthersJoinAndLeave) {
  EngineOptions o = options();
  o.max_sequences = 6;
  o.step_tokens = 40;
  o.adaptive_steps = true;
  // A clock of random steps.
  const base::Philox random(3, 0);
  uint64_t draws = 0;
  double now = 0;
  o.clock = [&] { return now += random.uniform(draws++); };
  Engine engine(model_.m.config, model_.weights, o);
  std::vector<Record> records(requests_.size());
  std::vector<RequestId> others;
  size_t next = 0;
  for (uint64_t step = 0; next < requests_.size() || !engine.idle(); ++step) {
    if (step % 5 == 0 && next < requests_.size()) {
      engine.submit(records[next].recording(requests_[next]));
      ++next;
    }
    if (step % 4 == 0)
      others.push_back(engine.submit(
          {.prompt = random_tokens(70, model_.m.config.V, step), .sampling = greedy(20)}));
    if (step % 6 == 5) engine.cancel(others[random.below(1000 + step, others.size())]);
    if (step > 300) break;
    engine.step();
  }
  while (engine.step()) {
  }
  for (size_t i = 0; i < requests_.size(); ++i)
    EXPECT_EQ(bits_of(records[i].samples, records[i].scores), alone_[i]) << "request " << i;
  expect_no_leak(engine);
}

TEST_P(Identity, AfterPreemption) {
  EngineOptions o = options();
  o.kv_bytes = 8 * model::KvPool::block_bytes(model_.m.config, o.kv_format);
  Engine engine(model_.m.config, model_.weights, o);
  expect_same(engine);
  EXPECT_GT(engine.stats().preemptions, 0);
  expect_no_leak(engine);
}

TEST_P(Identity, WithPrefixCacheHits) {
  Engine engine(model_.m.config, model_.weights, options());
  expect_same(engine);
  const int64_t before = engine.stats().cached_tokens;
  const int64_t ran = engine.stats().prompt_tokens;
  expect_same(engine);
  EXPECT_GT(engine.stats().cached_tokens, before + 300);
  EXPECT_LT(engine.stats().prompt_tokens, 2 * ran - 300);
  expect_no_leak(engine);
}

TEST_P(Identity, WithLookUp) {
  EngineOptions o = options();
  o.speculative = {.tokens = 5, .ngram = 3, .max_decoding = 16};
  Engine engine(model_.m.config, model_.weights, o);
  expect_same(engine);
  EXPECT_GT(engine.stats().drafted, 0);
  expect_no_leak(engine);
}

TEST_P(Identity, WithADraftModel) {
  const TestModel other(model_.m.config, Precision::kF32, 2);  // agrees by chance only
  const model::InferWeights rounded(model_.m.config, model_.m.weights, Precision::kBf16);
  for (const model::InferWeights* draft : {&other.weights, &rounded}) {
    EngineOptions o = options();
    o.speculative = {.tokens = 4, .draft_weights = draft, .max_decoding = 3};
    o.speculative.draft_config = &model_.m.config;
    Engine engine(model_.m.config, model_.weights, o);
    expect_same(engine);
    const EngineStats stats = engine.stats();
    EXPECT_GT(stats.drafted, 20);
    if (draft == &rounded) {
      EXPECT_GT(stats.accepted, stats.drafted * 6 / 10) << stats.drafted;
    }
    expect_same(engine);  // with prefix hits in both pools
    expect_no_leak(engine);
  }
}

// Everything at once: little memory, drafts of both kinds, small chunks.
TEST_P(Identity, WithEverythingAtOnce) {
  const model::InferWeights rounded(model_.m.config, model_.m.weights, Precision::kBf16);
  EngineOptions o = options();
  o.kv_bytes = 7 * model::KvPool::block_bytes(model_.m.config, o.kv_format);
  o.step_tokens = 30;
  o.speculative = {.tokens = 6, .ngram = 2, .draft_weights = &rounded, .max_decoding = 16};
  o.speculative.draft_config = &model_.m.config;
  Engine engine(model_.m.config, model_.weights, o);
  expect_same(engine);
  EXPECT_GT(engine.stats().preemptions, 0);
  EXPECT_GT(engine.stats().accepted, 0);
  expect_no_leak(engine);
}

}  // namespace
}  // namespace parley::infer

#include "infer/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

model::ModelConfig config_of(int64_t T) {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = T;
  return config;
}

void run(Engine& engine) {
  while (engine.step()) {
  }
}

struct EngineTest : testing::Test {
  TestModel model{config_of(400), model::Precision::kInt8};
  const model::ModelConfig& config = model.m.config;

  Request asking(int64_t prompt, int64_t answer, uint64_t seed = 1) const {
    return {.prompt = random_tokens(prompt, config.V, seed), .sampling = greedy(answer)};
  }
};

TEST_F(EngineTest, CountsWhatItDid) {
  Engine engine(config, model.weights, steady());
  Record record;
  const RequestId id = engine.submit(record.recording(asking(100, 7)));
  EXPECT_EQ(engine.stats().waiting, 1);
  run(engine);
  EXPECT_EQ(record.finished.id, id);
  EXPECT_EQ(record.finished.prompt_tokens, 100);
  EXPECT_EQ(record.finished.cached_tokens, 0);
  EXPECT_EQ(record.finished.answer_tokens, 7);
  EXPECT_EQ(record.samples.size(), 7u);
  const EngineStats stats = engine.stats();
  EXPECT_EQ(stats.prompt_tokens, 100);
  EXPECT_EQ(stats.answer_tokens, 7);
  EXPECT_EQ(stats.steps, 7);
  EXPECT_EQ(stats.finished, 1);
  EXPECT_EQ(stats.blocks.cached, 1);

  Record again;
  engine.submit(again.recording(asking(100, 7)));
  run(engine);
  EXPECT_EQ(again.finished.cached_tokens, 64);
  EXPECT_EQ(engine.stats().prompt_tokens, 136);

  Record apart;
  Request request = asking(100, 7);
  request.use_cache = false;
  engine.submit(apart.recording(request));
  run(engine);
  EXPECT_EQ(apart.finished.cached_tokens, 0);
  expect_no_leak(engine);
}

// Eight answers to one prompt read it once, but for its last, half-full block.
TEST_F(EngineTest, OnePromptManyAnswersIsReadOnce) {
  for (const int64_t step_tokens : {256, 64}) {
    Engine engine(config, model.weights, steady(16, step_tokens));
    std::vector<Record> records(8);
    Request request = asking(330, 20);
    request.sampling.temperature = 1;
    for (size_t i = 0; i < records.size(); ++i) {
      request.stream = i;
      engine.submit(records[i].recording(request));
    }
    // Somebody else's prompt does not wait for that.
    Record other;
    engine.submit(other.recording(asking(30, 3, 7)));
    engine.step();
    EXPECT_EQ(engine.stats().running, 2);
    run(engine);
    EXPECT_EQ(engine.stats().prompt_tokens, 330 + 7 * (330 - 320) + 30);
    for (const Record& record : records) EXPECT_EQ(record.finished.answer_tokens, 20);
    EXPECT_NE(records[0].samples[5].token * 64 + records[0].samples[6].token,
              records[1].samples[5].token * 64 + records[1].samples[6].token);
    expect_no_leak(engine);
  }
}

// The first of them is cancelled while the others wait for its blocks.
TEST_F(EngineTest, OnePromptManyAnswersSurvivesItsReader) {
  Engine engine(config, model.weights, steady(16, 32));
  std::vector<Record> records(4);
  std::vector<RequestId> ids;
  for (Record& record : records) ids.push_back(engine.submit(record.recording(asking(330, 5))));
  for (int i = 0; i < 3; ++i) engine.step();
  EXPECT_EQ(engine.stats().running, 1);
  engine.cancel(ids[0]);
  run(engine);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(records[i].finished.answer_tokens, 5);
  expect_no_leak(engine);
}

TEST_F(EngineTest, ShortPromptsDoNotWaitForLongOnes) {
  Engine engine(config, model.weights, steady(16, 32));
  std::vector<int> order;
  for (const int64_t length : {390, 20, 60}) {
    Request request = asking(length, 1, static_cast<uint64_t>(length));
    request.on_done = [&, length](const Finished&) { order.push_back(static_cast<int>(length)); };
    engine.submit(std::move(request));
  }
  run(engine);
  EXPECT_EQ(order, (std::vector<int>{20, 60, 390}));
  // All three shared the steps: 20 tokens wanted two steps of a third of 32 each.
  EXPECT_LE(engine.stats().steps, (390 + 20 + 60) / 32 + 2);
}

TEST_F(EngineTest, ClientsTakeTurns) {
  Engine engine(config, model.weights, steady(1));
  std::vector<uint64_t> order;
  const auto submit = [&](uint64_t client, uint64_t seed) {
    Request request = asking(10, 2, seed);
    request.client = client;
    request.on_done = [&, client](const Finished&) { order.push_back(client); };
    engine.submit(std::move(request));
  };
  for (uint64_t i = 0; i < 5; ++i) submit(1, i);
  for (uint64_t i = 0; i < 2; ++i) submit(2, 10 + i);
  submit(3, 20);
  run(engine);
  EXPECT_EQ(order, (std::vector<uint64_t>{1, 2, 3, 1, 2, 1, 1, 1}));
}

TEST_F(EngineTest, TheQueueIsBounded) {
  EngineOptions options = steady(1);
  options.max_waiting = 2;
  Engine engine(config, model.weights, options);
  engine.submit(asking(5, 50));
  engine.step();
  engine.submit(asking(5, 5));
  engine.submit(asking(5, 5));
  EXPECT_THROW(engine.submit(asking(5, 5)), QueueFull);
  run(engine);
  engine.submit(asking(5, 5));
  EXPECT_EQ(engine.stats().finished, 3);
}

TEST_F(EngineTest, CancellingFreesAtOnce) {
  Engine engine(config, model.weights, steady(2));
  std::vector<Record> records(4);
  std::vector<RequestId> ids;
  for (size_t i = 0; i < 4; ++i)
    ids.push_back(engine.submit(records[i].recording(asking(200, 100, i))));
  for (int i = 0; i < 4; ++i) engine.step();
  EXPECT_EQ(engine.stats().running, 2);
  EXPECT_EQ(engine.stats().blocks.used, 8);
  EXPECT_TRUE(engine.cancel(ids[0]));
  EXPECT_EQ(engine.stats().blocks.used, 4);
  EXPECT_EQ(records[0].finished.reason, FinishReason::kCancelled);
  EXPECT_EQ(records[0].finished.answer_tokens, static_cast<int64_t>(records[0].samples.size()));
  EXPECT_FALSE(engine.cancel(ids[0]));
  EXPECT_TRUE(engine.cancel(ids[3]));  // waiting
  EXPECT_FALSE(engine.cancel(12345));
  run(engine);
  EXPECT_EQ(records[1].finished.answer_tokens, 100);
  EXPECT_EQ(records[2].finished.answer_tokens, 100);
  for (const Record& record : records) EXPECT_EQ(record.done, 1);
  expect_no_leak(engine);
}

// From inside callbacks: itself, others of the same step, and new requests.
TEST_F(EngineTest, CallbacksMaySubmitAndCancel) {
  Engine engine(config, model.weights, steady());
  std::vector<Record> records(5);
  std::vector<RequestId> ids(4);
  for (size_t i = 0; i < 4; ++i) {
    Request request = asking(20, 30, i);
    request.on_token = [&, i](const Sample&) {
      if (records[i].samples.size() == 4 && i == 1)
        for (const size_t other : {size_t{0}, size_t{1}, size_t{2}}) engine.cancel(ids[other]);
      return Verdict::kContinue;
    };
    if (i == 2)
      request.on_done = [&](const Finished&) {
        engine.submit(records[4].recording(asking(10, 6, 9)));
      };
    ids[i] = engine.submit(records[i].recording(request));
  }
  run(engine);
  EXPECT_EQ(records[0].finished.answer_tokens, 4);
  EXPECT_EQ(records[1].finished.answer_tokens, 4);
  EXPECT_EQ(records[2].finished.answer_tokens, 3);
  EXPECT_EQ(records[3].finished.answer_tokens, 30);
  EXPECT_EQ(records[4].finished.answer_tokens, 6);
  for (const Record& record : records) EXPECT_EQ(record.done, 1);
  expect_no_leak(engine);
}

TEST_F(EngineTest, ACallbackThatThrowsEndsItsRequestOnly) {
  Engine engine(config, model.weights, steady());
  std::vector<Record> records(4);
  for (size_t i = 0; i < 4; ++i) {
    Request request = asking(20, 9, i);
    if (i == 0)
      request.on_token = [](const Sample&) -> Verdict { throw std::runtime_error("no reader"); };
    if (i == 1)
      request.score_from = 3, request.on_scores = [](std::span<const TokenScore>) { throw 5; };
    if (i == 2) request.on_done = [](const Finished&) { throw std::runtime_error("late"); };
    engine.submit(records[i].recording(request));
  }
  run(engine);
  EXPECT_EQ(records[0].finished.reason, FinishReason::kError);
  EXPECT_EQ(records[0].finished.error, "no reader");
  EXPECT_EQ(records[0].finished.answer_tokens, 1);
  EXPECT_EQ(records[1].finished.reason, FinishReason::kError);
  EXPECT_TRUE(records[1].samples.empty());
  EXPECT_EQ(records[2].finished.answer_tokens, 9);
  EXPECT_EQ(records[3].finished.answer_tokens, 9);
  expect_no_leak(engine);
}

// A logit bias that leaves nothing, found only when it draws.
TEST_F(EngineTest, ARequestThatFailsDoesSoAlone) {
  Engine engine(config, model.weights, steady());
  Record bad, good;
  Request request = asking(5, 5);
  for (int32_t id = 0; id < config.V; ++id)
    request.sampling.logit_bias[id] = -std::numeric_limits<float>::infinity();
  engine.submit(bad.recording(request));
  engine.submit(good.recording(asking(5, 5, 2)));
  run(engine);
  EXPECT_EQ(bad.finished.reason, FinishReason::kError);
  EXPECT_NE(bad.finished.error.find("no token to choose"), std::string::npos);
  EXPECT_EQ(good.finished.answer_tokens, 5);
  EXPECT_EQ(engine.stats().failed, 1);
}

TEST_F(EngineTest, WhatNeverFitsIsRefused) {
  EngineOptions options = steady();
  options.kv_bytes = 3 * model::KvPool::block_bytes(config, options.kv_format);
  Engine engine(config, model.weights, options);
  EXPECT_EQ(engine.stats().blocks.blocks, 3);
  try {
    engine.submit(asking(150, 60));
    FAIL();
  } catch (const QueueFull&) {
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("4 blocks"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("3 in all"), std::string::npos) << error.what();
  }
  Record record;
  engine.submit(record.recording(asking(150, 43)));  // 192 positions: the last token never runs
  run(engine);
  EXPECT_EQ(record.finished.answer_tokens, 43);
}

// Six that want five blocks each in the end, and eleven to share.
TEST_F(EngineTest, ShortMemoryPreemptsTheYoungest) {
  EngineOptions options = steady();
  options.kv_bytes = 11 * model::KvPool::block_bytes(config, options.kv_format);
  Engine engine(config, model.weights, options);
  std::vector<Record> records(6);
  std::vector<size_t> order;
  for (size_t i = 0; i < 6; ++i) {
    Request request = asking(60, 200, i);
    request.on_done = [&, i](const Finished&) { order.push_back(i); };
    engine.submit(records[i].recording(request));
  }
  run(engine);
  EXPECT_GT(engine.stats().preemptions, 0);
  EXPECT_EQ(records[0].finished.preemptions, 0);
  EXPECT_GT(records[5].finished.preemptions + records[4].finished.preemptions, 0);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  for (const Record& record : records) {
    EXPECT_EQ(record.samples.size(), 200u);
    EXPECT_EQ(record.done, 1);
  }
  for (size_t i = 0; i < 6; ++i) {
    Engine fresh(config, model.weights, steady());
    const Request request = asking(60, 200, i);
    std::vector<int32_t> tokens;
    for (const Sample& sample : records[i].samples) tokens.push_back(sample.token);
    EXPECT_EQ(tokens, ids_of(generate(fresh, {&request, 1})[0]));
  }
  expect_no_leak(engine);
}

TEST_F(EngineTest, NewWeightsForgetTheCache) {
  TestModel changing(config);
  Engine engine(config, changing.weights, steady());
  const Request request = asking(100, 10);
  generate(engine, {&request, 1});
  changing.m.weights.norm_f_w[3] *= -2;
  engine.forget_cache();
  const Completion after = generate(engine, {&request, 1})[0];
  EXPECT_EQ(after.cached_tokens, 0);
  Engine fresh(config, changing.weights, steady());
  EXPECT_EQ(ids_of(after), ids_of(generate(fresh, {&request, 1})[0]));

  // With a request under way.
  Record record;
  engine.submit(record.recording(asking(100, 10, 3)));
  for (int i = 0; i < 4; ++i) engine.step();
  engine.forget_cache();
  run(engine);
  EXPECT_EQ(record.samples.size(), 10u);
  EXPECT_EQ(record.finished.preemptions, 1);
}

// echo with logprobs: the prompt's scores, then the answer.
TEST_F(EngineTest, ScoresThePromptAndAnswers) {
  const TestModel exact(config);
  Engine engine(config, exact.weights, steady(16, 50));
  Record record;
  Request request = asking(200, 5);
  request.score_from = 1;
  request.sampling.logprobs = 3;
  bool answered = false;
  request.on_token = [&](const Sample&) { return answered = true, Verdict::kContinue; };
  request.on_scores = [&](std::span<const TokenScore>) { EXPECT_FALSE(answered); };
  engine.submit(record.recording(request));
  run(engine);
  ASSERT_EQ(record.scores.size(), 199u);
  EXPECT_EQ(record.samples.size(), 5u);
  const Tensor<float> full = full_logits(exact.m, request.prompt);
  for (int64_t t = 1; t < 200; ++t) {
    const TokenScore& score = record.scores[static_cast<size_t>(t) - 1];
    const ConstF32 row = full.row(t - 1);
    EXPECT_EQ(score.token, request.prompt[static_cast<size_t>(t)]);
    EXPECT_NEAR(static_cast<double>(score.logprob),
                static_cast<double>(row[score.token]) - log_sum_exp(row), 2e-4);
    ASSERT_EQ(score.top.size(), 3u);
    EXPECT_EQ(score.greedy, best_token(row) == score.token);
  }
}

// A prompt of 4,000 tokens beside four streams, on a machine where a decode-only step takes
// 20 ms and a prompt token 0.4 ms, later ones more: nobody waits three times as long as usual.
class EnginePace : public testing::TestWithParam<double> {};  // seconds, for each token before
INSTANTIATE_TEST_SUITE_P(Attention, EnginePace, testing::Values(1e-7, 6e-7));

TEST_P(EnginePace, ALongPromptHardlyDelaysTheOthers) {
  const TestModel model(config_of(4200));
  double now = 0;
  const Engine* self = nullptr;
  EngineOptions options;
  options.kv_bytes = 100 * model::KvPool::block_bytes(model.m.config, options.kv_format);
  bool ends = false;
  options.clock = [&] {  // asked at the beginning of a step and at its end
    if (ends) {
      const EngineStats stats = self->stats();
      const auto prompt = static_cast<double>(stats.last_prompt_tokens);
      now += (stats.last_decoding > 0 || prompt > 0 ? 0.020 : 0) +
             prompt * (0.0004 + GetParam() * static_cast<double>(stats.prompt_tokens));
    }
    ends = !ends;
    return now;
  };
  Engine engine(model.m.config, model.weights, options);
  self = &engine;
  std::vector<std::vector<double>> times(4);
  const auto stream = [&](size_t i) {
    Request request{.prompt = random_tokens(20, model.m.config.V, i), .sampling = greedy(400)};
    request.on_token = [&, i](const Sample&) {
      times[i].push_back(now);
      return Verdict::kContinue;
    };
    engine.submit(std::move(request));
  };
  for (size_t i = 0; i < 4; ++i) stream(i);
  for (int i = 0; i < 50; ++i) engine.step();
  Record record;
  double arrived = now, answered = 0;
  Request prompt{.prompt = random_tokens(4000, model.m.config.V, 77), .sampling = greedy(1)};
  prompt.on_token = [&](const Sample&) { return answered = now, Verdict::kContinue; };
  engine.submit(record.recording(prompt));
  run(engine);
  EXPECT_EQ(record.samples.size(), 1u);
  for (const std::vector<double>& at : times) {
    std::vector<double> gaps(at.size());
    std::adjacent_difference(at.begin(), at.end(), gaps.begin());
    gaps.erase(gaps.begin(), gaps.begin() + 8);  // while the streams themselves began
    const double longest = *std::ranges::max_element(gaps);
    std::ranges::nth_element(gaps, gaps.begin() + static_cast<int64_t>(gaps.size() / 2));
    EXPECT_LT(longest, 3 * gaps[gaps.size() / 2]);
    EXPECT_LT(longest, 0.060);
  }
  // And the prompt moves on: alone it would take this long.
  const double alone = 4000 * (0.0004 + GetParam() * 2000) + 16 * 0.020;
  EXPECT_LT(answered - arrived, 2.5 * alone);
}

}  // namespace
}  // namespace parley::infer

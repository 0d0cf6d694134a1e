#include "infer/generate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

class EachVariant : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Models, EachVariant, testing::ValuesIn(tiny_variants()),
                         [](const auto& test) { return test.param.name; });

// Invariant: decoding with the cache equals a full forward pass, at every position,
// whatever the chunks.
TEST_P(EachVariant, CachedLogitsEqualAFullForward) {
  const TestModel model(GetParam());
  const auto tokens = random_tokens(90, model.m.config.V, 3);
  const Tensor<float> full = full_logits(model.m, tokens);  // (N, V)
  const std::vector<int32_t> blocks = {2, 0};               // anywhere in the pool
  for (const int64_t chunk : {int64_t{1}, int64_t{7}, int64_t{64}, int64_t{90}}) {
    SCOPED_TRACE(chunk);
    const model::KvPool pool(model.m.config, model::KvFormat::kF32, 3);
    model::InferState state(model.m.config);
    for (int64_t past = 0; past < 90; past += chunk) {
      const int64_t count = std::min(chunk, 90 - past);
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < count; ++i) rows.push_back(i);
      const model::Span span{0, count, past, blocks};
      const auto logits = state.forward(
          model.weights,
          std::span(tokens).subspan(static_cast<size_t>(past), static_cast<size_t>(count)),
          {&span, 1}, rows, pool);
      expect_close(logits, full.rows(past, past + count));
    }
  }
}

// What greedy decoding would choose by full forward passes alone.
TEST_P(EachVariant, GreedyEqualsFullForwards) {
  const TestModel model(GetParam());
  const auto prompt = random_tokens(5, model.m.config.V, 4);
  std::vector<int32_t> tokens = prompt;
  for (int i = 0; i < 30; ++i) {
    const Tensor<float> logits = full_logits(model.m, tokens);
    const auto last = logits.row(static_cast<int64_t>(tokens.size()) - 1);
    tokens.push_back(
        static_cast<int32_t>(std::max_element(last.begin(), last.end()) - last.begin()));
  }
  EngineOptions options = steady();
  options.hash_logits = true;
  Engine engine(model.m.config, model.weights, options);
  const Request request{.prompt = prompt, .sampling = greedy(30)};
  const auto completions = generate(engine, {&request, 1});
  EXPECT_EQ(ids_of(completions[0]), std::vector<int32_t>(tokens.begin() + 5, tokens.end()));
  EXPECT_EQ(completions[0].reason, FinishReason::kLength);
  EXPECT_NE(engine.last_logits_hash(), 0u);
}

// Prompts of different lengths together, in few or many slots and small or large
// steps, give what each gives alone.
TEST_P(EachVariant, BatchEqualsOneAtATime) {
  const TestModel model(GetParam());
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 9; ++i) {
    Request request{.prompt = random_tokens(1 + static_cast<int64_t>(i * i), model.m.config.V, i)};
    request.sampling.temperature = i % 2 == 0 ? 1.0f : 0.0f;
    request.sampling.seed = 5;
    request.sampling.max_tokens = 3 + static_cast<int64_t>(i) * 2;
    request.sampling.repetition_penalty = i % 3 == 0 ? 1.2f : 1.0f;
    request.stream = i;
    requests.push_back(std::move(request));
  }
  std::vector<std::vector<int32_t>> alone;
  for (const Request& request : requests) {
    Engine engine(model.m.config, model.weights, steady());
    alone.push_back(ids_of(generate(engine, {&request, 1})[0]));
  }
  for (const EngineOptions& options :
       {EngineOptions{}, steady(2, 256), steady(3, 5), steady(9, 1)}) {
    Engine engine(model.m.config, model.weights, options);
    const auto together = generate(engine, requests);
    for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(ids_of(together[i]), alone[i]) << i;
    expect_no_leak(engine);
  }
}

TEST(Generate, LogprobsAreThoseOfTheFullForward) {
  const TestModel model(tiny_variants()[4]);
  Request request{.prompt = random_tokens(4, model.m.config.V, 1)};
  request.sampling.max_tokens = 12;
  request.sampling.logprobs = 3;
  request.sampling.temperature = 0.7f;
  Engine engine(model.m.config, model.weights);
  const Completion completion = generate(engine, {&request, 1})[0];
  std::vector<int32_t> tokens = request.prompt;
  for (const int32_t id : ids_of(completion)) tokens.push_back(id);
  const Tensor<float> full = full_logits(model.m, tokens);
  for (size_t i = 0; i < completion.samples.size(); ++i) {
    const Sample& sample = completion.samples[i];
    const ConstF32 row = full.row(static_cast<int64_t>(request.prompt.size() + i) - 1);
    const double lse = log_sum_exp(row);
    EXPECT_NEAR(static_cast<double>(sample.logprob), static_cast<double>(row[sample.token]) - lse,
                1e-4);
    ASSERT_EQ(sample.top.size(), 3u);
    EXPECT_GE(sample.top[0].logprob, sample.top[1].logprob);
  }
}

TEST(Generate, StopsAtStopTokensContextAndVerdicts) {
  const TestModel model(tiny_variants()[1]);
  Engine engine(model.m.config, model.weights);
  Request request{.prompt = random_tokens(6, model.m.config.V, 2), .sampling = greedy(1000)};

  // The context: 96 positions, and one token more that is only predicted.
  const Completion whole = generate(engine, {&request, 1})[0];
  EXPECT_EQ(whole.reason, FinishReason::kLength);
  EXPECT_EQ(whole.samples.size(), 91u);

  // A stop token ends the answer and is not part of it.
  const int32_t stop = whole.samples[10].token;
  size_t first = 0;
  while (whole.samples[first].token != stop) ++first;
  request.sampling.stop_ids = {stop};
  const Completion stopped = generate(engine, {&request, 1})[0];
  EXPECT_EQ(stopped.reason, FinishReason::kStop);
  EXPECT_TRUE(stopped.stopped_by_token);
  EXPECT_EQ(stopped.samples.size(), first + 1);
  EXPECT_EQ(stopped.answer().size(), first);
  request.sampling.stop_ids.clear();

  for (const auto& [verdict, reason] : {std::pair{Verdict::kStop, FinishReason::kStop},
                                        std::pair{Verdict::kCancel, FinishReason::kCancelled}}) {
    int64_t seen = 0;
    const Completion cut = generate(engine, {&request, 1}, [&, v = verdict](size_t, const Sample&) {
      return ++seen == 3 ? v : Verdict::kContinue;
    })[0];
    EXPECT_EQ(cut.reason, reason);
    EXPECT_EQ(cut.samples.size(), 3u);
  }

  int steps = 0;
  const Completion given_up = generate(engine, {&request, 1}, {}, [&] { return ++steps > 4; })[0];
  EXPECT_EQ(given_up.reason, FinishReason::kCancelled);
  EXPECT_EQ(given_up.samples.size(), 4u);

  request.sampling.max_tokens = 0;
  const Completion nothing = generate(engine, {&request, 1})[0];
  EXPECT_TRUE(nothing.samples.empty());
  EXPECT_EQ(nothing.reason, FinishReason::kLength);
}

TEST(Generate, AFullContextStillPredictsOneToken) {
  const TestModel model(tiny_variants()[3]);
  Engine engine(model.m.config, model.weights);
  const Request request{.prompt = random_tokens(model.m.config.T, model.m.config.V, 2),
                        .sampling = greedy(9)};
  const Completion completion = generate(engine, {&request, 1})[0];
  EXPECT_EQ(completion.samples.size(), 1u);
  EXPECT_EQ(completion.reason, FinishReason::kLength);
}

TEST(Generate, RefusesPromptsThatCannotRun) {
  const TestModel model(tiny_variants()[1]);
  Engine engine(model.m.config, model.weights);
  const auto refused = [&](std::vector<int32_t> prompt) {
    const Request request{.prompt = std::move(prompt)};
    EXPECT_THROW(generate(engine, {&request, 1}), base::Error);
    EXPECT_TRUE(engine.idle());
  };
  refused({});
  refused({-1});
  refused({static_cast<int32_t>(model.m.config.V)});
  refused(random_tokens(model.m.config.T + 1, model.m.config.V, 1));
}

TEST(Generate, NanWeightsAreAnError) {
  TestModel model(tiny_variants()[1]);
  model.m.weights.norm_f_w[0] = std::numeric_limits<float>::quiet_NaN();
  Engine engine(model.m.config, model.weights);
  const std::vector<Request> requests(3, Request{.prompt = {1, 2}});
  EXPECT_THROW(generate(engine, requests), base::Error);
  expect_no_leak(engine);
}

TEST(Generate, WhatTheCallbackThrowsComesOut) {
  const TestModel model(tiny_variants()[1]);
  Engine engine(model.m.config, model.weights);
  const std::vector<Request> requests(3, Request{.prompt = {1, 2}, .sampling = greedy(20)});
  struct Mine {};
  EXPECT_THROW(generate(engine, requests,
                        [](size_t i, const Sample&) -> Verdict {
                          if (i == 1) throw Mine();
                          return Verdict::kContinue;
                        }),
               Mine);
  expect_no_leak(engine);
}

// More requests than the queue holds.
TEST(Generate, FillsABoundedQueueAsItEmpties) {
  const TestModel model(tiny_variants()[1]);
  EngineOptions options = steady(2);
  options.max_waiting = 3;
  Engine engine(model.m.config, model.weights, options);
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 20; ++i)
    requests.push_back({.prompt = random_tokens(5, model.m.config.V, i),
                        .sampling = greedy(static_cast<int64_t>(i % 4))});
  const auto completions = generate(engine, requests);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(completions[i].samples.size(), i % 4);
}

}  // namespace
}  // namespace parley::infer

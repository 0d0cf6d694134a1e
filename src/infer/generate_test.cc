#include "infer/generate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

SamplingParams greedy(int64_t max_tokens) {
  SamplingParams params{.temperature = 0};
  params.max_tokens = max_tokens;
  return params;
}

std::vector<int32_t> ids_of(const Completion& completion) {
  std::vector<int32_t> ids;
  for (const Sample& sample : completion.samples) ids.push_back(sample.token);
  return ids;
}

class EachVariant : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Models, EachVariant, testing::ValuesIn(tiny_variants()),
                         [](const auto& test) { return test.param.name; });

// Invariant: decoding with the cache equals a full forward pass, at every position,
// whatever the chunks.
TEST_P(EachVariant, CachedLogitsEqualAFullForward) {
  const model::Model m = random_model(GetParam().config);
  const auto tokens = random_tokens(90, m.config.V, 3);
  const Tensor<float> full = full_logits(m, tokens);  // (N, V)
  for (const int64_t chunk : {int64_t{1}, int64_t{7}, int64_t{64}, int64_t{90}}) {
    SCOPED_TRACE(chunk);
    KvCache cache(m.config);
    model::InferState state(m.config);
    for (int64_t past = 0; past < 90; past += chunk) {
      const int64_t count = std::min(chunk, 90 - past);
      cache.reserve(past + count);
      std::vector<int64_t> rows;
      for (int64_t i = 0; i < count; ++i) rows.push_back(i);
      const model::Span span{0, count, past, 0};
      const auto logits = state.forward(
          m.weights,
          std::span(tokens).subspan(static_cast<size_t>(past), static_cast<size_t>(count)),
          {&span, 1}, rows, [&](int64_t, int64_t l) { return cache.layer(l); });
      cache.set_length(past + count);
      expect_close(logits, full.rows(past, past + count));
    }
  }
}

// What greedy decoding would choose by full forward passes alone.
TEST_P(EachVariant, GreedyEqualsFullForwards) {
  const model::Model m = random_model(GetParam().config);
  const auto prompt = random_tokens(5, m.config.V, 4);
  std::vector<int32_t> tokens = prompt;
  for (int i = 0; i < 30; ++i) {
    const Tensor<float> logits = full_logits(m, tokens);
    const auto last = logits.row(static_cast<int64_t>(tokens.size()) - 1);
    tokens.push_back(
        static_cast<int32_t>(std::max_element(last.begin(), last.end()) - last.begin()));
  }
  Generator generator(m.config, m.weights, {.hash_logits = true});
  const Request request{.prompt = prompt, .sampling = greedy(30)};
  const auto completions = generator.run({&request, 1});
  EXPECT_EQ(ids_of(completions[0]), std::vector<int32_t>(tokens.begin() + 5, tokens.end()));
  EXPECT_EQ(completions[0].reason, FinishReason::kLength);
  EXPECT_NE(generator.last_logits_hash(), 0u);
}

// Prompts of different lengths together, in few or many slots and small or large
// steps, give what each gives alone.
TEST_P(EachVariant, BatchEqualsOneAtATime) {
  const model::Model m = random_model(GetParam().config);
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 9; ++i) {
    Request request{.prompt = random_tokens(1 + static_cast<int64_t>(i * i), m.config.V, i)};
    request.sampling.temperature = i % 2 == 0 ? 1.0f : 0.0f;
    request.sampling.seed = 5;
    request.sampling.max_tokens = 3 + static_cast<int64_t>(i) * 2;
    request.sampling.repetition_penalty = i % 3 == 0 ? 1.2f : 1.0f;
    request.stream = i;
    requests.push_back(std::move(request));
  }
  std::vector<std::vector<int32_t>> alone;
  for (const Request& request : requests) {
    Generator generator(m.config, m.weights);
    alone.push_back(ids_of(generator.run({&request, 1})[0]));
  }
  for (const GeneratorOptions options : {GeneratorOptions{16, 256}, GeneratorOptions{2, 256},
                                         GeneratorOptions{3, 5}, GeneratorOptions{9, 1}}) {
    Generator generator(m.config, m.weights, options);
    const auto together = generator.run(requests);
    for (size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(ids_of(together[i]), alone[i]) << i;
  }
}

TEST(Generator, LogprobsAreThoseOfTheFullForward) {
  const model::Model m = random_model(tiny_variants()[4].config);
  Request request{.prompt = random_tokens(4, m.config.V, 1)};
  request.sampling.max_tokens = 12;
  request.sampling.logprobs = 3;
  request.sampling.temperature = 0.7f;
  Generator generator(m.config, m.weights);
  const Completion completion = generator.run({&request, 1})[0];
  std::vector<int32_t> tokens = request.prompt;
  for (const int32_t id : ids_of(completion)) tokens.push_back(id);
  const Tensor<float> full = full_logits(m, tokens);
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

TEST(Generator, StopsAtStopTokensContextAndVerdicts) {
  const model::Model m = random_model(tiny_variants()[1].config);
  Generator generator(m.config, m.weights);
  Request request{.prompt = random_tokens(6, m.config.V, 2), .sampling = greedy(1000)};

  // The context: 96 positions, and one token more that is only predicted.
  const Completion whole = generator.run({&request, 1})[0];
  EXPECT_EQ(whole.reason, FinishReason::kLength);
  EXPECT_EQ(whole.samples.size(), 91u);

  // A stop token ends the answer and is not part of it.
  const int32_t stop = whole.samples[10].token;
  size_t first = 0;
  while (whole.samples[first].token != stop) ++first;
  request.sampling.stop_ids = {stop};
  const Completion stopped = generator.run({&request, 1})[0];
  EXPECT_EQ(stopped.reason, FinishReason::kStop);
  EXPECT_TRUE(stopped.stopped_by_token);
  EXPECT_EQ(stopped.samples.size(), first + 1);
  EXPECT_EQ(stopped.answer().size(), first);
  request.sampling.stop_ids.clear();

  for (const auto& [verdict, reason] : {std::pair{Verdict::kStop, FinishReason::kStop},
                                        std::pair{Verdict::kCancel, FinishReason::kCancelled}}) {
    int64_t seen = 0;
    const Completion cut = generator.run({&request, 1}, [&, v = verdict](size_t, const Sample&) {
      return ++seen == 3 ? v : Verdict::kContinue;
    })[0];
    EXPECT_EQ(cut.reason, reason);
    EXPECT_EQ(cut.samples.size(), 3u);
  }

  int steps = 0;
  const Completion given_up = generator.run({&request, 1}, {}, [&] { return ++steps > 4; })[0];
  EXPECT_EQ(given_up.reason, FinishReason::kCancelled);
  EXPECT_EQ(given_up.samples.size(), 4u);

  request.sampling.max_tokens = 0;
  EXPECT_TRUE(generator.run({&request, 1})[0].samples.empty());
}

TEST(Generator, AFullContextStillPredictsOneToken) {
  const model::Model m = random_model(tiny_variants()[3].config);
  Generator generator(m.config, m.weights);
  const Request request{.prompt = random_tokens(m.config.T, m.config.V, 2), .sampling = greedy(9)};
  const Completion completion = generator.run({&request, 1})[0];
  EXPECT_EQ(completion.samples.size(), 1u);
  EXPECT_EQ(completion.reason, FinishReason::kLength);
}

TEST(Generator, RefusesPromptsThatCannotRun) {
  const model::Model m = random_model(tiny_variants()[1].config);
  Generator generator(m.config, m.weights);
  const auto refused = [&](std::vector<int32_t> prompt) {
    const Request request{.prompt = std::move(prompt)};
    EXPECT_THROW(generator.run({&request, 1}), base::Error);
  };
  refused({});
  refused({-1});
  refused({static_cast<int32_t>(m.config.V)});
  refused(random_tokens(m.config.T + 1, m.config.V, 1));
}

TEST(Generator, NanWeightsAreAnError) {
  model::Model m = random_model(tiny_variants()[1].config);
  m.weights.norm_f_w[0] = std::numeric_limits<float>::quiet_NaN();
  Generator generator(m.config, m.weights);
  const Request request{.prompt = {1, 2}};
  EXPECT_THROW(generator.run({&request, 1}), base::Error);
}

// A conversation: each turn's prompt begins with the one before and its answer.
TEST(Generator, ACachedPrefixChangesNothingButTheWork) {
  const model::Model m = random_model(tiny_variants()[4].config);
  Generator generator(m.config, m.weights);
  CachedPrefix cache(m.config);
  std::vector<int32_t> prompt = random_tokens(10, m.config.V, 1);
  for (uint64_t turn = 0; turn < 4; ++turn) {
    Request request{.prompt = prompt, .sampling = greedy(6)};
    const auto fresh = ids_of(generator.run({&request, 1})[0]);
    request.cache = &cache;
    EXPECT_EQ(ids_of(generator.run({&request, 1})[0]), fresh) << "turn " << turn;
    EXPECT_EQ(cache.kv.length(), static_cast<int64_t>(cache.tokens.size()));
    EXPECT_EQ(cache.kv.length(), static_cast<int64_t>(prompt.size()) + 5);
    prompt.insert(prompt.end(), fresh.begin(), fresh.end());
    EXPECT_EQ(cache.keep_common(prompt), static_cast<int64_t>(prompt.size()) - 1);
    for (const int32_t token : random_tokens(4, m.config.V, 50 + turn)) prompt.push_back(token);
  }
  prompt[3] = (prompt[3] + 1) % static_cast<int32_t>(m.config.V);
  EXPECT_EQ(cache.keep_common(prompt), 3);
}

TEST(KvCache, GrowsInBlocksKeepsContentsAndLetsGo) {
  model::ModelConfig config = tiny_variants()[3].config;
  config.T = 500;
  KvCache cache(config);
  EXPECT_EQ(cache.bytes(), 0u);
  cache.reserve(1);
  EXPECT_EQ(cache.capacity(), KvCache::kBlock);
  const int64_t width = config.NKV * config.HS;
  for (int64_t position = 0; position < 500; ++position) {
    cache.reserve(position + 1);
    for (int64_t l = 0; l < config.L; ++l)
      for (int64_t i = 0; i < width; ++i) {
        const auto mark = static_cast<float>(position * 1000 + l * 100 + i);
        cache.layer(l).keys.row(position)[i] = mark;
        cache.layer(l).values.row(position)[i] = -mark;
      }
    cache.set_length(position + 1);
  }
  EXPECT_EQ(cache.capacity(), 500);
  EXPECT_EQ(cache.bytes(), static_cast<size_t>(config.L * 2 * 500 * width) * sizeof(float));
  for (int64_t position = 0; position < 500; position += 37)
    for (int64_t l = 0; l < config.L; ++l) {
      const auto mark = static_cast<float>(position * 1000 + l * 100 + 3);
      EXPECT_EQ(cache.layer(l).keys.row(position)[3], mark);
      EXPECT_EQ(cache.layer(l).values.row(position)[3], -mark);
    }
  cache.release();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(cache.length(), 0);
}

}  // namespace
}  // namespace parley::infer

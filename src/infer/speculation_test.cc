#include "infer/speculation.h"

#include <gtest/gtest.h>

#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

using Ids = std::vector<int32_t>;

Ids found(const Ids& tokens, int64_t ngram, int64_t count) {
  Ids drafts;
  look_up(tokens, ngram, count, drafts);
  return drafts;
}

TEST(LookUp, TheLongestRunProposes) {
  EXPECT_EQ(found({1, 2, 3, 9, 9, 1, 2}, 3, 2), (Ids{3, 9}));
  EXPECT_EQ(found({1, 2, 3, 4, 2, 5, 1, 2}, 3, 2), (Ids{3, 4}));  // the longer one
  EXPECT_EQ(found({1, 2, 3, 4, 2, 5, 1, 2}, 1, 2), (Ids{5, 1}));  // the latest of equals
  EXPECT_EQ(found({1, 2, 3}, 3, 4), Ids{});
  EXPECT_EQ(found({}, 3, 4), Ids{});
  EXPECT_EQ(found({7}, 3, 4), Ids{});
  EXPECT_EQ(found({7, 7}, 3, 4), (Ids{7}));
  EXPECT_EQ(found({7, 8, 7, 8, 7}, 4, 10), (Ids{8, 7}));  // no further than what is there
}

TEST(Acceptance, FollowsWhatIsAccepted) {
  Acceptance good, bad;
  EXPECT_GE(good.length(8), 3);
  for (int i = 0; i < 30; ++i) good.record(8, 8), bad.record(4, 0);
  EXPECT_EQ(good.length(8), 8);
  int64_t tries = 0;
  for (int i = 0; i < 320; ++i) tries += bad.length(8);
  EXPECT_EQ(tries, 10);
  for (int i = 0; i < 30; ++i) bad.record(1, 1);
  EXPECT_EQ(bad.length(8), 8);
}

// What a draft proposes and takes back leaves no trace.
TEST(Sampler, RewindingIsExact) {
  const base::Philox random(1, 0);
  const int64_t V = 50;
  const auto logits = [&](uint64_t step) {
    std::vector<float> x;
    for (uint64_t i = 0; i < 50; ++i)
      x.push_back(static_cast<float>(2 * random.normal(step * 50 + i)));
    return x;
  };
  SamplingParams params{.temperature = 0.8f, .repetition_penalty = 1.3f};
  params.presence_penalty = 0.5f;
  params.frequency_penalty = 0.2f;
  const Ids prompt = {1, 2, 3};
  Sampler plain(params, V, prompt, 4), drafting(params, V, prompt, 4);
  for (uint64_t step = 0; step < 60; ++step) {
    Ids drafts;
    for (uint64_t k = 0; k < step % 4; ++k) {
      const auto x = logits(1000 + step * 10 + k);
      drafts.push_back(drafting.propose({x.data(), {V}}));
    }
    drafting.rewind(drafts);
    const auto x = logits(step);
    const Sample a = plain.next({x.data(), {V}});
    EXPECT_EQ(drafting.propose({x.data(), {V}}), a.token);  // the same draw
    drafting.rewind(Ids{a.token});
    EXPECT_EQ(drafting.next({x.data(), {V}}).token, a.token);
  }
}

// A draft that is the model itself is always right, at any temperature.
TEST(Speculation, ADraftThatIsTheModelIsAlwaysAccepted) {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = 400;
  const TestModel model(config, model::Precision::kBf16);
  for (const float temperature : {0.0f, 1.0f}) {
    EngineOptions options = steady();
    options.speculative = {.tokens = 4, .draft_config = &config, .draft_weights = &model.weights};
    Engine engine(config, model.weights, options);
    Request request{.prompt = random_tokens(300, config.V, 1)};
    request.sampling = greedy(41);
    request.sampling.temperature = temperature;
    const Completion completion = generate(engine, {&request, 1})[0];
    EXPECT_EQ(completion.samples.size(), 41u);
    EXPECT_GT(completion.drafted, 25);
    EXPECT_EQ(completion.accepted, completion.drafted);
    // Two steps of prompt, some in which the draft reads it, then five tokens a step.
    EXPECT_LT(engine.stats().steps, 18);
  }
}

TEST(Speculation, ManySequencesDoWithout) {
  const model::ModelConfig config = tiny_variants()[4].config;
  const TestModel model(config);
  EngineOptions options = steady();
  options.speculative = {.tokens = 4, .draft_config = &config, .draft_weights = &model.weights};
  options.speculative.max_decoding = 2;
  Engine engine(config, model.weights, options);
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 3; ++i)
    requests.push_back({.prompt = random_tokens(4, config.V, i), .sampling = greedy(20)});
  generate(engine, requests);
  EXPECT_EQ(engine.stats().drafted, 0);
  generate(engine, std::span(requests).first(2));
  EXPECT_GT(engine.stats().drafted, 0);
}

TEST(Speculation, ADraftOfAnotherVocabularyIsRefused) {
  const model::ModelConfig config = tiny_variants()[4].config;
  model::ModelConfig other = config;
  other.V = 62;
  const TestModel model(config), draft(other);
  EngineOptions options;
  options.speculative = {.draft_config = &draft.m.config, .draft_weights = &draft.weights};
  EXPECT_THROW(Engine(config, model.weights, options), base::Error);
}

// A draft with a shorter context stops drafting where it ends; one with broken weights never
// proposes. Neither does harm.
TEST(Speculation, LimitedDraftsDoNoHarm) {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = 200;
  const TestModel model(config, model::Precision::kInt8);
  model::ModelConfig narrow = config;
  narrow.T = 50;
  const TestModel brief(narrow);
  TestModel broken(config);
  broken.m.weights.norm_f_w[0] = std::numeric_limits<float>::quiet_NaN();
  const Request request{.prompt = random_tokens(10, config.V, 1), .sampling = greedy(150)};
  Engine plain(config, model.weights, steady());
  const auto expected = ids_of(generate(plain, {&request, 1})[0]);
  for (const TestModel* draft : {&brief, static_cast<const TestModel*>(&broken)}) {
    EngineOptions options = steady();
    options.speculative = {.draft_config = &draft->m.config, .draft_weights = &draft->weights};
    Engine engine(config, model.weights, options);
    EXPECT_EQ(ids_of(generate(engine, {&request, 1})[0]), expected);
    expect_no_leak(engine);
  }
}

}  // namespace
}  // namespace parley::infer

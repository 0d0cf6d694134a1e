// The policy's update through its real parts: packing, log-probabilities, gradients.
#include "train/policy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "infer/score.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

constexpr int64_t kRows = 2, kRowTokens = 24;

model::ModelConfig small_config(bool tied = true) {
  model::ModelConfig c = tiny_config();
  c.V = 40;
  c.tied_embeddings = tied;
  return c;
}

model::Weights random_weights(const model::ModelConfig& config, uint64_t seed) {
  model::Weights weights(config);
  model::init_weights(weights, config, seed);
  const base::Philox random(seed, 99);
  for (int64_t i = 0; i < weights.flat().size(); ++i)  // far from uniform
    weights.flat()[i] *= 6;
  for (const model::ParamInfo& info : weights.params())
    if (info.name.find("norm") != std::string::npos)
      for (float& w : weights.view(info)) w = 1;
  if (config.score_head)
    for (int64_t c = 0; c < config.C; ++c)
      weights.score[c] = static_cast<float>(0.3 * random.normal(static_cast<uint64_t>(c)));
  return weights;
}

Episode episode(std::vector<int32_t> tokens, int64_t prompt_tokens) {
  Episode e;
  e.tokens = std::move(tokens);
  e.prompt_tokens = prompt_tokens;
  return e;
}

std::vector<Episode> some_episodes() {
  return {episode({1, 5, 7, 2, 9, 11}, 2), episode({1, 8, 3}, 1),
          episode({4, 4, 30, 31, 32, 33, 34, 2}, 4), episode({1, 6, 2, 2, 2, 9, 9, 9, 2}, 3),
          episode({9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2}, 6)};
}

// Answers as if sampled by an older policy.
std::vector<AnswerTokens> some_answers(Policy& policy, const model::Weights& weights,
                                       std::span<const EpisodeBatch> batches,
                                       std::span<const Episode> episodes) {
  std::vector<std::vector<float>> logprobs;
  policy.logprobs(weights, batches, episodes, 1, logprobs);
  std::vector<AnswerTokens> answers(episodes.size());
  const base::Philox random(7, 1);
  uint64_t draw = 0;
  for (size_t i = 0; i < answers.size(); ++i)
    for (const float logprob : logprobs[i]) {
      answers[i].logprobs.push_back(logprob + 0.1f * static_cast<float>(random.normal(draw++)));
      answers[i].ref_logprobs.push_back(logprob + 0.3f * static_cast<float>(random.normal(draw++)));
      answers[i].advantages.push_back(static_cast<float>(random.normal(draw++)));
      answers[i].values.push_back(static_cast<float>(random.normal(draw++)));
      answers[i].returns.push_back(static_cast<float>(random.normal(draw++)));
    }
  return answers;
}

TEST(Policy, FirstPassHasRatioOneAndNoKl) {
  const model::ModelConfig config = small_config();
  const model::Weights weights = random_weights(config, 1);
  model::Weights grads(config);
  Policy policy(config, kRows, kRowTokens);
  const std::vector<Episode> episodes = some_episodes();
  const std::vector<EpisodeBatch> batches = pack_episodes(episodes, kRows, kRowTokens);
  std::vector<std::vector<float>> logprobs, ref;
  policy.logprobs(weights, batches, episodes, 0.7, logprobs);
  policy.logprobs(weights, batches, episodes, 0.7, ref);
  std::vector<AnswerTokens> answers(episodes.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(logprobs[i], ref[i]);  // the KL from a reference of the same weights is 0
    answers[i].logprobs = logprobs[i];
    answers[i].advantages.assign(logprobs[i].size(), 1);
  }
  const PolicyStats stats = policy.gradient(weights, grads, batches, episodes, answers,
                                            {.clip = 0.2, .temperature = 0.7});
  EXPECT_EQ(stats.ratio_max, 1);
  EXPECT_NEAR(stats.ratio_mean, 1, 1e-12);
  EXPECT_NEAR(stats.loss, -1, 1e-12);
  EXPECT_EQ(stats.clip_fraction, 0);
  EXPECT_EQ(stats.tokens, 4 + 2 + 4 + 6 + 6);
}

// Training and inference agree on the tokens that were sampled.
TEST(Policy, LogprobsEqualTheEngines) {
  const model::ModelConfig config = small_config();
  const model::Weights weights = random_weights(config, 2);
  Rollouts rollouts(config, weights, {.max_tokens = 9, .temperature = 1, .seed = 3});
  std::vector<RlPrompt> prompts(3);
  prompts[0].ids = {1, 2, 3};
  prompts[1].ids = {4};
  prompts[2].ids = {9, 9, 1, 7, 7};
  for (RlPrompt& prompt : prompts) prompt.stop = 2;
  const std::vector<size_t> chosen = {0, 1, 2, 0, 1, 2, 0, 0};
  const std::vector<Episode> episodes = rollouts.sample(prompts, chosen, 100);
  Policy policy(config, kRows, kRowTokens);
  const std::vector<EpisodeBatch> batches = pack_episodes(episodes, kRows, kRowTokens);
  std::vector<std::vector<float>> logprobs;
  policy.logprobs(weights, batches, episodes, 1, logprobs);
  bool different = false;
  for (size_t i = 0; i < episodes.size(); ++i) {
    const Episode& e = episodes[i];
    ASSERT_EQ(std::ssize(logprobs[i]), e.answer_tokens());
    EXPECT_EQ(e.finished, e.tokens.back() == 2);
    for (size_t t = 0; t < logprobs[i].size(); ++t)
      EXPECT_NEAR(logprobs[i][t], e.sampled_logprobs[t], 2e-5);
    different |= e.tokens != episodes[0].tokens && e.prompt == 0;
  }
  EXPECT_TRUE(different) << "answers to one prompt must differ by their stream";
  // The same again: an answer is a function of weights, prompt, seed and stream.
  const std::vector<Episode> again = rollouts.sample(prompts, chosen, 100);
  for (size_t i = 0; i < episodes.size(); ++i) EXPECT_EQ(again[i].tokens, episodes[i].tokens);
}

// Padding holds garbage: nothing changes, to the last bit.
TEST(Policy, PaddingCountsForNothing) {
  const model::ModelConfig config = small_config();
  const model::Weights weights = random_weights(config, 1);
  Policy policy(config, kRows, kRowTokens);
  const std::vector<Episode> episodes = some_episodes();
  std::vector<EpisodeBatch> batches = pack_episodes(episodes, kRows, kRowTokens);
  const std::vector<AnswerTokens> answers = some_answers(policy, weights, batches, episodes);
  const auto run = [&](std::vector<float>& flat) {
    model::Weights grads(config);
    const PolicyStats stats = policy.gradient(weights, grads, batches, episodes, answers, {});
    flat.assign(grads.flat().begin(), grads.flat().end());
    return stats.loss;
  };
  std::vector<float> clean, dirty;
  const double loss = run(clean);
  int64_t pads = 0;
  for (EpisodeBatch& batch : batches) {
    std::vector<bool> used(batch.packed.tokens.size());
    for (const model::Place& place : batch.packed.places)
      for (int64_t i = 0; i < place.count; ++i) used[static_cast<size_t>(place.begin + i)] = true;
    for (size_t i = 0; i < used.size(); ++i)
      if (!used[i]) batch.packed.tokens[i] = static_cast<int32_t>((i * 7 + 3) % 40), ++pads;
  }
  ASSERT_GT(pads, 0);
  EXPECT_EQ(run(dirty), loss);
  // The embedding's own gradient of padding rows is zero, so even it is the same.
  EXPECT_EQ(clean, dirty);
}

// How an iteration is packed into batches and minibatches changes nothing but rounding.
TEST(Policy, GradientDoesNotDependOnPacking) {
  const model::ModelConfig config = small_config(/*tied=*/false);
  const model::Weights weights = random_weights(config, 1);
  const std::vector<Episode> episodes = some_episodes();
  Policy narrow(config, 1, 12), wide(config, kRows, kRowTokens);
  const auto narrow_batches = pack_episodes(episodes, 1, 12);
  const auto wide_batches = pack_episodes(episodes, kRows, kRowTokens);
  ASSERT_GT(narrow_batches.size(), wide_batches.size());
  const std::vector<AnswerTokens> answers = some_answers(wide, weights, wide_batches, episodes);
  model::Weights a(config), b(config);
  const PolicyUpdate update{.clip = 0.2, .temperature = 0.8, .kl_in_loss = 0.3};
  const PolicyStats one = wide.gradient(weights, a, wide_batches, episodes, answers, update);
  const PolicyStats two = narrow.gradient(weights, b, narrow_batches, episodes, answers, update);
  EXPECT_NEAR(one.loss, two.loss, 1e-6);
  for (int64_t i = 0; i < a.flat().size(); ++i) ASSERT_NEAR(a.flat()[i], b.flat()[i], 2e-5);
}

template <typename Loss>
void expect_slopes(model::Weights& weights, const model::Weights& grads, Loss&& loss,
                   double tolerance) {
  constexpr float h = 4e-3f;
  for (size_t p = 0; p < weights.params().size(); ++p) {
    const F32 w = weights.view(p);
    for (int64_t k = 0; k < 3; ++k) {
      const int64_t i = (k * 7919 + static_cast<int64_t>(p)) % w.size();
      const float old = w[i];
      w[i] = old + h;
      const double up = loss();
      w[i] = old - h;
      const double down = loss();
      w[i] = old;
      EXPECT_NEAR(grads.view(p)[i], (up - down) / (2 * static_cast<double>(h)), tolerance)
          << weights.params()[p].name << "[" << i << "]";
    }
  }
}

TEST(Policy, GradientByFiniteDifferences) {
  const model::ModelConfig config = small_config();
  model::Weights weights = random_weights(config, 1), grads(config), scratch(config);
  Policy policy(config, kRows, kRowTokens);
  const std::vector<Episode> episodes = some_episodes();
  const auto batches = pack_episodes(episodes, kRows, kRowTokens);
  const std::vector<AnswerTokens> answers = some_answers(policy, weights, batches, episodes);
  // A clip so wide that no kink lies within the steps.
  const PolicyUpdate update{.clip = 5, .temperature = 0.8, .kl_in_loss = 0.2};
  policy.gradient(weights, grads, batches, episodes, answers, update);
  expect_slopes(
      weights, grads,
      [&] { return policy.gradient(weights, scratch, batches, episodes, answers, update).loss; },
      4e-3);
}

TEST(ValueFunction, GradientByFiniteDifferences) {
  model::ModelConfig config = small_config();
  config.score_head = true;
  model::Weights weights = random_weights(config, 4), grads(config), scratch(config);
  Policy policy(small_config(), kRows, kRowTokens);
  ValueFunction value(config, kRows, kRowTokens);
  const std::vector<Episode> episodes = some_episodes();
  const auto batches = pack_episodes(episodes, kRows, kRowTokens);
  std::vector<AnswerTokens> answers =
      some_answers(policy, random_weights(small_config(), 1), batches, episodes);
  value.values(weights, batches, episodes, answers);
  value.gradient(weights, grads, batches, episodes, answers, 100);
  expect_slopes(
      weights, grads,
      [&] { return value.gradient(weights, scratch, batches, episodes, answers, 100).loss; }, 4e-3);
}

// ptx adds exactly its coefficient times the language-model gradient.
TEST(Policy, TextGradientIsAdded) {
  const model::ModelConfig config = small_config();
  const model::Weights weights = random_weights(config, 1);
  Policy policy(config, kRows, kRowTokens);
  model::PackedBatch text(kRows, kRowTokens);
  for (size_t i = 0; i < text.tokens.size(); ++i) {
    text.tokens[i] = static_cast<int32_t>(i % 40);
    text.targets[i] = static_cast<int32_t>((i + 1) % 40);
    text.positions[i] = static_cast<int32_t>(i % kRowTokens);
    text.first_key[i] = 0;
  }
  const std::vector<Episode> episodes = some_episodes();
  const auto batches = pack_episodes(episodes, kRows, kRowTokens);
  const std::vector<AnswerTokens> answers = some_answers(policy, weights, batches, episodes);
  model::Weights both(config), alone(config), lm(config);
  policy.gradient(weights, alone, batches, episodes, answers, {});
  policy.gradient(weights, both, batches, episodes, answers, {});
  const double loss = policy.add_text_gradient(weights, both, text.views(), 27.8);
  model::TrainState state(config, {.B = kRows, .T = kRowTokens});
  EXPECT_NEAR(state.forward_backward(weights, lm, text.views(), false), loss, 1e-6);
  for (int64_t i = 0; i < lm.flat().size(); ++i)
    ASSERT_NEAR(both.flat()[i], alone.flat()[i] + 27.8f * lm.flat()[i],
                1e-4 + 1e-4 * std::abs(both.flat()[i]));
}

TEST(PackEpisodes, OnlyAnswersAreTargets) {
  const std::vector<Episode> episodes = some_episodes();
  for (const EpisodeBatch& batch : pack_episodes(episodes, kRows, kRowTokens))
    for (const model::Place& place : batch.packed.places) {
      const Episode& e = episodes[place.sequence];
      for (int64_t i = 0; i < place.count; ++i) {
        const int32_t target = batch.packed.targets[static_cast<size_t>(place.begin + i)];
        const bool answer = i >= e.prompt_tokens - 1 && i + 1 < place.count;
        EXPECT_EQ(target, answer ? e.tokens[static_cast<size_t>(i + 1)] : -1);
      }
    }
}

TEST(UpdateFlops, CountsNoPadding) {
  const model::ModelConfig config = small_config();
  const std::vector<Episode> episodes = some_episodes();
  EXPECT_EQ(update_flops(config, pack_episodes(episodes, kRows, kRowTokens), episodes),
            update_flops(config, pack_episodes(episodes, 1, 12), episodes));
}

}  // namespace
}  // namespace parley::train

#include "train/reward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "model/hf.h"
#include "train/reward_report.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

double log_sigmoid(double x) { return -std::log1p(std::exp(-x)); }

// K answers in one batch element: the loss is the mean over all C(K, 2) pairs.
TEST(PairwiseLoss, EqualsTheSumOverPairs) {
  const std::vector<float> scores = {0.3f, -1.2f, 2.0f, 0.7f};
  std::vector<Comparison::Pair> pairs;
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = i + 1; j < 4; ++j) pairs.push_back({i, j});
  double expected = 0;
  for (const auto& [better, worse] : pairs)
    expected -= log_sigmoid(static_cast<double>(scores[better] - scores[worse])) / 6;
  std::vector<float> gradient(4, 0);
  EXPECT_NEAR(pairwise_loss(scores, pairs, gradient, 1), expected, 1e-6);
  // Finite differences of every score.
  for (size_t i = 0; i < 4; ++i) {
    constexpr float h = 1e-2f;
    std::vector<float> up = scores, down = scores, ignored(4, 0);
    up[i] += h, down[i] -= h;
    const double slope =
        (pairwise_loss(up, pairs, ignored, 1) - pairwise_loss(down, pairs, ignored, 1)) / (2 * h);
    EXPECT_NEAR(gradient[i], slope, 1e-4);
  }
  // Only differences count.
  double sum = 0;
  for (const float g : gradient) sum += static_cast<double>(g);
  EXPECT_NEAR(sum, 0, 1e-6);
}

TEST(PairwiseLoss, FarOffScoresStayNumbers) {
  const std::vector<float> scores = {-500, 500};
  std::vector<float> gradient(2, 0);
  const std::vector<Comparison::Pair> pairs = {{0, 1}};
  EXPECT_NEAR(pairwise_loss(scores, pairs, gradient, 1), 1000, 1e-3);
  EXPECT_NEAR(gradient[0], -1, 1e-6);
  EXPECT_NEAR(gradient[1], 1, 1e-6);
}

data::Preference preference(const std::string& prompt, std::vector<std::string> answers,
                            std::vector<double> ranks) {
  return {{{"user", prompt}}, std::move(answers), std::move(ranks), "test:1"};
}

class Comparisons : public ::testing::Test {
 protected:
  Comparisons() : format_{tiny_tokenizer(), tokenizer::ChatTemplate::chatml(), -1} {
    format_.end_of_turn = format_.chat_template.end_of_turn(format_.tokenizer);
  }
  data::ChatFormat format_;
  ComparisonReport report_;
};

TEST_F(Comparisons, OnePromptIsOneElement) {
  const std::vector<data::Preference> preferences = {preference("a", {"x", "y"}, {1, 2}),
                                                     preference("b", {"p", "q", "r"}, {1, 2, 2}),
                                                     preference("a", {"y", "z"}, {1, 2})};
  const auto comparisons = make_comparisons(preferences, format_, 64, 9, report_);
  ASSERT_EQ(comparisons.size(), 2u);
  EXPECT_EQ(comparisons[0].sequences.size(), 3u);  // x, y, z: y once
  EXPECT_EQ(comparisons[0].pairs.size(), 2u);
  EXPECT_EQ(comparisons[1].pairs.size(), 2u);  // q and r are a tie
  EXPECT_EQ(report_.ties, 1);
  EXPECT_EQ(report_.duplicates, 1);
  EXPECT_EQ(report_.pairs, 4);
  EXPECT_EQ(comparisons[0].sequences[0].back(), format_.end_of_turn);
}

TEST_F(Comparisons, LongAnswersAreCutAndCounted) {
  const std::vector<data::Preference> preferences = {
      preference("a", {std::string(500, 'x'), "y"}, {1, 2}),
      preference(std::string(500, 'u'), {"x", "y"}, {1, 2})};
  const auto comparisons = make_comparisons(preferences, format_, 40, 9, report_);
  ASSERT_EQ(comparisons.size(), 1u);
  EXPECT_EQ(comparisons[0].sequences[0].size(), 40u);
  EXPECT_EQ(comparisons[0].sequences[0].back(), format_.end_of_turn);  // where the score is read
  EXPECT_EQ(report_.cut, 1);
  EXPECT_EQ(report_.dropped, 1);
}

TEST_F(Comparisons, NoMoreAnswersThanAsked) {
  std::vector<data::Preference> preferences;
  for (int i = 0; i < 10; ++i)
    preferences.push_back(preference("a", {"same", "other" + std::to_string(i)}, {1, 2}));
  const auto comparisons = make_comparisons(preferences, format_, 64, 4, report_);
  ASSERT_EQ(comparisons.size(), 4u);
  for (const Comparison& c : comparisons) EXPECT_LE(c.sequences.size(), 4u);
  EXPECT_EQ(report_.pairs, 10);
}

TEST(SplitByPrompt, KeepsPromptsWhole) {
  std::vector<data::Preference> preferences;
  for (int i = 0; i < 400; ++i)
    preferences.push_back(preference("prompt " + std::to_string(i % 100), {"a", "b"}, {1, 2}));
  const auto [train, held_out] = split_by_prompt(preferences, 0.3, 0);
  EXPECT_EQ(train.size() + held_out.size(), 400u);
  EXPECT_GT(held_out.size(), 60u);
  EXPECT_LT(held_out.size(), 180u);
  for (const data::Preference& p : train)
    for (const data::Preference& q : held_out)
      ASSERT_NE(p.messages[0].content, q.messages[0].content);
}

TEST(RewardReport, Numbers) {
  const std::vector<ScoredPair> pairs = {
      {2, 1, 10, 20}, {2, 1, 30, 20}, {1, 2, 30, 20}, {0, 0, 5, 5}};
  EXPECT_DOUBLE_EQ(accuracy(pairs), 2.5 / 4);
  EXPECT_DOUBLE_EQ(length_accuracy(pairs), 2.5 / 4);
  const auto bins = calibration(pairs);
  EXPECT_EQ(bins[0].pairs, 1);  // the tie: predicted 0.5
  EXPECT_EQ(bins[4].pairs, 3);  // σ(1) = 0.731
  EXPECT_NEAR(bins[4].predicted, 1 / (1 + std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(bins[4].observed, 2.0 / 3, 1e-12);
  EXPECT_NEAR(calibration_error(bins), 0.75 * std::abs(1 / (1 + std::exp(-1.0)) - 2.0 / 3), 1e-9);
  // Perfect rank agreement of score and length.
  const std::vector<ScoredPair> ordered = {{4, 1, 40, 10}, {3, 2, 30, 20}};
  EXPECT_NEAR(length_correlation(ordered), 1, 1e-12);
  const std::string text = reward_report_markdown(reward_report(pairs));
  EXPECT_NE(text.find("62.5"), std::string::npos) << text;
}

// Through the real loop: a model learns that answers with "good" win, whatever their length.
TEST(TrainReward, LearnsAndIsNormalised) {
  TempDir dir;
  model::ModelConfig config = tiny_config();
  config.T = 64;
  model::Weights weights(config);
  model::init_weights(weights, config, 1);
  model::save_model(dir / "lm", config, weights);
  tiny_tokenizer().save(dir / "lm");
  std::ofstream data(dir / "pairs.jsonl");
  for (int i = 0; i < 60; ++i)
    data << R"({"messages":[{"role":"user","content":"q)" << i << R"("}],"chosen":"good )"
         << (i % 3 ? "fox" : "") << R"(","rejected":"bad )" << (i % 2 ? "dog" : "") << "\"}\n";
  data.close();
  RewardModelOptions options;
  options.model = (dir / "lm").string();
  options.data = {(dir / "pairs.jsonl").string()};
  options.val_fraction = 0.25;
  options.loop.out = dir / "run";
  options.loop.epochs = 6;
  options.loop.batch = 8;
  options.loop.lr = 3e-3;
  const RewardResult result = train_reward(options, /*quiet=*/true);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_GT(result.report["accuracy"].get<double>(), 0.95) << result.report.dump();
  const model::Model model = model::load_reward_model(result.loop.model);
  EXPECT_TRUE(model.config.score_head);
  EXPECT_NE(model.config.score_bias, 0);
  // The preferred answers score 0 on average.
  const data::ChatFormat format = data::ChatFormat::load(result.loop.model);
  data::ReadReport read;
  ComparisonReport report;
  const auto [train, held_out] = split_by_prompt(
      data::read_preferences({dir / "pairs.jsonl"}, {}, read), 0.25, options.loop.seed);
  std::vector<std::vector<int32_t>> reference;
  for (const Comparison& c : make_comparisons(train, format, config.T, 9, report))
    reference.push_back(c.sequences[c.pairs.front().better]);
  model::Scorer scorer(model.config, 4, config.T);
  double mean = 0;
  for (const float score : scorer.score(model.weights, reference))
    mean += static_cast<double>(score) / static_cast<double>(reference.size());
  EXPECT_NEAR(mean, 0, 1e-4);
  EXPECT_TRUE(fs::exists(dir / "run/report.md"));
  // A language model is no reward model, and says what to do.
  try {
    model::load_reward_model(dir / "lm");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("parley reward"), std::string::npos);
  }
}

}  // namespace
}  // namespace parley::train

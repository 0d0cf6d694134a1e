#include "eval/judge.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "data/chat_ids.h"
#include "model/reward_model.h"

namespace parley::eval {
namespace {

class RewardJudge final : public Judge {
 public:
  explicit RewardJudge(const std::filesystem::path& directory)
      : name_(directory.string()), scorer_(directory) {}

  std::string name() const override { return name_; }
  void check(std::span<const tokenizer::Message> messages) override { scorer_.check(messages); }

  std::vector<double> compare(std::span<const JudgedPair> pairs) override {
    // In a round robin an answer meets several others: it is scored once.
    std::vector<std::string> keys;
    std::vector<AnswerScorer::Item> missing;
    std::vector<std::string> missing_keys;
    const auto ask = [&](const JudgedPair& pair, const std::string& answer) {
      std::string key;
      for (const tokenizer::Message& message : pair.messages)
        key += message.role + '\0' + message.content + '\0';
      key += '\1' + answer;
      if (scores_.try_emplace(key, 0.0f).second) {
        missing.push_back({pair.messages, answer});
        missing_keys.push_back(key);
      }
      keys.push_back(std::move(key));
    };
    for (const JudgedPair& pair : pairs) {
      ask(pair, pair.a);
      ask(pair, pair.b);
    }
    const std::vector<float> scores = scorer_.score(missing);
    for (size_t i = 0; i < scores.size(); ++i) scores_[missing_keys[i]] = scores[i];
    std::vector<double> preferences;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const float a = scores_[keys[2 * i]], b = scores_[keys[2 * i + 1]];
      preferences.push_back(a > b ? 1 : a < b ? 0 : 0.5);
    }
    return preferences;
  }

  std::string remarks() const override {
    if (scorer_.cut() == 0) return {};
    return fmt::format(
        "{} answers were longer than the judge's context, which read their beginning",
        scorer_.cut());
  }

 private:
  std::string name_;
  AnswerScorer scorer_;
  std::unordered_map<std::string, float> scores_;
};

}  // namespace

struct AnswerScorer::Model {
  model::Model model;
  data::ChatFormat format;
  model::Scorer scorer;
};

AnswerScorer::AnswerScorer(const std::filesystem::path& directory) {
  model::Model model = model::load_reward_model(directory);
  model::Scorer scorer(model.config);
  model_ = std::make_unique<Model>(
      Model{std::move(model), data::ChatFormat::load(directory), std::move(scorer)});
}

AnswerScorer::~AnswerScorer() = default;

std::vector<int32_t> AnswerScorer::prompt_of(std::span<const tokenizer::Message> messages) const {
  const int64_t T = model_->model.config.T;
  std::vector<int32_t> ids = data::prompt_ids(model_->format, messages, T / 2);
  if (ids.empty())
    base::fail(
        "the judge's context holds {} tokens, and this prompt leaves no room for an answer: {}…", T,
        messages.back().content.substr(0, 80));
  return ids;
}

void AnswerScorer::check(std::span<const tokenizer::Message> messages) const {
  prompt_of(messages);
}

std::vector<float> AnswerScorer::score(std::span<const Item> items) {
  std::vector<std::vector<int32_t>> sequences;
  for (const Item& item : items) {
    bool cut = false;
    sequences.push_back(data::scored_ids(model_->format, prompt_of(item.messages), item.answer,
                                         model_->model.config.T, cut));
    cut_ += cut;
  }
  if (sequences.empty()) return {};
  return model_->scorer.score(model_->model.weights, sequences);
}

std::unique_ptr<Judge> make_reward_judge(const std::filesystem::path& directory) {
  return std::make_unique<RewardJudge>(directory);
}

}  // namespace parley::eval

#include "train/reward_model_source.h"

#include <algorithm>

#include "base/error.h"
#include "data/chat_ids.h"
#include "data/encoder.h"
#include "model/hf.h"

namespace parley::train {
namespace {

class RewardModelSource : public RewardSource {
 public:
  RewardModelSource(std::string directory, int32_t end_of_turn)
      : directory_(std::move(directory)),
        end_of_turn_(end_of_turn),
        model_(model::load_reward_model(directory_)),
        scorer_(model_.config) {}

  std::string name() const override { return "model:" + directory_; }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<std::vector<int32_t>> sequences;
    for (const Answer& answer : answers) {
      std::vector<int32_t> ids(answer.tokens.begin(), answer.tokens.end());
      // Scores are read where answers end; the model never saw one that does not.
      if (!answer.finished) ids.push_back(end_of_turn_);
      if (std::ssize(ids) > model_.config.T) ids.erase(ids.begin(), ids.end() - model_.config.T);
      sequences.push_back(std::move(ids));
    }
    const std::vector<float> scores = scorer_.score(model_.weights, sequences);
    return {scores.begin(), scores.end()};
  }

 private:
  std::string directory_;
  int32_t end_of_turn_;
  model::Model model_;
  model::Scorer scorer_;
};

}  // namespace

std::unique_ptr<RewardSource> load_reward_source(std::string_view directory,
                                                 const tokenizer::Tokenizer& policy) {
  const auto tokenizer = tokenizer::Tokenizer::load(directory);
  if (data::make_encoder(tokenizer).fingerprint != data::make_encoder(policy).fingerprint)
    base::fail(
        "{}: the reward model's tokenizer is not the policy's, so it would read other ids than "
        "were sampled; train it from a model with the same tokenizer",
        directory);
  return std::make_unique<RewardModelSource>(std::string(directory),
                                             data::ChatFormat::load(directory).end_of_turn);
}

}  // namespace parley::train

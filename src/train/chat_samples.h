// RUN/samples.md of chat training: the same questions answered over time, side by side.
#pragma once

#include <string>
#include <vector>

#include "data/chat_ids.h"
#include "data/conversations.h"
#include "model/weights.h"

namespace parley::train {

namespace fs = std::filesystem;

class ChatSamples {
 public:
  // Six questions in English and Chinese and, if it is not empty, the prompts of a JSON Lines
  // file (data::read_prompts). Answers have at most `max_tokens`; half the context if that is
  // more. Error when the file cannot be read.
  ChatSamples(fs::path run, const std::string& prompts_file, const data::ChatFormat& format,
              const model::ModelConfig& config, int64_t max_tokens, uint64_t seed);

  // Answers all of them, rewrites samples.md and samples.jsonl (what it is made from; answers of
  // this step and later ones, of a run that was resumed, are replaced). Returns the first question
  // and answer on one line.
  std::string write(int64_t step, const model::Weights& weights) const;

 private:
  struct Question {
    std::string text;  // the last user's turn
    std::vector<int32_t> ids;
  };
  std::vector<std::string> answer(const model::Weights& weights) const;

  fs::path run_;
  const data::ChatFormat& format_;
  const model::ModelConfig& config_;
  int64_t max_tokens_;
  uint64_t seed_;
  std::vector<Question> questions_;
};

}  // namespace parley::train

// Who prefers which of two answers: a reward model, or a model behind an API.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/chat.h"

namespace parley::eval {

// Two answers to one conversation, which ends with the user's turn.
struct JudgedPair {
  std::span<const tokenizer::Message> messages;
  const std::string& a;
  const std::string& b;
};

class Judge {
 public:
  virtual ~Judge() = default;
  virtual std::string name() const = 0;
  // Error when this judge cannot read a prompt; asked before any answer is made.
  virtual void check(std::span<const tokenizer::Message> messages) { (void)messages; }
  // The preference for `a` of each pair, in order: 1, 0, or ½ for a tie. Error when judging is
  // impossible.
  virtual std::vector<double> compare(std::span<const JudgedPair> pairs) = 0;
  // What happened so far that a report should say ("3 verdicts could not be read: ties"); empty
  // when nothing did.
  virtual std::string remarks() const { return {}; }
};

// Rewards of answers by a reward model, read as `parley reward score` reads them: the prompt in
// the model's chat template (without its oldest turns where it is longer than half the context),
// the answer, the token that ends it.
class AnswerScorer {
 public:
  // Error when the directory holds no reward model, or no chat template.
  explicit AnswerScorer(const std::filesystem::path& directory);
  ~AnswerScorer();
  AnswerScorer(const AnswerScorer&) = delete;
  AnswerScorer& operator=(const AnswerScorer&) = delete;

  struct Item {
    std::span<const tokenizer::Message> messages;
    const std::string& answer;
  };
  // One reward an item, in order. Error when a prompt leaves no room for an answer.
  std::vector<float> score(std::span<const Item> items);
  // The same Error for a prompt alone.
  void check(std::span<const tokenizer::Message> messages) const;
  // Answers whose end the context did not hold, so far.
  int64_t cut() const { return cut_; }

 private:
  std::vector<int32_t> prompt_of(std::span<const tokenizer::Message> messages) const;

  struct Model;
  std::unique_ptr<Model> model_;
  int64_t cut_ = 0;
};

// The answer with the larger reward is preferred; equal rewards are a tie.
std::unique_ptr<Judge> make_reward_judge(const std::filesystem::path& directory);

}  // namespace parley::eval

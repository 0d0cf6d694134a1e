// Feedback as data for training: what `parley sft`, `reward`, `dpo` and `ppo` read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/feedback.h"

namespace parley::app {

struct ExportFilter {
  store::Time since = 0;
  std::set<std::string> kinds{};  // empty: all
  std::string model{};            // part of the name of what answered; empty: all
  // How many more judgements must be for an answer than against it (or for the other one).
  int64_t min_votes = 1;

  bool keeps(const store::Feedback& feedback) const;
};

// Lines of JSON, in the order the feedback came in, each once.
struct ExportedFeedback {
  std::vector<std::string> sft;          // {"messages"}: liked answers, and corrections
  std::vector<std::string> preferences;  // {"messages", "chosen", "rejected"}
  std::vector<std::string> prompts;      // {"messages"}: for PPO
  // What was left out, by reason: tie, contradicted, few_votes, same_text, cut_off, no_prompt.
  std::map<std::string, int64_t> left_out;
};

// Collects feedback, oldest first.
class FeedbackExport {
 public:
  explicit FeedbackExport(ExportFilter filter) : filter_(std::move(filter)) {}

  void add(const store::Feedback& feedback);
  ExportedFeedback finish() const;

 private:
  struct Answer {  // to a prompt: its ratings, by who gave them
    std::map<std::string, int64_t> ratings;
    std::vector<std::pair<std::string, std::string>> corrections;  // by whom, text: the newest each
    bool whole = true;                                             // it ended by itself
  };
  struct Pair {                            // two answers to a prompt, in the order of their texts
    std::map<std::string, int64_t> votes;  // by whom: 1 first, -1 second, 0 tie
  };
  struct Prompt {
    Json messages{};
    std::map<std::string, size_t> answers{};  // text → place in answer_order
    std::vector<std::pair<std::string, Answer>> answer_order{};
    std::map<std::pair<std::string, std::string>, size_t> pairs{};
    std::vector<std::pair<std::pair<std::string, std::string>, Pair>> pair_order{};
  };

  Answer& answer_of(Prompt& prompt, const std::string& text);
  void finish_prompt(const Prompt& prompt, ExportedFeedback& out) const;

  ExportFilter filter_;
  std::map<std::string, size_t> places_;  // messages as text → prompts_
  std::vector<Prompt> prompts_;
  std::map<std::string, int64_t> left_out_;
};

// Writes sft.jsonl, preferences.jsonl and prompts.jsonl into a folder (made if it is not there),
// each in one step. Error when that fails.
void write_export(const ExportedFeedback& exported, const std::filesystem::path& folder);

}  // namespace parley::app

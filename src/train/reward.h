// Reward models: from what people preferred to a number for any answer (InstructGPT, Ouyang et
// al. 2022, section 3.5; Stiennon et al. 2020, section 3.4).
#pragma once

#include <string>
#include <vector>

#include "data/chat_ids.h"
#include "data/conversations.h"
#include "model/reward_model.h"
#include "train/loop.h"

namespace parley::train {

struct RewardModelOptions {
  LoopOptions loop;
  std::string model;              // the model directory to start from: an SFT model
  std::vector<std::string> data;  // preferences
  std::vector<std::string> val_data;
  double val_fraction = 0.1;           // of the prompts of `data`, when there is no val_data
  std::vector<std::string> reference;  // conversations whose answers shall score 0 on average;
                                       // empty: the preferred answers of `data`
  bool skip_bad = false;
  int64_t context = 0;      // longest prompt and answer together, tokens; 0: the model's
  int64_t max_answers = 9;  // of one prompt in one batch element
  double lm_weight = 0;     // of the language-model loss on preferred answers (a regulariser)
};

// Answers to one prompt that were compared: one batch element, so that an answer met in
// several comparisons is learned from once.
struct Comparison {
  struct Pair {
    size_t better, worse;  // of `sequences`
  };
  std::vector<std::vector<int32_t>> sequences;  // prompt, answer, end of turn
  std::vector<int64_t> prompt_tokens;           // of each sequence
  std::vector<int64_t> answer_bytes;            // of each answer's text
  std::vector<Pair> pairs;                      // ties are left out
};

// What became of the records.
struct ComparisonReport {
  int64_t pairs = 0, prompts = 0;
  int64_t ties = 0;        // pairs without a preference, not learned
  int64_t cut = 0;         // answers cut at the context's end
  int64_t dropped = 0;     // records whose prompt leaves no room for an answer
  int64_t duplicates = 0;  // answers met again under the same prompt
};

// Merges records of one prompt (at most max_answers answers to an element) and encodes them.
// An answer that is longer than the context is cut at its end, a prompt loses its oldest turns;
// both are counted.
std::vector<Comparison> make_comparisons(std::span<const data::Preference> preferences,
                                         const data::ChatFormat& format, int64_t context,
                                         int64_t max_answers, ComparisonReport& report);

// Splits by prompt: the share `fraction` (by a hash of the prompt, whatever the order) goes to
// the second list.
std::pair<std::vector<data::Preference>, std::vector<data::Preference>> split_by_prompt(
    std::vector<data::Preference> preferences, double fraction, uint64_t seed);

// The loss of one prompt and its gradient: −1/P Σ log σ(s_better − s_worse) over its P pairs, for
// K answers without ties C(K, 2) of them. dscores (K) are added to. Returns the loss in nats.
double pairwise_loss(std::span<const float> scores, std::span<const Comparison::Pair> pairs,
                     std::span<float> dscores, double scale);

struct RewardResult {
  LoopResult loop;
  Json report;  // reward_report.h
};

// Runs (or resumes) the training; writes the run directory of loop.h, and beside it
// report.json and report.md: accuracy, calibration, length bias on held-out prompts.
RewardResult train_reward(RewardModelOptions options, bool quiet = false);

}  // namespace parley::train

// Where rewards come from: rules, unit tests, an external program, reward models, and
// weighted mixes of them. docs/rewards.md is the user's guide.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley::train {

// One finished answer to score: text, since rules read text.
struct Answer {
  std::string_view prompt;       // text of the last user message, or of the raw prompt
  std::string_view response;     // decoded, cut at the end of turn
  const nlohmann::json* record;  // the prompt's whole record ("answer", "tests", …), never null
  bool finished;                 // ended by its end-of-turn token rather than by length
  std::span<const int32_t> tokens;  // (T) prompt and answer as ids (reward models read these)
};

class RewardSource {
 public:
  virtual ~RewardSource() = default;
  virtual std::string name() const = 0;
  // One finite reward per answer, in order. Error when scoring itself is impossible (command
  // missing, field absent, model broken); a wrong answer is just a low reward.
  virtual std::vector<double> score(std::span<const Answer> answers) = 0;
  // (name, mean reward before weighting) of each part in the last call of score(), for logs.
  // Empty for a source without parts, and after an empty call.
  virtual std::vector<std::pair<std::string, double>> last_means() const { return {}; }
};

struct RewardOptions {
  // Runs the tests of "tests" without bubblewrap, under resource limits alone. Only for machines
  // that cannot make namespaces and whose files the model's code may read and change.
  bool unsandboxed = false;
};

// Loads the reward model of "model:DIR".
using LoadRewardModel = std::function<std::unique_ptr<RewardSource>(std::string_view dir)>;

// The source that `spec` names:
//   regex:PATTERN               1 if the pattern is found, or the number in its group "score"
//   exact[:FIELD][,fold]        1 if the answer equals the record's field ("answer")
//   number[:FIELD]              1 if the last number equals the record's field ("answer")
//   tests[:FIELD][,OPTION…]     the share of the record's tests ("tests") that pass
//   command:PROGRAM ARGS        what an external program says
//   length:TARGET               1 at TARGET characters, falling to 0 at 0 and at 2·TARGET
//   finished                    1 if the answer ended by itself
//   model:DIR                   a reward model
//   0.7*regex:yes+0.3*exact     a weighted sum; arguments may stand in quotes
// UsageError when the spec is malformed, Error when what it names cannot be used.
std::unique_ptr<RewardSource> make_reward_source(std::string_view spec,
                                                 const LoadRewardModel& load_model,
                                                 const RewardOptions& options = {});

// One part of a spec; `weight` is 1 in a spec that is no mix.
struct RewardPart {
  double weight;
  std::string kind;      // "regex"
  std::string argument;  // what stands after the colon, without quotes
};

// The parts of a spec. A spec that begins with NUMBER* is a mix: parts of the form
// WEIGHT*KIND[:ARGUMENT] joined by '+'; an argument that begins with ' or " ends at the same
// mark (twice the mark stands for itself), any other at the next +NUMBER* or at the end. A spec
// without a weight is one part whose argument is the rest, as it is. UsageError names the place.
std::vector<RewardPart> parse_reward_spec(std::string_view spec);

}  // namespace parley::train

// Rewards from unit tests: the code of an answer is run with the tests of its prompt's record.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "train/reward_source.h"

namespace parley::train {

struct CodeRewardOptions {
  std::string field = "tests";
  bool all_or_nothing = false;                // else the share of tests that pass
  std::chrono::milliseconds timeout{10'000};  // for one answer's tests, on the wall clock
  uint64_t memory_bytes = uint64_t{1} << 30;  // address space of one process
  int workers = 0;                            // answers at once; 0: as many as CPUs, up to 8
  std::string python = "python3";             // the interpreter: a path, or a name
  bool unsandboxed = false;                   // see RewardOptions
};

// "[FIELD][,all][,timeout=SECONDS][,memory=MB][,workers=N][,python=PATH][,unsandboxed]".
// UsageError for anything else.
CodeRewardOptions parse_code_reward_options(std::string_view argument);

// The reward is the share of the record's tests that pass, in [0, 1]. The record's "language" is
// "python" (the default) or "cpp"; its tests are code, code in an array, or input and output:
// docs/rewards.md. Error when there is no sandbox to be had and the options do not say
// `unsandboxed`, or when no interpreter is found.
std::unique_ptr<RewardSource> make_code_reward(const CodeRewardOptions& options);

// The code of an answer: its last fenced block in `language` ("python", "cpp"), else its last
// fenced block, else all of it. A fence that is not closed runs to the end.
std::string extract_code(std::string_view response, std::string_view language);

}  // namespace parley::train

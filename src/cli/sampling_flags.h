// The flags that say how tokens are chosen; generate and chat share them.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

#include "text/loaded_model.h"

namespace parley::cli {

struct SamplingFlags {
  infer::SamplingParams params{.temperature = 0.8f, .top_p = 0.95f};
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;        // with \n, \t and \\ written out
  std::vector<std::string> logit_bias;  // "ID=VALUE"
  const CLI::App* command = nullptr;    // which knows what was given
};

void add_sampling_flags(CLI::App& command, SamplingFlags& flags);

// The parameters for this model: seed drawn when none was given, bias parsed, unused
// ids forbidden, stop tokens set; what was not given is as the model wants it, or else the flag's
// default. UsageError when a value is out of range.
infer::SamplingParams sampling_params(const SamplingFlags& flags, const text::LoadedModel& model);

// The stop strings with their escapes resolved.
std::vector<std::string> stop_strings(const SamplingFlags& flags);

}  // namespace parley::cli

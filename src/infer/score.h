// How probable given tokens are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "infer/generate.h"

namespace parley::infer {

struct ScoreRequest {
  // At most T + 1 tokens: the last one is only predicted, never read.
  std::vector<int32_t> tokens;
  // tokens[first] is the first one scored; at least 1, since something has to come before it.
  int64_t first = 1;
};

struct ScoreResult {
  std::vector<float> logprobs;  // natural log-probability of each of tokens[first …]
  bool greedy = true;           // each of them is the model's best choice (lowest id among equals)

  double sum() const;
};

// Scores requests together; results in the order of the requests. Requests that begin
// alike run their common beginning once a lane (options.max_sequences lanes), so
// many endings of one context cost little more than one. `on_done` is told how
// many are finished, after each step. Error when a request is out of range.
std::vector<ScoreResult> score(const model::ModelConfig& config, const model::Weights& weights,
                               std::span<const ScoreRequest> requests,
                               GeneratorOptions options = {},
                               const std::function<void(size_t)>& on_done = {});

}  // namespace parley::infer

// How probable given tokens are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "infer/engine.h"

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

// Scores requests together on an idle engine; results in the order of the requests.
// Requests that begin alike share the blocks of their common beginning, so many endings of
// one context cost little more than one. `on_done` is told how many are finished, after
// each. Error when a request is out of range, before anything runs, or when one fails.
std::vector<ScoreResult> score(Engine& engine, std::span<const ScoreRequest> requests,
                               const std::function<void(size_t)>& on_done = {});

}  // namespace parley::infer

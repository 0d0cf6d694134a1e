// Answers to a batch of prompts, for those who can wait for all of them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "infer/engine.h"

namespace parley::infer {

struct Completion {
  std::vector<Sample> samples;  // a stop token included
  FinishReason reason = FinishReason::kCancelled;
  bool stopped_by_token = false;  // the last sample is a stop token
  int64_t cached_tokens = 0;      // of the prompt, found in the prefix cache
  int64_t drafted = 0, accepted = 0;

  // The answer's ids, without the stop token.
  std::vector<int32_t> answer() const;
};

// Called for each token as it is chosen, on the calling thread; stop tokens too.
using OnToken = std::function<Verdict(size_t request, const Sample& sample)>;

// Runs the requests together on an idle engine; completions in their order. Their own
// callbacks are not called. `give_up` is asked before each step; when it says true, what
// is unfinished ends as kCancelled. Error when a request cannot run, before anything
// runs, or when one fails; what on_token throws is thrown on. The engine is idle again in
// any case.
std::vector<Completion> generate(Engine& engine, std::span<const Request> requests,
                                 const OnToken& on_token = {},
                                 const std::function<bool()>& give_up = {});

}  // namespace parley::infer

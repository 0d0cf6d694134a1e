#include "infer/score.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.h"

namespace parley::infer {

double ScoreResult::sum() const { return std::accumulate(logprobs.begin(), logprobs.end(), 0.0); }

std::vector<ScoreResult> score(Engine& engine, std::span<const ScoreRequest> requests,
                               const std::function<void(size_t)>& on_done) {
  PARLEY_CHECK(engine.idle(), "the engine is busy");
  const auto request_of = [](const ScoreRequest& asked) {
    Request request{.prompt = asked.tokens, .score_from = asked.first};
    request.sampling.max_tokens = 0;
    return request;
  };
  for (const ScoreRequest& asked : requests) {
    if (asked.first < 1)
      base::fail("scoring starts at token {} of {}; at least one token must come before",
                 asked.first, asked.tokens.size());
    engine.check(request_of(asked));
  }

  // Alphabetical order puts those that begin alike side by side.
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return std::ranges::lexicographical_compare(requests[a].tokens, requests[b].tokens);
  });

  std::vector<ScoreResult> results(requests.size());
  size_t submitted = 0, finished = 0;
  std::string failure;
  std::vector<RequestId> ids;
  const auto submit = [&](size_t i) {
    Request request = request_of(requests[i]);
    request.on_scores = [&, i](std::span<const TokenScore> scores) {
      for (const TokenScore& token : scores) {
        results[i].logprobs.push_back(token.logprob);
        results[i].greedy &= token.greedy;
      }
    };
    request.on_done = [&](const Finished& done) {
      ++finished;
      if (done.reason == FinishReason::kError && failure.empty()) failure = done.error;
    };
    ids.push_back(engine.submit(std::move(request)));
  };
  const auto cancel_all = [&] {
    for (const RequestId id : ids) engine.cancel(id);
  };
  try {
    while (failure.empty()) {
      while (submitted < order.size() && engine.stats().waiting < engine.options().max_waiting)
        submit(order[submitted++]);
      if (engine.idle()) break;
      engine.step();
      if (on_done && failure.empty()) on_done(finished);
    }
  } catch (...) {
    cancel_all();
    throw;
  }
  cancel_all();
  if (!failure.empty()) throw base::Error(failure);
  return results;
}

}  // namespace parley::infer

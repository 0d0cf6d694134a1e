#include "infer/generate.h"

#include <exception>
#include <utility>

#include "base/error.h"

namespace parley::infer {

std::vector<int32_t> Completion::answer() const {
  std::vector<int32_t> ids;
  for (const Sample& sample : samples) ids.push_back(sample.token);
  if (stopped_by_token) ids.pop_back();
  return ids;
}

std::vector<Completion> generate(Engine& engine, std::span<const Request> requests,
                                 const OnToken& on_token, const std::function<bool()>& give_up) {
  PARLEY_CHECK(engine.idle(), "the engine is busy");
  for (const Request& request : requests) engine.check(request);
  std::vector<Completion> completions(requests.size());
  std::exception_ptr thrown;  // by on_token
  std::string failure;        // of a request

  const auto submit = [&](size_t i) {
    Request request = requests[i];
    request.on_scores = {};
    request.on_token = [&, i](const Sample& sample) {
      completions[i].samples.push_back(sample);
      if (!on_token || thrown) return Verdict::kContinue;
      try {
        return on_token(i, sample);
      } catch (...) {
        thrown = std::current_exception();
        return Verdict::kCancel;
      }
    };
    request.on_done = [&, i](const Finished& finished) {
      Completion& completion = completions[i];
      completion.reason = finished.reason;
      completion.stopped_by_token = finished.stopped_by_token;
      completion.cached_tokens = finished.cached_tokens;
      completion.drafted = finished.drafted;
      completion.accepted = finished.accepted;
      if (finished.reason == FinishReason::kError && failure.empty()) failure = finished.error;
    };
    return engine.submit(std::move(request));
  };

  std::vector<RequestId> ids;
  const auto cancel_all = [&] {
    for (const RequestId id : ids) engine.cancel(id);
  };
  try {
    while (true) {
      // The queue is bounded; it is filled as it empties.
      while (ids.size() < requests.size() && engine.stats().waiting < engine.options().max_waiting)
        ids.push_back(submit(ids.size()));
      if (engine.idle() || thrown || !failure.empty() || (give_up && give_up())) break;
      engine.step();
    }
  } catch (...) {
    cancel_all();
    throw;
  }
  cancel_all();
  if (thrown) std::rethrow_exception(thrown);
  if (!failure.empty()) throw base::Error(failure);
  return completions;
}

}  // namespace parley::infer

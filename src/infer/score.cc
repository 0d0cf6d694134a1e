#include "infer/score.h"

#include <algorithm>
#include <numeric>

#include "base/threads.h"

namespace parley::infer {
namespace {

// A cache that scores one request after the other.
struct Lane {
  explicit Lane(const model::ModelConfig& config) : cache(config) {}

  // The last token is never run: it is only predicted.
  int64_t pending() const {
    return request ? static_cast<int64_t>(request->tokens.size()) - 1 - cache.kv.length() : 0;
  }

  CachedPrefix cache;
  std::span<const size_t> group;  // requests to come
  const ScoreRequest* request = nullptr;
  ScoreResult* result = nullptr;
};

// A row of logits and what to read from it.
struct Reading {
  Lane* lane;
  int32_t target;
};

void check(const ScoreRequest& request, const model::ModelConfig& config) {
  const auto length = static_cast<int64_t>(request.tokens.size());
  if (request.first < 1 || request.first > length)
    base::fail("scoring starts at token {} of {}; at least one token must come before",
               request.first, length);
  if (length > config.T + 1)
    base::fail("{} tokens to score, the model's context holds {}; shorten them", length, config.T);
  for (const int32_t token : request.tokens)
    if (token < 0 || token >= config.V)
      base::fail("token {} to score; the vocabulary has ids 0 to {}", token, config.V - 1);
}

std::span<const int32_t> context_of(const ScoreRequest& request) {
  return std::span(request.tokens).first(static_cast<size_t>(request.first));
}

// The end of the run of requests in `order` whose context equals that of the first.
size_t group_end(std::span<const ScoreRequest> requests, std::span<const size_t> order,
                 size_t begin) {
  size_t end = begin + 1;
  while (end < order.size() &&
         std::ranges::equal(context_of(requests[order[begin]]), context_of(requests[order[end]])))
    ++end;
  return end;
}

}  // namespace

double ScoreResult::sum() const { return std::accumulate(logprobs.begin(), logprobs.end(), 0.0); }

std::vector<ScoreResult> score(const model::ModelConfig& config, const model::Weights& weights,
                               std::span<const ScoreRequest> requests, GeneratorOptions options,
                               const std::function<void(size_t)>& on_done) {
  for (const ScoreRequest& request : requests) check(request, config);

  // Alphabetical order puts those that begin alike side by side.
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return std::ranges::lexicographical_compare(requests[a].tokens, requests[b].tokens);
  });
  // A row of logits is V floats: a large vocabulary gets shorter steps (128 MB of logits).
  const int64_t step_tokens =
      std::clamp<int64_t>((int64_t{32} << 20) / config.V, 32, options.step_tokens);

  std::vector<ScoreResult> results(requests.size());
  std::vector<Lane> lanes;
  for (int64_t i = 0; i < options.max_sequences; ++i) lanes.emplace_back(config);
  model::InferState state(config);
  size_t next = 0, finished = 0;  // positions in `order`; requests
  while (finished < requests.size()) {
    std::vector<int32_t> tokens;
    std::vector<model::Span> spans;
    std::vector<int64_t> logit_rows;
    std::vector<Reading> readings;
    for (size_t i = 0; i < lanes.size(); ++i) {
      Lane& lane = lanes[i];
      const auto room = step_tokens - static_cast<int64_t>(tokens.size());
      if (room == 0) break;
      // 1. An idle lane takes its next request; without one, the next group of one context.
      if (!lane.request) {
        if (lane.group.empty()) {
          if (next == order.size()) continue;
          const size_t end = group_end(requests, order, next);
          lane.group = std::span(order).subspan(next, end - next);
          next = end;
        }
        lane.request = &requests[lane.group.front()];
        lane.result = &results[lane.group.front()];
        lane.group = lane.group.subspan(1);
        lane.cache.keep_common(context_of(*lane.request));
      }
      // 2. Its new tokens join the step, as far as they fit.
      const int64_t count = std::min(lane.pending(), room);
      const int64_t past = lane.cache.kv.length();
      const auto begin = static_cast<int64_t>(tokens.size());
      spans.push_back({begin, count, past, static_cast<int64_t>(i)});
      const std::vector<int32_t>& all = lane.request->tokens;
      tokens.insert(tokens.end(), all.begin() + past, all.begin() + past + count);
      lane.cache.kv.reserve(past + count);
      for (int64_t t = std::max(past, lane.request->first - 1); t < past + count; ++t) {
        logit_rows.push_back(begin + t - past);
        readings.push_back({&lane, all[static_cast<size_t>(t) + 1]});
      }
    }

    // 3. Through the model.
    const ConstF32 logits = state.forward(  // (R, V)
        weights, tokens, spans, logit_rows, [&](int64_t cache, int64_t layer) {
          return lanes[static_cast<size_t>(cache)].cache.kv.layer(layer);
        });
    std::vector<float> logprobs(readings.size());
    std::vector<char> best(readings.size());
    base::parallel_for(static_cast<int64_t>(readings.size()), [&](int64_t r) {
      const ConstF32 row = logits.row(r);  // (V)
      const int32_t target = readings[static_cast<size_t>(r)].target;
      logprobs[static_cast<size_t>(r)] =
          static_cast<float>(static_cast<double>(row[target]) - log_sum_exp(row));
      best[static_cast<size_t>(r)] = std::max_element(row.begin(), row.end()) == &row[target];
    });
    for (size_t r = 0; r < readings.size(); ++r) {
      readings[r].lane->result->logprobs.push_back(logprobs[r]);
      readings[r].lane->result->greedy &= best[r] != 0;
    }

    // 4. What ran is in the caches; finished requests leave their lanes.
    for (const model::Span& span : spans) {
      Lane& lane = lanes[static_cast<size_t>(span.cache)];
      const auto first = tokens.begin() + span.begin;
      lane.cache.tokens.insert(lane.cache.tokens.end(), first, first + span.count);
      lane.cache.kv.set_length(span.past + span.count);
      if (lane.pending() > 0) continue;
      lane.request = nullptr;
      ++finished;
    }
    if (on_done) on_done(finished);
  }
  return results;
}

}  // namespace parley::infer

#include "infer/generate.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/threads.h"

namespace parley::infer {
namespace {

// A request that is running.
struct Sequence {
  Sequence(const model::ModelConfig& config, const Request& request, size_t number)
      : index(number),
        sampler(request.sampling, config.V, request.prompt, request.stream),
        tokens(request.prompt),
        own(request.cache ? nullptr : std::make_unique<CachedPrefix>(config)),
        cache(request.cache ? request.cache : own.get()) {
    cache->keep_common(tokens);
  }

  // Tokens the model has not seen yet.
  int64_t pending() const { return static_cast<int64_t>(tokens.size()) - cache->kv.length(); }

  size_t index;  // of the request
  Sampler sampler;
  std::vector<int32_t> tokens;  // the prompt, then the answer
  std::unique_ptr<CachedPrefix> own;
  CachedPrefix* cache;
  std::optional<FinishReason> finished;
};

void check(const Request& request, const model::ModelConfig& config) {
  validate(request.sampling, config.V);
  const auto length = static_cast<int64_t>(request.prompt.size());
  if (length == 0) base::fail("the prompt is empty; give at least one token");
  if (length > config.T)
    base::fail("the prompt has {} tokens, the model's context holds {}; shorten the prompt", length,
               config.T);
  for (const int32_t token : request.prompt)
    if (token < 0 || token >= config.V)
      base::fail("the prompt has token {}; the vocabulary has ids 0 to {}", token, config.V - 1);
}

uint64_t fnv1a(ConstF32 values) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (size_t i = 0; i < static_cast<size_t>(values.size()) * sizeof(float); ++i)
    hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}

// The new tokens of one step, for model::InferState::forward.
struct Step {
  std::vector<int32_t> tokens;
  std::vector<model::Span> spans;
  std::vector<int64_t> logit_rows;
  std::vector<Sequence*> answering;  // whose logits, in the order of logit_rows
};

// Every sequence gets a token at least; the rest of the step goes to prompts, the
// oldest first.
Step plan_step(std::span<const std::unique_ptr<Sequence>> running, int64_t step_tokens) {
  Step step;
  int64_t left = std::max(step_tokens, static_cast<int64_t>(running.size()));
  for (size_t i = 0; i < running.size(); ++i) {
    Sequence& sequence = *running[i];
    const auto behind = static_cast<int64_t>(running.size() - i - 1);
    const int64_t past = sequence.cache->kv.length();
    const int64_t count = std::min(sequence.pending(), left - behind);
    left -= count;
    step.spans.push_back(
        {static_cast<int64_t>(step.tokens.size()), count, past, static_cast<int64_t>(i)});
    const auto first = sequence.tokens.begin() + past;
    step.tokens.insert(step.tokens.end(), first, first + count);
    sequence.cache->kv.reserve(past + count);
    if (count == sequence.pending()) {
      step.logit_rows.push_back(static_cast<int64_t>(step.tokens.size()) - 1);
      step.answering.push_back(&sequence);
    }
  }
  return step;
}

}  // namespace

int64_t CachedPrefix::keep_common(std::span<const int32_t> prompt) {
  const auto [held, wanted] = std::mismatch(tokens.begin(), tokens.end(), prompt.begin(),
                                            prompt.empty() ? prompt.end() : prompt.end() - 1);
  tokens.erase(held, tokens.end());
  kv.set_length(static_cast<int64_t>(tokens.size()));
  return kv.length();
}

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
  }
  return "";
}

std::vector<int32_t> Completion::answer() const {
  std::vector<int32_t> ids;
  for (const Sample& sample : samples) ids.push_back(sample.token);
  if (stopped_by_token) ids.pop_back();
  return ids;
}

Generator::Generator(const model::ModelConfig& config, const model::Weights& weights,
                     GeneratorOptions options)
    : config_(config), weights_(weights), options_(options), state_(config) {
  PARLEY_CHECK(options.max_sequences > 0 && options.step_tokens > 0, "max_sequences {} step {}",
               options.max_sequences, options.step_tokens);
}

std::vector<Completion> Generator::run(std::span<const Request> requests, const OnToken& on_token,
                                       const std::function<bool()>& give_up) {
  for (const Request& request : requests) check(request, config_);
  std::vector<Completion> completions(requests.size());
  std::vector<std::unique_ptr<Sequence>> running;
  size_t next = 0;  // request to start
  while (true) {
    // 1. Start requests while there is room.
    while (next < requests.size() &&
           static_cast<int64_t>(running.size()) < options_.max_sequences) {
      if (requests[next].sampling.max_tokens == 0)
        completions[next].reason = FinishReason::kLength;
      else
        running.push_back(std::make_unique<Sequence>(config_, requests[next], next));
      ++next;
    }
    if (running.empty() || (give_up && give_up())) return completions;

    // 2. Run one step through the model.
    const Step step = plan_step(running, options_.step_tokens);
    const ConstF32 logits = state_.forward(  // (R, V)
        weights_, step.tokens, step.spans, step.logit_rows, [&](int64_t cache, int64_t layer) {
          return running[static_cast<size_t>(cache)]->cache->kv.layer(layer);
        });
    for (const model::Span& span : step.spans) {
      const Sequence& sequence = *running[static_cast<size_t>(span.cache)];
      CachedPrefix& cache = *sequence.cache;
      const auto first = sequence.tokens.begin() + span.past;
      cache.tokens.insert(cache.tokens.end(), first, first + span.count);
      cache.kv.set_length(span.past + span.count);
    }
    if (step.answering.empty()) continue;
    if (options_.hash_logits) logits_hash_ = fnv1a(logits);

    // 3. Choose tokens.
    std::vector<Sample> samples(step.answering.size());
    base::parallel_for(static_cast<int64_t>(samples.size()), [&](int64_t i) {
      const auto row = static_cast<size_t>(i);
      samples[row] = step.answering[row]->sampler.next(logits.row(i));
    });

    // 4. Hand them out; see who is done.
    for (size_t row = 0; row < samples.size(); ++row) {
      Sequence& sequence = *step.answering[row];
      const SamplingParams& params = sequence.sampler.params();
      Completion& completion = completions[sequence.index];
      const int32_t token = samples[row].token;
      const Verdict verdict =
          on_token ? on_token(sequence.index, samples[row]) : Verdict::kContinue;
      completion.samples.push_back(std::move(samples[row]));
      completion.stopped_by_token =
          std::ranges::find(params.stop_ids, token) != params.stop_ids.end();
      sequence.tokens.push_back(token);
      if (completion.stopped_by_token || verdict == Verdict::kStop)
        sequence.finished = FinishReason::kStop;
      else if (verdict == Verdict::kCancel)
        sequence.finished = FinishReason::kCancelled;
      else if (static_cast<int64_t>(completion.samples.size()) >= params.max_tokens ||
               static_cast<int64_t>(sequence.tokens.size()) > config_.T)
        sequence.finished = FinishReason::kLength;
      if (sequence.finished) completion.reason = *sequence.finished;
    }
    std::erase_if(running, [](const auto& sequence) { return sequence->finished.has_value(); });
  }
}

}  // namespace parley::infer

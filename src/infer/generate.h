// Continues prompts: token ids in, token ids out; text is somebody else's business.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "infer/kv_cache.h"
#include "infer/sampler.h"
#include "model/forward.h"

namespace parley::infer {

// A KV cache and the tokens whose keys and values it holds. Kept between calls, a
// prompt that begins with the same tokens is run from where it departs only.
struct CachedPrefix {
  explicit CachedPrefix(const model::ModelConfig& config) : kv(config) {}

  // Keeps what `prompt` shares with the cache, but never all of it: its last token
  // has to run for there to be logits. Returns the tokens kept.
  int64_t keep_common(std::span<const int32_t> prompt);

  KvCache kv;
  std::vector<int32_t> tokens;  // kv.length() of them
};

struct Request {
  std::vector<int32_t> prompt{};  // at least one token, at most the context T
  SamplingParams sampling{};
  uint64_t stream = 0;            // tells apart the random numbers of requests with one seed
  CachedPrefix* cache = nullptr;  // used and kept when given; two requests must not share one
};

enum class FinishReason {
  kStop,       // a stop token, or the caller said so (a stop string)
  kLength,     // max_tokens, or the context is full
  kCancelled,  // the caller gave up
};
// "stop", "length", "cancelled"
std::string_view finish_reason_name(FinishReason reason);

struct Completion {
  std::vector<Sample> samples;  // a stop token included
  FinishReason reason = FinishReason::kCancelled;
  bool stopped_by_token = false;  // the last sample is a stop token

  // The answer's ids, without the stop token.
  std::vector<int32_t> answer() const;
};

// What the receiver of a token wants.
enum class Verdict { kContinue, kStop, kCancel };
// Called for each token as it is chosen, on the calling thread; stop tokens too.
using OnToken = std::function<Verdict(size_t request, const Sample& sample)>;

struct GeneratorOptions {
  int64_t max_sequences = 16;  // running together; bounds the memory of KV caches
  int64_t step_tokens = 256;   // run through the model at once; long prompts go in chunks
  bool hash_logits = false;    // keep last_logits_hash()
};

// Runs requests together: each step takes one token of every sequence that is
// answering and fills up with chunks of prompts. A request's tokens do not depend on
// the others, up to rounding in the matrix products.
class Generator {
 public:
  // Keeps references: both must outlive the generator.
  Generator(const model::ModelConfig& config, const model::Weights& weights,
            GeneratorOptions options = {});

  // Completions in the order of the requests. `give_up` is asked before each step;
  // when it says true, what is unfinished ends as kCancelled. Error when a prompt is
  // empty, longer than the context or has ids outside the vocabulary, or a
  // parameter is out of range: before anything runs.
  std::vector<Completion> run(std::span<const Request> requests, const OnToken& on_token = {},
                              const std::function<bool()>& give_up = {});

  // FNV-1a of the last step's logits, to compare runs and machines (with hash_logits).
  uint64_t last_logits_hash() const { return logits_hash_; }

 private:
  const model::ModelConfig& config_;
  const model::Weights& weights_;
  GeneratorOptions options_;
  model::InferState state_;
  uint64_t logits_hash_ = 0;
};

}  // namespace parley::infer

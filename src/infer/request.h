// What the engine is asked, and what it answers: token ids; text is somebody else's business.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "infer/constraint.h"
#include "infer/sampler.h"
#include "model/config.h"

namespace parley::infer {

using RequestId = uint64_t;

enum class FinishReason {
  kStop,       // a stop token, or the receiver said so (a stop string)
  kLength,     // max_tokens, or the context is full
  kCancelled,  // the caller gave up
  kError,      // it failed; Finished::error says why
};
// "stop", "length", "cancelled", "error"
std::string_view finish_reason_name(FinishReason reason);

// What the receiver of a token wants.
enum class Verdict { kContinue, kStop, kCancel };

// A token of the prompt as the model sees it after those before it.
struct TokenScore {
  int32_t token = 0;
  float logprob = 0;              // natural, the model's own
  bool greedy = false;            // the model's best choice (lowest id among equals)
  std::vector<TokenLogprob> top;  // SamplingParams::logprobs of them, best first
};

// How a request ended.
struct Finished {
  RequestId id = 0;
  FinishReason reason = FinishReason::kCancelled;
  std::string error;              // of kError
  bool stopped_by_token = false;  // the last token handed out is a stop token
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;          // of the prompt, found in the prefix cache
  int64_t answer_tokens = 0;          // handed out, a stop token included
  int64_t preemptions = 0;            // times it had to make room and was run again
  int64_t drafted = 0, accepted = 0;  // tokens of speculative decoding
};

// Callbacks run on the thread that runs the engine. They may submit and cancel, this
// request too. One that throws ends its own request with kError (on_done: the exception is
// logged and forgotten); the others go on.
struct Request {
  // At least one token, at most the context T; one more if it is only scored (max_tokens
  // 0), since the last one is then only predicted, never read.
  std::vector<int32_t> prompt{};
  SamplingParams sampling{};
  uint64_t stream = 0;      // tells apart the random numbers of requests with one seed
  uint64_t client = 0;      // clients take turns when there is not room for all
  int64_t score_from = -1;  // prompt[score_from …] are scored; at least 1; −1: none
  // What may come next; nobody else asks it. Its request is not answered speculatively.
  std::shared_ptr<Constraint> constraint{};
  bool use_cache = true;  // share blocks of the prefix cache, and leave some there

  // Called for each token as it is chosen; stop tokens too.
  std::function<Verdict(const Sample&)> on_token{};
  // Scores of the prompt's tokens in order, some at a time, all before the first on_token.
  std::function<void(std::span<const TokenScore>)> on_scores{};
  // The prompt as one vector, for retrieval and clustering; asked for with max_tokens 0 and
  // without scores. (C) floats, not normalised: the mean of the tokens' final hidden states
  // (after the final norm, where there is one), token i of n with weight (i + 1) / (1 + … + n),
  // because under a causal mask only late tokens have read the text (SGPT, Muennighoff 2022,
  // arXiv 2202.08904, section 3.1). Called once, before on_done; valid during the call.
  std::function<void(std::span<const float>)> on_embedding{};
  // Called once, last.
  std::function<void(const Finished&)> on_done{};
};

// Too many requests wait already; ask again later.
class QueueFull : public base::Error {
 public:
  using base::Error::Error;
};

// Error naming what is wrong: an empty or too long prompt, ids outside the vocabulary, a
// parameter out of range, an embedding asked for along with an answer or scores.
void validate(const Request& request, const model::ModelConfig& config);

}  // namespace parley::infer

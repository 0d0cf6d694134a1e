#include "infer/request.h"

namespace parley::infer {

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
    case FinishReason::kError: return "error";
  }
  return "";
}

void validate(const Request& request, const model::ModelConfig& config) {
  validate(request.sampling, config.V);
  const auto length = static_cast<int64_t>(request.prompt.size());
  if (length == 0) base::fail("the prompt is empty; give at least one token");
  const bool scored_only = request.score_from >= 0 && request.sampling.max_tokens == 0;
  if (length > config.T + scored_only)
    base::fail("the prompt has {} tokens, the model's context holds {}; shorten the prompt", length,
               config.T);
  if (request.score_from != -1 && (request.score_from < 1 || request.score_from > length))
    base::fail("scoring starts at token {} of {}; at least one token must come before",
               request.score_from, length);
  if (request.on_embedding && (request.sampling.max_tokens != 0 || request.score_from != -1))
    base::fail("an embedding comes without an answer and without scores; set max_tokens to 0");
  for (const int32_t token : request.prompt)
    if (token < 0 || token >= config.V)
      base::fail("the prompt has token {}; the vocabulary has ids 0 to {}", token, config.V - 1);
}

}  // namespace parley::infer

// Answers in pieces, as the engine's thread gives them to the coroutine that sends them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "infer/request.h"

namespace parley::server {

using Clock = std::chrono::steady_clock;

// A token of an answer, as `logprobs` tells of it.
struct TokenReport {
  int32_t id = 0;
  float logprob = 0;
  std::vector<infer::TokenLogprob> top;
  int64_t offset = 0;  // where its text begins in the answer, in characters (code points)
};

// How an answer ended.
struct AnswerEnd {
  infer::FinishReason reason = infer::FinishReason::kCancelled;
  std::string error;  // of kError
  int64_t prompt_tokens = 0, cached_tokens = 0;
  int64_t answer_tokens = 0;                      // without the token that ended it
  double mean_logprob = 0;                        // of its tokens, the ending one included
  Clock::time_point first_token{}, last_token{};  // when they were chosen
};

// Something new of answer number `choice`.
struct Piece {
  size_t choice = 0;
  std::string text;                       // whole characters, no part of a stop string
  std::vector<TokenReport> tokens;        // whose text begins in the text so far; with `logprobs`
  std::vector<infer::TokenScore> scores;  // of the prompt, all in the first piece, when asked for
  std::optional<AnswerEnd> end;           // the last piece of its answer has it
};

}  // namespace parley::server

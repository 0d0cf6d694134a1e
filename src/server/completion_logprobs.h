// The `logprobs` object of /v1/completions.
#pragma once

#include <cstdint>
#include <span>

#include "server/fields.h"
#include "server/generation.h"

namespace parley::server {

// {"tokens", "token_logprobs", "top_logprobs", "text_offset"}
class CompletionLogprobs {
 public:
  CompletionLogprobs(const tokenizer::Tokenizer& tokenizer, bool tops);

  // A token without anything before it: its log-probability is null.
  void add_first(int32_t token, int64_t offset);
  void add(int32_t token, float logprob, std::span<const infer::TokenLogprob> top, int64_t offset);
  void append(const CompletionLogprobs& rest);
  const Json& json() const { return json_; }

 private:
  const tokenizer::Tokenizer* tokenizer_;
  bool tops_;
  Json json_;
};

// The text of a token; "bytes:\xe4\xbd" when its bytes are no text alone.
std::string token_text(const tokenizer::Tokenizer& tokenizer, int32_t token);

}  // namespace parley::server

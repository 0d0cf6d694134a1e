// A judge behind an OpenAI-compatible API.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "eval/http_client.h"
#include "eval/judge.h"

namespace parley::eval {

struct ApiJudgeOptions {
  std::string url;    // "https://host/v1": /chat/completions is added
  std::string model;  // its name there
  std::string key;    // sent as a bearer token; empty: none
  int parallel = 4;   // requests under way at once
  int max_tokens = 512;
  HttpOptions http;
};

// Asks twice for each pair, with the answers in both orders, at temperature 0. Only two equal
// verdicts count; two that differ are a tie, since the judge then preferred a place, not an
// answer. A reply without a readable verdict counts
// as a tie and is counted in remarks(). Error when the service refuses (its words are shown), or
// cannot be reached within the retries, or when no verdict at all of a call could be read.
std::unique_ptr<Judge> make_api_judge(const ApiJudgeOptions& options);

// What the judge is asked about the answers, in this order.
std::string judge_question(std::span<const tokenizer::Message> messages, std::string_view first,
                           std::string_view second);

// The preference for the first answer in a reply: the last line that is not empty must be
// "Verdict: 1", "Verdict: 2" or "Verdict: tie" (in any case, with or without * around it);
// nothing otherwise.
std::optional<double> read_verdict(std::string_view reply);

}  // namespace parley::eval

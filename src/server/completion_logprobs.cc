#include "server/completion_logprobs.h"

#include "tokenizer/unicode.h"

namespace parley::server {

std::string token_text(const tokenizer::Tokenizer& tokenizer, int32_t token) {
  const std::string_view bytes = tokenizer.token_bytes(token);
  if (tokenizer::valid_utf8_prefix(bytes) == bytes.size()) return std::string(bytes);
  std::string text = "bytes:";
  for (const char c : bytes) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text;
}

CompletionLogprobs::CompletionLogprobs(const tokenizer::Tokenizer& tokenizer, bool tops)
    : tokenizer_(&tokenizer),
      tops_(tops),
      json_({{"tokens", Json::array()},
             {"token_logprobs", Json::array()},
             {"top_logprobs", tops ? Json::array() : Json()},
             {"text_offset", Json::array()}}) {}

void CompletionLogprobs::add_first(int32_t token, int64_t offset) {
  json_["tokens"].push_back(token_text(*tokenizer_, token));
  json_["token_logprobs"].push_back(nullptr);
  if (tops_) json_["top_logprobs"].push_back(nullptr);
  json_["text_offset"].push_back(offset);
}

void CompletionLogprobs::add(int32_t token, float logprob, std::span<const infer::TokenLogprob> top,
                             int64_t offset) {
  json_["tokens"].push_back(token_text(*tokenizer_, token));
  json_["token_logprobs"].push_back(logprob);
  json_["text_offset"].push_back(offset);
  if (!tops_) return;
  Json tops = Json::object();
  for (const infer::TokenLogprob& entry : top)
    tops.emplace(token_text(*tokenizer_, entry.token), entry.logprob);
  tops.emplace(token_text(*tokenizer_, token), logprob);  // the chosen one is always there
  json_["top_logprobs"].push_back(std::move(tops));
}

void CompletionLogprobs::append(const CompletionLogprobs& rest) {
  for (const auto& [key, values] : rest.json_.items())
    if (values.is_array()) json_[key].insert(json_[key].end(), values.begin(), values.end());
}

}  // namespace parley::server

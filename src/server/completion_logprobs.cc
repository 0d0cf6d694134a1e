#include "server/completion_logprobs.h"

namespace parley::server {

bool is_utf8(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xc2 && lead < 0xe0 ? 2
                          : lead >= 0xe0 && lead < 0xf0 ? 3
                          : lead >= 0xf0 && lead < 0xf5 ? 4
                                                        : 0;
    if (length == 0 || i + length > bytes.size()) return false;
    for (size_t k = 1; k < length; ++k)
      if ((bytes[i + k] & 0xc0) != 0x80) return false;
    const auto second = length > 1 ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

std::string token_text(const tokenizer::Tokenizer& tokenizer, int32_t token) {
  const std::string_view bytes = tokenizer.token_bytes(token);
  if (is_utf8(bytes)) return std::string(bytes);
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

// One answer of /v1/chat/completions: its message, whole or as deltas.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/generation.h"
#include "server/tools.h"

namespace parley::server {

class ChatChoice {
 public:
  // `tools`: whether calls are to be read; `legacy`: told as function_call.
  ChatChoice(size_t index, const tokenizer::Tokenizer& tokenizer, bool logprobs, bool tools,
             bool legacy);

  // Takes a piece; the deltas it gives as choices of chunks in JSON, the first of them with the
  // role, the last with finish_reason.
  std::vector<std::string> push(const Piece& piece);
  // The whole, as a choice of a reply.
  Json whole() const;

 private:
  struct ToolCall {
    std::string id, name, arguments;
  };
  std::string delta_of(const ToolCallReader::Event& event);
  std::string chunk(std::string_view delta, const Json& logprobs, const Json& finish_reason) const;
  void add_logprobs(const Piece& piece, Json& list) const;
  std::string finish_reason() const;

  size_t index_;
  const tokenizer::Tokenizer* tokenizer_;
  bool logprobs_, tools_, legacy_, began_ = false;
  ToolCallReader reader_;
  std::string text_;
  std::vector<ToolCall> calls_;
  Json tokens_ = Json::array();  // logprobs of the whole
  std::optional<infer::FinishReason> reason_;
};

}  // namespace parley::server

#include "server/chat_choice.h"

#include <fmt/format.h>

#include "server/completion_logprobs.h"
#include "server/context.h"

namespace parley::server {
namespace {

// {"token", "logprob", "bytes"}
Json token_json(const tokenizer::Tokenizer& tokenizer, int32_t token, float logprob) {
  Json bytes = Json::array();
  for (const char c : tokenizer.token_bytes(token)) bytes.push_back(static_cast<unsigned char>(c));
  return {
      {"token", token_text(tokenizer, token)}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

}  // namespace

ChatChoice::ChatChoice(size_t index, const tokenizer::Tokenizer& tokenizer, bool logprobs,
                       bool tools, bool legacy)
    : index_(index), tokenizer_(&tokenizer), logprobs_(logprobs), tools_(tools), legacy_(legacy) {}

std::vector<std::string> ChatChoice::push(const Piece& piece) {
  std::vector<std::string> chunks;
  const auto nothing = [&] { return logprobs_ ? Json(nullptr) : Json(); };
  if (!std::exchange(began_, true))
    chunks.push_back(
        chunk(R"({"role":"assistant","content":"","refusal":null})", nothing(), nullptr));

  std::vector<ToolCallReader::Event> events;
  if (tools_) {
    events = reader_.push(piece.text);
    if (piece.end)
      for (auto& event : reader_.finish()) events.push_back(std::move(event));
  } else if (!piece.text.empty()) {
    events.push_back({ToolCallReader::Event::Kind::kText, piece.text, 0});
  }
  Json logprobs;
  if (logprobs_ && !piece.tokens.empty()) {
    Json list = Json::array();
    add_logprobs(piece, list);
    tokens_.insert(tokens_.end(), list.begin(), list.end());
    logprobs = {{"content", std::move(list)}, {"refusal", nullptr}};
    // Tokens that gave no text yet are told with an empty delta.
    if (events.empty()) events.push_back({ToolCallReader::Event::Kind::kText, "", 0});
  }
  for (const ToolCallReader::Event& event : events)
    chunks.push_back(chunk(delta_of(event), std::exchange(logprobs, Json()), nullptr));
  if (piece.end) {
    reason_ = piece.end->reason;
    chunks.push_back(chunk("{}", nothing(), finish_reason()));
  }
  return chunks;
}

std::string ChatChoice::delta_of(const ToolCallReader::Event& event) {
  using Kind = ToolCallReader::Event::Kind;
  if (event.kind == Kind::kText) {
    text_ += event.text;
    return fmt::format(R"({{"content":{}}})", dump(event.text));
  }
  const bool begin = event.kind == Kind::kBegin;
  if (begin)
    calls_.push_back({legacy_ ? "" : make_id("call_"), event.text, ""});
  else
    calls_.back().arguments += event.text;
  Json function = Json::object();
  if (begin) function["name"] = event.text;
  function["arguments"] = begin ? "" : event.text;
  if (legacy_) return dump({{"function_call", std::move(function)}});
  Json call = {{"index", event.call}};
  if (begin) {
    call["id"] = calls_.back().id;
    call["type"] = "function";
  }
  call["function"] = std::move(function);
  return dump({{"tool_calls", Json::array({std::move(call)})}});
}

// As text: objects made for every token of every stream were half of what the server took from the
// engine.
std::string ChatChoice::chunk(std::string_view delta, const Json& logprobs,
                              const Json& finish_reason) const {
  return fmt::format(R"({{"index":{},"delta":{},"logprobs":{},"finish_reason":{}}})", index_, delta,
                     dump(logprobs), dump(finish_reason));
}

void ChatChoice::add_logprobs(const Piece& piece, Json& list) const {
  for (const TokenReport& token : piece.tokens) {
    Json entry = token_json(*tokenizer_, token.id, token.logprob);
    entry["top_logprobs"] = Json::array();
    for (const infer::TokenLogprob& top : token.top)
      entry["top_logprobs"].push_back(token_json(*tokenizer_, top.token, top.logprob));
    list.push_back(std::move(entry));
  }
}

std::string ChatChoice::finish_reason() const {
  if (reason_ == infer::FinishReason::kStop && !calls_.empty())
    return legacy_ ? "function_call" : "tool_calls";
  return std::string(infer::finish_reason_name(*reason_));
}

Json ChatChoice::whole() const {
  Json message = {{"role", "assistant"},
                  {"content", calls_.empty() || !text_.empty() ? Json(text_) : Json()},
                  {"refusal", nullptr}};
  if (!calls_.empty() && legacy_) {
    message["function_call"] = {{"name", calls_[0].name}, {"arguments", calls_[0].arguments}};
  } else if (!calls_.empty()) {
    for (const ToolCall& call : calls_)
      message["tool_calls"].push_back(
          {{"id", call.id},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return {{"index", index_},
          {"message", std::move(message)},
          {"logprobs", logprobs_ ? Json({{"content", tokens_}, {"refusal", nullptr}}) : Json()},
          {"finish_reason", finish_reason()}};
}

}  // namespace parley::server

#include "cli/chat_session.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/text_stream.h"

namespace parley::cli {
namespace {

using Json = nlohmann::ordered_json;

// Tokens run at once: small, so that Ctrl-C is heard soon during a long prompt.
constexpr int64_t kStepTokens = 64;

// The text without white space at its ends.
std::string trim(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n\t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \n\t") + 1 - begin);
}

}  // namespace

ChatSession::ChatSession(const text::LoadedModel& model, ChatFormat format,
                         infer::SamplingParams params, std::vector<std::string> stops,
                         const EngineFlags& engine)
    : model_(model),
      format_(format),
      params_(std::move(params)),
      stops_(std::move(stops)),
      engine_(model, engine,
              {.max_sequences = 1, .step_tokens = kStepTokens, .adaptive_steps = false}) {
  for (std::string& stop : text::chat_stops(format_)) stops_.push_back(std::move(stop));
}

std::vector<int32_t> ChatSession::render(size_t first) const {
  std::vector<Message> messages;
  if (!system_.empty()) messages.push_back({"system", system_});
  messages.insert(messages.end(), messages_.begin() + static_cast<std::ptrdiff_t>(first),
                  messages_.end());
  return text::chat_ids(model_, format_, messages);
}

Reply ChatSession::say(std::string text, const OnText& on_text,
                       const std::function<bool()>& give_up) {
  messages_.push_back({"user", std::move(text)});
  try {
    return answer(on_text, give_up);
  } catch (...) {
    messages_.pop_back();
    throw;
  }
}

Reply ChatSession::regenerate(const OnText& on_text, const std::function<bool()>& give_up) {
  if (messages_.empty()) base::fail("there is no answer yet to give anew");
  std::string text = messages_[messages_.size() - 2].content;
  undo();
  return say(std::move(text), on_text, give_up);
}

bool ChatSession::undo() {
  if (messages_.empty()) return false;
  messages_.resize(messages_.size() - 2);
  first_ = std::min(first_, messages_.size());
  return true;
}

void ChatSession::reset() {
  messages_.clear();
  first_ = 0;
}

void ChatSession::set_system(std::string text) { system_ = std::move(text); }

// The last message is the user's.
Reply ChatSession::answer(const OnText& on_text, const std::function<bool()>& give_up) {
  // 1. Make room: the oldest turns go. Each time some more than needed, since what
  //    follows them has to be run anew.
  const int64_t T = model_.config.T;
  const int64_t room = std::max<int64_t>(1, std::min(params_.max_tokens, T / 4));
  Reply reply;
  infer::Request request{.sampling = params_, .stream = answers_++};
  size_t first = first_;
  request.prompt = render(first);
  if (static_cast<int64_t>(request.prompt.size()) > T - room) {
    while (static_cast<int64_t>(request.prompt.size()) > T - 2 * room &&
           first + 2 < messages_.size())
      request.prompt = render(first += 2);
  }
  if (static_cast<int64_t>(request.prompt.size()) > T - 1)
    base::fail(
        "the message and the system prompt take {} tokens, the model's context holds {}; "
        "shorten them",
        request.prompt.size(), T);
  reply.dropped_messages = static_cast<int64_t>(first - first_);
  first_ = first;

  // 2. Generate. Plain text: the space after "Assistant:" is not part of the answer.
  reply.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  text::TextStream stream(model_.tokenizer, stops_);
  bool reader_left = false;
  const auto show = [&](std::string text) {
    if (reply.text.empty()) text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
    reply.text += text;
    if (!text.empty() && !on_text(text)) reader_left = true;
  };
  const auto start = std::chrono::steady_clock::now();
  const auto completions = infer::generate(
      engine_.engine(), std::span(&request, 1),
      [&](size_t, const infer::Sample& sample) {
        if (!model_.tokenizer.is_special(sample.token)) show(stream.push(sample.token));
        if (reader_left) return infer::Verdict::kCancel;
        return stream.stopped() ? infer::Verdict::kStop : infer::Verdict::kContinue;
      },
      give_up);
  if (!reader_left) show(stream.finish());
  reply.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  reply.reason = completions.front().reason;
  reply.prefilled_tokens = reply.prompt_tokens - completions.front().cached_tokens;
  reply.answer_tokens = static_cast<int64_t>(completions.front().samples.size());
  messages_.push_back({"assistant", format_ == ChatFormat::kPlain ? trim(reply.text) : reply.text});
  return reply;
}

void ChatSession::save(const base::fs::path& file) const {
  Json messages = Json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const Message& message : messages_)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  const Json line = {{"messages", std::move(messages)}};
  base::write_file(file, line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void ChatSession::load(const base::fs::path& file) {
  const auto bad = [&](std::string_view why) {
    base::fail(
        "{}: {}; it must be what /save writes, {{\"messages\": [{{\"role\", \"content\"}}]}} "
        "with user and assistant in turn",
        file.string(), why);
  };
  const Json json = Json::parse(base::read_file(file, uint64_t{64} << 20), nullptr, false);
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array())
    bad("not a conversation");
  std::string system;
  std::vector<Message> messages;
  for (const Json& item : json["messages"]) {
    if (!item.is_object() || !item.contains("role") || !item["role"].is_string() ||
        !item.contains("content") || !item["content"].is_string())
      bad("a message without role and content");
    Message message{item["role"], item["content"]};
    const char* expected = messages.size() % 2 == 0 ? "user" : "assistant";
    if (message.role == "system" && messages.empty() && system.empty())
      system = std::move(message.content);
    else if (message.role == expected)
      messages.push_back(std::move(message));
    else
      bad("message of '" + message.role + "' where " + expected + "'s should be");
  }
  if (messages.size() % 2 == 1) messages.pop_back();  // a question nobody answered
  system_ = std::move(system);
  messages_ = std::move(messages);
  first_ = 0;
}

}  // namespace parley::cli

#include "data/chat_ids.h"

#include "base/error.h"

namespace parley::data {

using tokenizer::Message;

ChatFormat ChatFormat::load(const fs::path& directory) {
  tokenizer::Tokenizer tokenizer = tokenizer::Tokenizer::load(directory);
  tokenizer::ChatTemplate chat_template = tokenizer::ChatTemplate::load(directory, tokenizer);
  int32_t end = chat_template.end_of_turn(tokenizer);
  if (end < 0) end = tokenizer.eos();
  if (end < 0)
    base::fail(
        "{}: no token ends an answer: neither the chat template nor the tokenizer names one; set "
        "\"eos_token\" in tokenizer_config.json",
        directory.string());
  return {std::move(tokenizer), std::move(chat_template), end};
}

std::optional<tokenizer::ChatTemplate> find_chat_template(const fs::path& directory,
                                                          const tokenizer::Tokenizer& tokenizer) {
  try {
    return tokenizer::ChatTemplate::load(directory, tokenizer);
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

void keep_chat_format(const fs::path& from, const fs::path& directory) {
  const auto tokenizer = tokenizer::Tokenizer::load(from);
  if (const auto chat_template = find_chat_template(from, tokenizer))
    tokenizer::save_chat_template(directory, *chat_template, tokenizer, tokenizer.eos());
}

std::vector<int32_t> prompt_ids(const ChatFormat& format, std::span<const Message> messages,
                                int64_t limit) {
  const auto render = [&](std::span<const Message> kept) {
    return format.chat_template.render(format.tokenizer, kept, /*add_generation_prompt=*/true);
  };
  std::vector<int32_t> ids = render(messages);
  const bool system = !messages.empty() && messages.front().role == "system";
  const size_t first = system ? 1 : 0;  // the oldest turn that may go
  for (size_t drop = first + 1; std::ssize(ids) > limit && drop < messages.size(); ++drop) {
    // A conversation goes on from a user's turn.
    if (messages[drop].role != "user" && drop + 1 < messages.size()) continue;
    std::vector<Message> kept(messages.begin(), messages.begin() + static_cast<int64_t>(first));
    kept.insert(kept.end(), messages.begin() + static_cast<int64_t>(drop), messages.end());
    ids = render(kept);
  }
  if (std::ssize(ids) > limit) ids.clear();
  return ids;
}

std::vector<int32_t> scored_ids(const ChatFormat& format, std::vector<int32_t> prompt,
                                std::string_view answer, int64_t limit, bool& cut) {
  std::vector<int32_t> ids = std::move(prompt);
  const std::vector<int32_t> answered = answer_ids(format, answer);
  ids.insert(ids.end(), answered.begin(), answered.end());
  cut = std::ssize(ids) > limit;
  if (cut) {
    ids.resize(static_cast<size_t>(limit));
    ids.back() = format.end_of_turn;
  }
  return ids;
}

std::vector<int32_t> answer_ids(const ChatFormat& format, std::string_view answer) {
  std::vector<int32_t> ids = format.tokenizer.encode(answer);
  ids.push_back(format.end_of_turn);
  return ids;
}

}  // namespace parley::data

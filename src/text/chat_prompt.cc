#include "text/chat_prompt.h"

#include <algorithm>

namespace parley::text {
namespace {

std::string plain_text(std::span<const Message> messages) {
  std::string text;
  for (const Message& message : messages) {
    if (message.role == "system")
      text += message.content + "\n\n";
    else
      text += (message.role == "user" ? "User: " : "Assistant: ") + message.content + "\n";
  }
  return text + "Assistant:";
}

}  // namespace

ChatFormat chat_format(const LoadedModel& model) {
  if (!model.chat_template) return ChatFormat::kPlain;
  const int32_t end = model.chat_template->end_of_turn(model.tokenizer);
  const bool taught = end >= 0 && (model.tokenizer.eos() == end || model.config.eos_token == end);
  return taught ? ChatFormat::kTemplate : ChatFormat::kPlain;
}

std::vector<std::string> chat_stops(ChatFormat format) {
  if (format == ChatFormat::kPlain) return {"\nUser:"};
  return {};
}

std::vector<int32_t> chat_ids(const LoadedModel& model, ChatFormat format,
                              std::span<const Message> messages) {
  if (format == ChatFormat::kPlain) return model.encode_prompt(plain_text(messages));
  const auto form = model.chat_template.value_or(tokenizer::ChatTemplate::chatml());
  return form.render(model.tokenizer, messages, true);
}

FittedChat fit_chat(const LoadedModel& model, ChatFormat format, std::span<const Message> messages,
                    int64_t limit) {
  FittedChat all{chat_ids(model, format, messages), 0};
  if (std::ssize(all.ids) <= limit) return all;

  // A conversation can begin at any of the user's turns.
  const size_t system = static_cast<size_t>(
      std::ranges::find_if(messages, [](const Message& m) { return m.role != "system"; }) -
      messages.begin());
  std::vector<size_t> begins;
  for (size_t i = system + 1; i < messages.size(); ++i)
    if (messages[i].role == "user") begins.push_back(i);
  if (begins.empty()) return all;

  const auto from = [&](size_t begin) {
    std::vector<Message> kept(messages.begin(),
                              messages.begin() + static_cast<std::ptrdiff_t>(system));
    kept.insert(kept.end(), messages.begin() + static_cast<std::ptrdiff_t>(begin), messages.end());
    return FittedChat{chat_ids(model, format, kept), begin - system};
  };
  // The later the beginning, the shorter: bisect for the earliest that fits.
  FittedChat best = from(begins.back());
  size_t low = 0, high = begins.size() - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    FittedChat fitted = from(begins[middle]);
    if (std::ssize(fitted.ids) <= limit) {
      best = std::move(fitted);
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return best;
}

}  // namespace parley::text

#include "tokenizer/chat.h"

#include "base/error.h"

namespace parley::tokenizer {

const std::string_view kChatMlTemplate =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

std::vector<int32_t> render_chat(const Tokenizer& tokenizer, std::span<const Message> messages,
                                 bool add_generation_prompt) {
  const auto start = tokenizer.special("<|im_start|>"), end = tokenizer.special("<|im_end|>");
  if (!start || !end)
    base::fail(
        "the tokenizer has no <|im_start|> and <|im_end|>, which chat needs; use a tokenizer "
        "made by `parley tokenizer train`, or a chat model's");
  std::vector<int32_t> ids;
  for (const Message& message : messages) {
    if (message.role != "system" && message.role != "user" && message.role != "assistant")
      base::fail("a message has the role \"{}\"; roles are system, user and assistant",
                 message.role);
    ids.push_back(*start);
    tokenizer.encode_append(message.role + '\n' + message.content, ids);
    ids.push_back(*end);
    tokenizer.encode_append("\n", ids);
  }
  if (add_generation_prompt) {
    ids.push_back(*start);
    tokenizer.encode_append("assistant\n", ids);
  }
  return ids;
}

}  // namespace parley::tokenizer

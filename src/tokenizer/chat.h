// Chat messages, and ChatML, the form parley's own models are taught.
#pragma once

#include <string>
#include <string_view>

namespace parley::tokenizer {

struct Message {
  std::string role;     // "system", "user" or "assistant"
  std::string content;  // UTF-8 text
};

// ChatML (OpenAI, 2023) in Jinja, for tokenizer_config.json. Each message is
//   <|im_start|>role\ncontent<|im_end|>\n
// and add_generation_prompt appends "<|im_start|>assistant\n", after which a model writes its
// answer. tokenizer/chat_template.h renders it.
extern const std::string_view kChatMlTemplate;

}  // namespace parley::tokenizer

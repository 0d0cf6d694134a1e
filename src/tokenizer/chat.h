// Chat messages to token ids, in the ChatML form.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace parley::tokenizer {

struct Message {
  std::string role;     // "system", "user" or "assistant"
  std::string content;  // UTF-8 text
};

// ChatML (OpenAI, 2023): each message is
//   <|im_start|>role\ncontent<|im_end|>\n
// and `add_generation_prompt` appends "<|im_start|>assistant\n", after which a model
// writes its answer. Contents are encoded as ordinary text: whatever a user writes, no
// special token can come of it. The ids equal those of the Jinja template in
// tokenizer_config.json, for contents without special tokens' names.
// Error if a role is unknown or the tokenizer has no <|im_start|> and <|im_end|>.
std::vector<int32_t> render_chat(const Tokenizer& tokenizer, std::span<const Message> messages,
                                 bool add_generation_prompt);

// The same template in Jinja, for tokenizer_config.json.
extern const std::string_view kChatMlTemplate;

}  // namespace parley::tokenizer

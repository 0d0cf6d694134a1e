// A conversation as the prompt of a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/loaded_model.h"

namespace parley::text {

using tokenizer::Message;

enum class ChatFormat {
  kTemplate,  // the model's chat template, ChatML where it has none
  kPlain,     // "User: …\nAssistant:", for models nobody taught to chat
};

// What the model was taught: its chat template if what ends an answer there (<|im_end|>,
// <|eot_id|>, …) is its EOS, plain text otherwise.
ChatFormat chat_format(const LoadedModel& model);

// What ends an answer besides the model's stop tokens.
std::vector<std::string> chat_stops(ChatFormat format);

// The ids up to where the next answer begins. Error when the template refuses the conversation.
std::vector<int32_t> chat_ids(const LoadedModel& model, ChatFormat format,
                              std::span<const Message> messages);

struct FittedChat {
  std::vector<int32_t> ids;
  size_t dropped = 0;  // messages that were left out
};
// The same in at most `limit` tokens: as few of the oldest turns as possible are left out, never
// the system messages at the beginning nor the last user's turn and what follows it. What is
// too long even so keeps its length.
FittedChat fit_chat(const LoadedModel& model, ChatFormat format, std::span<const Message> messages,
                    int64_t limit);

}  // namespace parley::text

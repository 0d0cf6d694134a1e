// Conversations from a file: parley's own export, or ChatGPT's conversations.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/call.h"

namespace parley::app {

struct Imported {
  struct One {
    store::Conversation conversation{};
    std::vector<store::Message> messages{};  // parents before their children
  };
  std::vector<One> conversations{};
  int64_t skipped = 0;                  // conversations that were not taken
  std::vector<std::string> problems{};  // what was odd, at most 50 lines
};

// Reads `text` for `user`. Everything gets new ids; nothing in the file can name what is there
// already. Only what users and assistants said is taken: a message of another role is left out and
// its children follow its parent. A conversation that does not hold together is skipped whole.
// ApiError 400 when the text is neither of the two formats.
Imported read_import(std::string_view text, const store::Id& user);

}  // namespace parley::app

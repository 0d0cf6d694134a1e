// What the chat says to its user, in English and Chinese.
#pragma once

#include <string_view>

namespace parley::cli {

// {} are filled in by fmt::format(fmt::runtime(…)).
struct ChatText {
  const char* banner;  // version, model, million parameters, context
  const char* hint;
  const char* plain_notice;
  const char* help;
  const char* unknown;      // command
  const char* needs_value;  // command
  const char* bad_number;   // text
  const char* system_is;    // text
  const char* no_system;
  const char* system_set;
  const char* was_reset;
  const char* undone;
  const char* nothing_to_undo;
  const char* saved;    // messages, file
  const char* loaded;   // messages, file
  const char* setting;  // name, value
  const char* info;     // messages, cached tokens, context, temperature, top-p, max tokens
  const char* stopped;
  const char* length;
  const char* dropped;  // messages
  const char* speed;    // tokens, seconds, tokens a second, prefilled, prompt tokens
  const char* goodbye;
};

// "en" or "zh"; empty: by LC_ALL, LC_MESSAGES and LANG.
const ChatText& chat_text(std::string_view language);

}  // namespace parley::cli

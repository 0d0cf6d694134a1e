// The messages of /v1/chat/completions as a conversation of the model.
#pragma once

#include <vector>

#include "server/fields.h"
#include "server/tools.h"
#include "text/chat_prompt.h"

namespace parley::server {

// Roles system, developer, user, assistant, tool and function; content as text or as parts of text;
// calls and results in the form of tools.h, what `tools` offers in the system message. ApiError 400
// naming the message when one is malformed, empty where it may not be, holds images or sound, or
// answers no call.
std::vector<text::Message> read_messages(Fields& fields, const Tools& tools);

// Whether a message speaks of JSON, as json_object asks for.
bool mention_json(const std::vector<text::Message>& messages);

}  // namespace parley::server

// POST /v1/chat/completions: a conversation in, its next message out (gpt-3.5-turbo).
#pragma once

#include "server/context.h"

namespace parley::server {

http::Task chat_completions(Call& call);

}  // namespace parley::server

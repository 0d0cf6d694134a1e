// POST /v1/completions: text in, its continuation out (text-davinci-003, code-davinci-002).
#pragma once

#include "server/context.h"

namespace parley::server {

http::Task completions(Call& call);

}  // namespace parley::server

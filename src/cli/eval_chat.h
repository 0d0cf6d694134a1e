// parley eval chat: answers checked by rules.
#pragma once

#include "cli/commands.h"

namespace parley::cli {

void add_eval_chat(CLI::App& eval, Common& common);

}  // namespace parley::cli

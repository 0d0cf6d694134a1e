// Subcommands of `parley eval` that compare models.
#pragma once

#include "cli/commands.h"

namespace parley::cli {

void add_eval_winrate(CLI::App& eval, Common& common);
void add_eval_bestofn(CLI::App& eval);

}  // namespace parley::cli

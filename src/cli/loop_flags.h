// The flags of train/loop.h; sft, reward and dpo share them.
#pragma once

#include <CLI/CLI.hpp>
#include <set>
#include <string>

#include "train/loop.h"

namespace parley::cli {

void add_loop_flags(CLI::App& command, train::LoopOptions& options);

// A resumed run takes everything but `also` from its config.json; UsageError for a flag that would
// be ignored.
void check_resume_flags(const CLI::App& command, const std::set<std::string>& also = {});

// Error saying how to go on when the run was interrupted; else logs steps, time and model.
void report_loop(const CLI::App& command, const train::LoopResult& result,
                 const train::LoopOptions& options);

// The same for programs.
nlohmann::ordered_json loop_json(const train::LoopResult& result);

}  // namespace parley::cli

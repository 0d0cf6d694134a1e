// Messages for people, on stderr; stdout is for results.
#pragma once

#include <spdlog/spdlog.h>

namespace parley::base {

// Sends the log to stderr, short form. Call once in main().
void init_log(bool verbose);

}  // namespace parley::base

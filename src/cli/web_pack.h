// The web app's files as they were built into the program.
#pragma once

#include <span>

namespace parley::cli {

// As app/web_files.h reads them; empty when the program was built without them. The definition is
// made by cmake/web.cmake.
std::span<const char> web_pack();

}  // namespace parley::cli

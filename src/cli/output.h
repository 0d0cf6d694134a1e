// Results on stdout, as they come.
#pragma once

#include <string_view>

namespace parley::cli {

// Writes and flushes. False when nobody reads any more (`parley generate | head`):
// then stop quietly. Error on anything else (disk full, …).
bool write_out(std::string_view text);

}  // namespace parley::cli

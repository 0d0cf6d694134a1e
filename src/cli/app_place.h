// Where the chat app keeps its data, for `parley serve` and `parley user`.
#pragma once

#include <string>

namespace parley::cli {

// `database` or, when it is empty, parley/parley.db in $XDG_DATA_HOME or ~/.local/share; its folder
// is made, for this user alone. Error when it cannot be.
std::string app_database(const std::string& database);

}  // namespace parley::cli

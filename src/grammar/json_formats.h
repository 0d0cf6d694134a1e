// JSON Schema's "format" for strings.
#pragma once

#include <optional>
#include <string_view>

namespace parley::grammar {

// A regular expression whose texts are of the format, though not every text of it: 29 February is
// never written, names have three labels at most. None if the format is not known.
std::optional<std::string_view> format_pattern(std::string_view format);
// The names of all, for messages.
std::string_view known_formats();

}  // namespace parley::grammar

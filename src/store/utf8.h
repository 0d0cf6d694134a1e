// Text that every database takes: valid UTF-8 without NUL.
#pragma once

#include <string>
#include <string_view>

namespace parley::store {

bool is_valid_text(std::string_view text);
// A copy where every byte that is no UTF-8, and every NUL, is U+FFFD.
std::string valid_text(std::string_view text);

}  // namespace parley::store

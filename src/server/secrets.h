// Random texts that give access, and how they are kept and compared.
#pragma once

#include <string>
#include <string_view>

namespace parley::server {

// So many characters of [A-Za-z0-9_-], 6 random bits each. Error when the system gives none.
std::string random_text(size_t length);

// Hexadecimal.
std::string sha256(std::string_view text);

// Equal, in a time that does not tell where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace parley::server

// The small grammar HTTP's texts share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace parley::http {

// Letters of ASCII only, as HTTP's names compare.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

// Whether a comma-separated field ("keep-alive, Upgrade") has `token`, in any case.
bool list_has(std::string_view list, std::string_view token);

// "%41" -> "A". Nothing when a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// "Tue, 24 Nov 2026 21:00:00 GMT", now; made anew once a second.
std::string http_date();

}  // namespace parley::http

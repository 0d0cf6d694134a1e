#include "store/utf8.h"

#include <utf8proc.h>

namespace parley::store {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The bytes of the character that begins at `at`; 0 when none that may be stored does.
size_t character_length(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  utf8proc_int32_t code_point = 0;
  const auto length =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                       static_cast<utf8proc_ssize_t>(text.size() - at), &code_point);
  return length > 0 ? static_cast<size_t>(length) : 0;
}

size_t valid_prefix(std::string_view text, size_t at) {
  while (at < text.size()) {
    const size_t length = character_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace

bool is_valid_text(std::string_view text) { return valid_prefix(text, 0) == text.size(); }

std::string valid_text(std::string_view text) {
  std::string valid;
  valid.reserve(text.size() + 16);
  for (size_t at = 0; at < text.size();) {
    const size_t end = valid_prefix(text, at);
    valid.append(text.substr(at, end - at));
    at = end;
    if (at == text.size()) break;
    valid.append(kReplacement);
    ++at;
  }
  return valid;
}

}  // namespace parley::store

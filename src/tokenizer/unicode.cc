#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"

namespace parley::tokenizer {
namespace {

// The Unicode property White_Space; utf8proc knows only the Z categories.
bool is_white_space(uint32_t c, utf8proc_category_t category) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x85 || category == UTF8PROC_CATEGORY_ZS ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

uint8_t classify(uint32_t c) {
  const auto category =
      static_cast<utf8proc_category_t>(utf8proc_category(static_cast<int32_t>(c)));
  if (is_white_space(c, category)) return kSpace;
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: return kUpper;
    case UTF8PROC_CATEGORY_LL: return kLower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return kUncased;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return kMark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return kNumber;
    default: return 0;
  }
}

// True if every byte is below 0xCC: such text has no code point from U+0300 on, and
// everything below is its own NFC.
bool surely_nfc(std::string_view text) {
  for (const char c : text)
    if (static_cast<uint8_t>(c) >= 0xCC) return false;
  return true;
}

}  // namespace

const uint8_t* char_class_table() {
  static const std::vector<uint8_t> table = [] {
    std::vector<uint8_t> classes(kCodePoints);
    for (uint32_t c = 0; c < kCodePoints; ++c) classes[c] = classify(c);
    return classes;
  }();
  return table.data();
}

size_t valid_utf8_prefix(std::string_view text) {
  const auto* s = reinterpret_cast<const uint8_t*>(text.data());
  const size_t n = text.size();
  size_t i = 0;
  while (i < n) {
    if (s[i] < 0x80) {
      uint64_t word;
      while (i + 8 <= n && (std::memcpy(&word, s + i, 8), (word & 0x8080808080808080) == 0)) i += 8;
      while (i < n && s[i] < 0x80) ++i;
      continue;
    }
    const int length = utf8_length(s[i]);
    if (length == 0 || i + static_cast<size_t>(length) > n) return i;
    // The second byte's range keeps out overlong forms, surrogates, and what lies
    // beyond U+10FFFF.
    const uint8_t low = s[i] == 0xE0 ? 0xA0 : s[i] == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = s[i] == 0xED ? 0x9F : s[i] == 0xF4 ? 0x8F : 0xBF;
    if (s[i + 1] < low || s[i + 1] > high) return i;
    for (int k = 2; k < length; ++k)
      if ((s[i + static_cast<size_t>(k)] & 0xC0) != 0x80) return i;
    i += static_cast<size_t>(length);
  }
  return n;
}

void append_utf8(uint32_t c, std::string& out) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::string normalize_nfc(std::string_view text) {
  if (surely_nfc(text)) return std::string(text);
  utf8proc_uint8_t* result = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, &std::free);
  if (length < 0) base::fail("cannot normalize text (NFC): {}", utf8proc_errmsg(length));
  return std::string(reinterpret_cast<const char*>(result), static_cast<size_t>(length));
}

}  // namespace parley::tokenizer

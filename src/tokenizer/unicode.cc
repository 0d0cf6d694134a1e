#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
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

// Letters, marks and numbers of Unicode 15.1 and 16.0, which tiktoken's tables have and
// Debian 12's utf8proc (Unicode 15.0) does not.
struct Range {
  uint32_t first, last;
  uint8_t char_class;
};
constexpr Range kSinceUnicode15[] = {
    {0x897, 0x897, kMark},        {0x1C89, 0x1C89, kUpper},     {0x1C8A, 0x1C8A, kLower},
    {0xA7CB, 0xA7CC, kUpper},     {0xA7CD, 0xA7CD, kLower},     {0xA7DA, 0xA7DA, kUpper},
    {0xA7DB, 0xA7DB, kLower},     {0xA7DC, 0xA7DC, kUpper},     {0x105C0, 0x105F3, kUncased},
    {0x10D40, 0x10D49, kNumber},  {0x10D4A, 0x10D4F, kUncased}, {0x10D50, 0x10D65, kUpper},
    {0x10D69, 0x10D6D, kMark},    {0x10D6F, 0x10D6F, kUncased}, {0x10D70, 0x10D85, kLower},
    {0x10EC2, 0x10EC4, kUncased}, {0x10EFC, 0x10EFC, kMark},    {0x11380, 0x11389, kUncased},
    {0x1138B, 0x1138B, kUncased}, {0x1138E, 0x1138E, kUncased}, {0x11390, 0x113B5, kUncased},
    {0x113B7, 0x113B7, kUncased}, {0x113B8, 0x113C0, kMark},    {0x113C2, 0x113C2, kMark},
    {0x113C5, 0x113C5, kMark},    {0x113C7, 0x113CA, kMark},    {0x113CC, 0x113D0, kMark},
    {0x113D1, 0x113D1, kUncased}, {0x113D2, 0x113D2, kMark},    {0x113D3, 0x113D3, kUncased},
    {0x113E1, 0x113E2, kMark},    {0x116D0, 0x116E3, kNumber},  {0x11BC0, 0x11BE0, kUncased},
    {0x11BF0, 0x11BF9, kNumber},  {0x11F5A, 0x11F5A, kMark},    {0x13460, 0x143FA, kUncased},
    {0x16100, 0x1611D, kUncased}, {0x1611E, 0x1612F, kMark},    {0x16130, 0x16139, kNumber},
    {0x16D40, 0x16D6C, kUncased}, {0x16D70, 0x16D79, kNumber},  {0x18CFF, 0x18CFF, kUncased},
    {0x1CCF0, 0x1CCF9, kNumber},  {0x1E5D0, 0x1E5ED, kUncased}, {0x1E5EE, 0x1E5EF, kMark},
    {0x1E5F0, 0x1E5F0, kUncased}, {0x1E5F1, 0x1E5FA, kNumber},  {0x2EBF0, 0x2EE5D, kUncased}};

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
    for (const Range& range : kSinceUnicode15)
      std::fill(classes.begin() + range.first, classes.begin() + range.last + 1, range.char_class);
    return classes;
  }();
  return table.data();
}

std::string valid_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    result += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) break;
    result += "\xEF\xBF\xBD";
    text.remove_prefix(1);
  }
  return result;
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

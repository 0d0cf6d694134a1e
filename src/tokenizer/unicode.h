// Unicode as split patterns see it: UTF-8 validity, code points, and the few classes
// of characters the patterns name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::tokenizer {

// What \p{L}, \p{N}, \p{M} and \s say of a character, as bits.
enum CharClass : uint8_t {
  kUpper = 1,    // \p{Lu} \p{Lt}
  kLower = 2,    // \p{Ll}
  kUncased = 4,  // \p{Lm} \p{Lo}
  kLetter = kUpper | kLower | kUncased,
  kMark = 8,     // \p{M}
  kNumber = 16,  // \p{N}
  kSpace = 32,   // \s: White_Space
};

inline constexpr uint32_t kCodePoints = 0x110000;

// One CharClass byte for each code point, built from utf8proc at first use.
const uint8_t* char_class_table();

// The length of the longest prefix that is valid UTF-8 (no surrogates, no overlong
// forms), which is what Rust's `valid_up_to` gives.
size_t valid_utf8_prefix(std::string_view text);
// A copy that PCRE2 and utf8proc may read: bytes that are no UTF-8 become U+FFFD.
std::string valid_utf8(std::string_view text);

// The bytes of the UTF-8 sequence that `lead` begins; 0 if none does.
inline int utf8_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

struct CodePoint {
  uint32_t value;
  uint32_t bytes;
};

// The code point at `p`, which must begin a valid UTF-8 sequence.
inline CodePoint decode_valid(const char* p) {
  const auto byte = [p](int i) { return uint32_t{static_cast<uint8_t>(p[i])}; };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

void append_utf8(uint32_t code_point, std::string& out);

// Normalization form C of valid UTF-8.
std::string normalize_nfc(std::string_view text);

}  // namespace parley::tokenizer

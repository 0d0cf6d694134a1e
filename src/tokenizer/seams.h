// Where a piece can be cut without changing its tokens.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace parley::tokenizer {

// A seam is a border between two characters that lies inside no token: nothing can ever
// merge across it, so the two sides can be encoded apart. Splitting long runs of, say,
// Chinese at their seams leaves short segments that come again and again, which the
// encoder's cache then answers. The set remembers, for every border inside a token, up to
// two bytes on both sides; a border of the text that looks like none of them is a seam.
class SeamSet {
 public:
  void add(std::string_view token);

  // Whether the border before text[at] (0 < at < text.size()) is surely a seam. Only
  // borders before a lead byte beyond ASCII are looked at.
  bool is_seam(std::string_view text, size_t at) const {
    const auto byte = [text](size_t i) { return uint32_t{static_cast<uint8_t>(text[i])}; };
    if (byte(at) < 0xC0 || bits_.empty()) return false;
    const uint32_t border = byte(at - 1) << 8 | byte(at);
    if (has(border)) return false;  // a token is just these two bytes
    const bool more_left = at >= 2, more_right = at + 1 < text.size();
    const uint32_t left = more_left ? byte(at - 2) : 0, right = more_right ? byte(at + 1) : 0;
    return !(more_left && has(kLeft | left << 16 | border)) &&
           !(more_right && has(kRight | right << 16 | border)) &&
           !(more_left && more_right && has(kBoth | uint64_t{right} << 24 | left << 16 | border));
  }

 private:
  static constexpr uint64_t kLeft = uint64_t{1} << 32, kRight = uint64_t{2} << 32,
                            kBoth = uint64_t{3} << 32;
  static constexpr int kLogBits = 20;

  // A hashed bit each: two keys that meet hide a seam, and never make one up.
  static uint64_t place(uint64_t key) { return key * 0x9E3779B97F4A7C15 >> (64 - kLogBits); }
  bool has(uint64_t key) const { return bits_[place(key) / 64] >> (place(key) % 64) & 1; }
  void put(uint64_t key) { bits_[place(key) / 64] |= uint64_t{1} << (place(key) % 64); }

  std::vector<uint64_t> bits_;
};

}  // namespace parley::tokenizer

#include "tokenizer/seams.h"

namespace parley::tokenizer {

void SeamSet::add(std::string_view token) {
  if (bits_.empty()) bits_.resize((size_t{1} << kLogBits) / 64);
  const auto byte = [token](size_t i) { return uint32_t{static_cast<uint8_t>(token[i])}; };
  for (size_t at = 1; at < token.size(); ++at) {
    if (byte(at) < 0xC0) continue;
    const uint32_t border = byte(at - 1) << 8 | byte(at);
    const bool more_left = at >= 2, more_right = at + 1 < token.size();
    const uint32_t left = more_left ? byte(at - 2) : 0, right = more_right ? byte(at + 1) : 0;
    if (more_left && more_right) {
      put(kBoth | uint64_t{right} << 24 | left << 16 | border);
    } else if (more_left) {
      put(kLeft | left << 16 | border);
    } else if (more_right) {
      put(kRight | right << 16 | border);
    } else {
      put(border);
    }
  }
}

}  // namespace parley::tokenizer

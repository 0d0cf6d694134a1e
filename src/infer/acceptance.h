// How many tokens are worth drafting.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace parley::infer {

// Keeps the rate at which a sequence's drafted tokens are accepted, recent ones weighing
// more. A draft goes on as long as its next token still has a fair chance to count.
class Acceptance {
 public:
  // Tokens to draft now, at most `limit`. 0 when drafting is hopeless; every kRetry
  // such answers it is tried again with one token.
  int64_t length(int64_t limit) {
    const double rate = (accepted_ + 1) / (tried_ + 1.25);  // begins at 0.8
    if (rate < kHopeless) return ++idle_ % kRetry == 0 ? std::min<int64_t>(1, limit) : 0;
    const auto fair = rate >= 1 ? limit : static_cast<int64_t>(std::log(kChance) / std::log(rate));
    return std::clamp<int64_t>(fair, 1, std::max<int64_t>(1, limit));
  }

  void record(int64_t drafted, int64_t accepted) {
    if (drafted == 0) return;
    tried_ = kMemory * tried_ + static_cast<double>(accepted + (accepted < drafted));
    accepted_ = kMemory * accepted_ + static_cast<double>(accepted);
  }

 private:
  static constexpr double kMemory = 0.9, kHopeless = 0.2, kChance = 0.3;
  static constexpr int64_t kRetry = 32;

  double tried_ = 0, accepted_ = 0;  // a draft's tokens count up to the first refused
  int64_t idle_ = 0;
};

}  // namespace parley::infer

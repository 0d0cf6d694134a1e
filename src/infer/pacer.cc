#include "infer/pacer.h"

#include <algorithm>

namespace parley::infer {

int64_t Pacer::prompt_budget(int64_t decoding) const {
  if (decoding == 0) return step_tokens_;
  if (!adaptive_) return std::max<int64_t>(1, step_tokens_ - decoding);
  const double decode = decode_seconds_[static_cast<size_t>(decoding)];
  if (decode == 0 || mixed_steps_ >= kMeasureEvery) return 0;
  const auto at_most = static_cast<double>(step_tokens_);
  if (token_seconds_ == 0) return static_cast<int64_t>(std::min(at_most, kFirstTokens));
  const double seconds = std::max(kExtra * decode, kUnnoticed);
  return static_cast<int64_t>(std::clamp(seconds / token_seconds_, 1.0, at_most));
}

void Pacer::record(int64_t decoding, int64_t prompt_tokens, double seconds) {
  // One step that the machine slept through must not count for long.
  const auto average = [](double& mean, double value) {
    mean = mean == 0 ? value : (1 - kWeight) * mean + kWeight * std::min(value, 2 * mean);
  };
  seconds = std::max(seconds, 1e-9);
  double& decode = decode_seconds_[static_cast<size_t>(decoding)];  // 0 for none
  if (prompt_tokens == 0) {
    if (decoding > 0) average(decode, seconds);
    mixed_steps_ = 0;
    return;
  }
  if (decoding > 0) ++mixed_steps_;
  // A few tokens alone cost what reading the weights costs: that says little of one more.
  if (decoding == 0 && prompt_tokens < 64) return;
  // A chunk that took less than nothing is noise, but time must not become free.
  average(token_seconds_,
          std::max(seconds - decode, 0.1 * seconds) / static_cast<double>(prompt_tokens));
}

}  // namespace parley::infer

// How much of a step prompts may take while others wait for their next token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace parley::infer {

// Sarathi's idea (Agrawal et al. 2024, arXiv 2403.02310), with the chunk found by
// measuring: a step with a piece of a prompt should take less than twice the time of one
// without, so that the unforeseen stays below three times; but of a small model, whose steps
// are over before anybody notices, a few milliseconds. Keeps moving averages of the
// time of decode-only steps, for each number of decoding sequences, and of the time a
// prompt token adds.
class Pacer {
 public:
  // `adaptive` false: prompts fill every step up to step_tokens.
  Pacer(int64_t step_tokens, int64_t max_sequences, bool adaptive)
      : step_tokens_(step_tokens),
        adaptive_(adaptive),
        decode_seconds_(static_cast<size_t>(max_sequences) + 1, 0.0) {}

  // Prompt tokens for a step in which `decoding` sequences take a token each. 0 now and
  // then, so that decoding alone is measured.
  int64_t prompt_budget(int64_t decoding) const;
  // What a step took.
  void record(int64_t decoding, int64_t prompt_tokens, double seconds);

  double prompt_token_seconds() const { return token_seconds_; }

 private:
  static constexpr double kWeight = 0.2;        // of the newest measurement
  static constexpr double kExtra = 0.75;        // a chunk's time, in decode-only steps
  static constexpr double kUnnoticed = 0.004;   // seconds a chunk may always take
  static constexpr double kFirstTokens = 16;    // of a chunk while nothing was measured
  static constexpr int64_t kMeasureEvery = 32;  // mixed steps

  int64_t step_tokens_;
  bool adaptive_;
  std::vector<double> decode_seconds_;  // by number of sequences; 0: not known
  double token_seconds_ = 0;
  int64_t mixed_steps_ = 0;  // since decoding alone was measured
};

}  // namespace parley::infer

// How good a reward model is, and how much of it is length.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/reward.h"

namespace parley::train {

// One held-out pair, as it was scored.
struct ScoredPair {
  double better, worse;               // scores
  int64_t better_bytes, worse_bytes;  // lengths of the answers
};

// Pairs won by the better answer, ties ½.
double accuracy(std::span<const ScoredPair> pairs);

// "The longer one is better", or the shorter one, whichever is right more often on `pairs`;
// equal lengths ½. What a reward model has to beat.
double length_accuracy(std::span<const ScoredPair> pairs);

// How sure and how right: pairs by their predicted probability σ(|difference|) that the higher
// score wins, in ten bins over [0.5, 1].
struct CalibrationBin {
  double low, high;
  int64_t pairs = 0;
  double predicted = 0, observed = 0;  // means in the bin
};
std::vector<CalibrationBin> calibration(std::span<const ScoredPair> pairs);
// Expected calibration error: the mean of |predicted − observed| over pairs (Guo et al. 2017).
double calibration_error(std::span<const CalibrationBin> bins);

// Rank correlation of score and length (Spearman), over all answers.
double length_correlation(std::span<const ScoredPair> pairs);

// All of it: accuracy with its 95 % interval (Wilson), accuracy where the better answer is the
// longer and where it is the shorter, the baseline, calibration, correlation.
Json reward_report(std::span<const ScoredPair> pairs);
// The same for people.
std::string reward_report_markdown(const Json& report);

}  // namespace parley::train

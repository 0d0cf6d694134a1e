// Win rates of paired comparisons: how often A's answer is preferred to B's, how sure that is,
// and how much of it is length.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/measure.h"

namespace parley::eval {

// One prompt, judged.
struct Comparison {
  double preference;          // of A: 1 it won, 0 it lost, ½ a tie
  double length_a, length_b;  // characters of the answers
};

using base::Interval;

struct WinRate {
  int64_t n = 0, wins = 0, ties = 0, losses = 0;
  double rate = 0;        // (wins + ties / 2) / n
  Interval wilson;        // 95 %, of a proportion (Wilson 1927)
  Interval bootstrap;     // 95 %, percentiles over resampled prompts (Efron)
  double controlled = 0;  // length-controlled win rate
  Interval controlled_bootstrap;
  // Nearly all answers of one side are longer: equal lengths lie outside of what was seen (between
  // the 5th and the 95th percentile of the length ratios), and `controlled` is an extrapolation.
  bool extrapolated = false;
  double length_slope = 0;  // log-odds per standard deviation of the log length ratio
  double sign_p = 1;        // two-sided sign test of wins against losses, ties left out
  double mean_length_a = 0, mean_length_b = 0;
};

// All of the above; `resamples` draws for the bootstraps, by (seed, prompt positions) alone.
// Everything is empty or even (rate ½, p 1) when there is no comparison.
WinRate win_rate(std::span<const Comparison> comparisons, uint64_t seed = 0,
                 int64_t resamples = 1000);

// P(X is at least as far from n/2 as this), X ~ Binomial(wins + losses, ½): exact.
double sign_test(int64_t wins, int64_t losses);

// The win rate of A were its answers as long as B's, in the manner of AlpacaEval 2 (Dubois et al.
// 2404.04475, without their terms for prompts): preference ~ σ(θ + β·x), x = ln((a + 1)/(b + 1))
// over its standard deviation; σ(θ) is the result. β has a normal prior of standard deviation 2,
// so that lengths which separate wins from losses do not send it to infinity. Newton's method.
struct LengthControl {
  double rate = 0.5, theta = 0, beta = 0;
};
LengthControl length_controlled(std::span<const Comparison> comparisons);

// Value at q in [0, 1] of the samples, linear between neighbours (NumPy's default).
double quantile(std::vector<double> samples, double q);

}  // namespace parley::eval

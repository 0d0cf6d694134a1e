#include "eval/winrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace parley::eval {
namespace {

TEST(WilsonInterval, EqualsScipy) {
  // scipy.stats.binomtest(8, 10).proportion_ci(method="wilson")
  const Interval eight = base::wilson_interval(8, 10);
  EXPECT_NEAR(eight.low, 0.4901624715366418, 1e-12);
  EXPECT_NEAR(eight.high, 0.9433178485456248, 1e-12);
  const Interval half = base::wilson_interval(62.5, 100);  // with a tie
  EXPECT_NEAR(half.low, 0.52714634179232, 1e-12);
  EXPECT_NEAR(half.high, 0.7136052836559336, 1e-12);
  EXPECT_EQ(base::wilson_interval(0, 5).low, 0);
  EXPECT_EQ(base::wilson_interval(5, 5).high, 1);
  EXPECT_EQ(base::wilson_interval(0, 0).high, 1);
}

TEST(SignTest, EqualsScipy) {
  // scipy.stats.binomtest(wins, wins + losses).pvalue
  EXPECT_NEAR(sign_test(8, 2), 0.109375, 1e-12);
  EXPECT_NEAR(sign_test(2, 8), 0.109375, 1e-12);
  EXPECT_NEAR(sign_test(60, 40), 0.05688793364098089, 1e-12);
  EXPECT_NEAR(sign_test(300, 220), 0.0005194158496652906, 1e-12);
  EXPECT_NEAR(sign_test(0, 7), 0.015625, 1e-12);
  EXPECT_EQ(sign_test(5, 5), 1);
  EXPECT_EQ(sign_test(0, 0), 1);
  EXPECT_LT(sign_test(100'000, 90'000), 1e-100);
}

// Numbers made by scipy.optimize.minimize on the same objective.
const std::vector<double> kLengthsA = {100, 240, 80,  400, 120, 60,  300, 210, 90,  150, 500, 75,
                                       130, 220, 310, 95,  180, 260, 140, 70,  330, 160, 110, 205};
const std::vector<double> kLengthsB = {120, 200, 90,  210, 160, 80,  150, 200, 140, 100, 250, 75,
                                       90,  260, 140, 130, 170, 200, 190, 60,  180, 155, 145, 150};
const std::vector<double> kPreferences = {0, 1, .5, 1, 0, 1,  1, 1, 0, 1, 1, 0,
                                          1, 0, 1,  0, 1, .5, 0, 1, 1, 0, 0, 1};

std::vector<Comparison> example() {
  std::vector<Comparison> result;
  for (size_t i = 0; i < kPreferences.size(); ++i)
    result.push_back({kPreferences[i], kLengthsA[i], kLengthsB[i]});
  return result;
}

TEST(LengthControlled, EqualsScipy) {
  const LengthControl fit = length_controlled(example());
  EXPECT_NEAR(fit.rate, 0.5199306498619412, 1e-7);
  EXPECT_NEAR(fit.theta, 0.07976486, 1e-7);
  EXPECT_NEAR(fit.beta, 2.25929, 1e-5);
}

TEST(LengthControlled, LengthsThatSeparateStayFinite) {
  const std::vector<Comparison> separated = {
      {1, 200, 100}, {1, 300, 100}, {0, 100, 200}, {0, 50, 100}, {1, 400, 100}};
  const LengthControl fit = length_controlled(separated);
  EXPECT_NEAR(fit.rate, 0.47076170598332456, 1e-7);
  EXPECT_NEAR(fit.beta, 2.10385994, 1e-6);
}

TEST(LengthControlled, ClosedForms) {
  // Equal lengths: nothing to control.
  std::vector<Comparison> same;
  for (int i = 0; i < 10; ++i) same.push_back({i < 7 ? 1.0 : 0.0, 50, 50});
  EXPECT_NEAR(length_controlled(same).rate, 0.7, 1e-9);
  // Lengths that say nothing: the same odds on both sides of zero.
  std::vector<Comparison> apart;
  for (int i = 0; i < 20; ++i)
    apart.push_back({i % 10 < 6 ? 1.0 : 0.0, i < 10 ? 99.0 : 49.0, i < 10 ? 49.0 : 99.0});
  EXPECT_NEAR(length_controlled(apart).rate, 0.6, 1e-9);
  EXPECT_NEAR(length_controlled(apart).beta, 0, 1e-9);
  // Every one won, with lengths and without.
  EXPECT_NEAR(length_controlled(std::vector<Comparison>(5, {1, 10, 10})).rate, 1, 1e-9);
  EXPECT_GT(length_controlled(std::vector<Comparison>(5, {1, 30, 10})).rate, 0.9);
  EXPECT_EQ(length_controlled({}).rate, 0.5);
}

TEST(LengthControlled, FindsTheTruthBehindABias) {
  // A is no better, but twice as long on average, and the judge likes length.
  const base::Philox random(3, 0);
  std::vector<Comparison> biased;
  for (uint64_t i = 0; i < 4000; ++i) {
    const double x = 0.7 + 0.7 * random.normal(2 * i);
    const bool won = random.uniform(2 * i + 1) < 1 / (1 + std::exp(-1.5 * x));
    biased.push_back({won ? 1.0 : 0.0, 1000 * std::exp(x) - 1, 999});
  }
  const WinRate result = win_rate(biased, 0, 50);
  EXPECT_GT(result.rate, 0.65);
  EXPECT_NEAR(result.controlled, 0.5, 0.03);
  EXPECT_LT(result.controlled_bootstrap.low, 0.5);
  EXPECT_GT(result.controlled_bootstrap.high, 0.5);
}

TEST(WinRate, CountsAndIntervals) {
  const WinRate result = win_rate(example(), 7, 2000);
  EXPECT_EQ(result.n, 24);
  EXPECT_EQ(result.wins, 13);
  EXPECT_EQ(result.ties, 2);
  EXPECT_EQ(result.losses, 9);
  EXPECT_NEAR(result.rate, 14.0 / 24, 1e-12);
  EXPECT_NEAR(result.sign_p, sign_test(13, 9), 1e-12);
  EXPECT_NEAR(result.mean_length_a, 4535.0 / 24, 1e-9);
  // The bootstrap's width is that of the normal approximation.
  double square = 0;
  for (const double p : kPreferences) square += (p - 14.0 / 24) * (p - 14.0 / 24);
  const double se = std::sqrt(square / 24 / 24);
  EXPECT_NEAR(result.bootstrap.high - result.bootstrap.low, 2 * 1.96 * se, 0.05);
  // The seed decides.
  EXPECT_EQ(win_rate(example(), 7, 100).bootstrap.low, win_rate(example(), 7, 100).bootstrap.low);
  EXPECT_NE(win_rate(example(), 7, 100).controlled_bootstrap.low,
            win_rate(example(), 8, 100).controlled_bootstrap.low);
}

TEST(WinRate, SaysWhenEqualLengthsWereNeverSeen) {
  EXPECT_FALSE(win_rate(example(), 0, 0).extrapolated);
  std::vector<Comparison> longer;
  for (int i = 0; i < 20; ++i) longer.push_back({i % 2 * 1.0, 200.0 + i, 100});
  EXPECT_TRUE(win_rate(longer, 0, 0).extrapolated);
  longer[0].length_a = longer[1].length_a = 50;
  EXPECT_FALSE(win_rate(longer, 0, 0).extrapolated);
}

TEST(WinRate, OfTheOtherSideIsTheComplement) {
  std::vector<Comparison> turned;
  for (const Comparison& c : example())
    turned.push_back({1 - c.preference, c.length_b, c.length_a});
  const WinRate one = win_rate(example(), 1, 200), other = win_rate(turned, 1, 200);
  EXPECT_NEAR(one.rate + other.rate, 1, 1e-12);
  EXPECT_NEAR(one.wilson.low + other.wilson.high, 1, 1e-12);
  EXPECT_NEAR(one.controlled + other.controlled, 1, 1e-8);
  EXPECT_NEAR(one.sign_p, other.sign_p, 1e-12);
}

TEST(WinRate, OfNothing) {
  const WinRate result = win_rate({});
  EXPECT_EQ(result.n, 0);
  EXPECT_EQ(result.rate, 0.5);
  EXPECT_EQ(result.wilson.low, 0);
}

TEST(Quantile, IsNumpys) {
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_NEAR(quantile({1, 2, 3, 4, 5}, 0.1), 1.4, 1e-12);
  EXPECT_EQ(quantile({7}, 0.975), 7);
}

}  // namespace
}  // namespace parley::eval

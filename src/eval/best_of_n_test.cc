#include "eval/best_of_n.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace parley::eval {
namespace {

// The mean over all subsets of n answers, one by one; equal proxies share their gold.
ProxyGold by_enumeration(const std::vector<ProxyGold>& answers, int n) {
  ProxyGold sum{0, 0};
  int subsets = 0;
  for (unsigned mask = 0; mask < 1u << answers.size(); ++mask) {
    if (__builtin_popcount(mask) != n) continue;
    ++subsets;
    double best = -1e9, gold = 0;
    int equals = 0;
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!(mask >> i & 1)) continue;
      if (answers[i].proxy > best) best = answers[i].proxy, gold = 0, equals = 0;
      if (answers[i].proxy == best) gold += answers[i].gold, ++equals;
    }
    sum.proxy += best;
    sum.gold += gold / equals;
  }
  return {sum.proxy / subsets, sum.gold / subsets};
}

TEST(BestOfN, EqualsTheMeanOverAllSubsets) {
  const std::vector<ProxyGold> answers = {{0.3, 1},  {-1, 2},   {2, -3},  {0.5, 0.25}, {1.5, 4},
                                          {0.31, 7}, {-0.2, 1}, {2.5, 0}, {0.7, -1}};
  const std::vector<ProxyGold> tied = {{1, 1}, {1, 5}, {0, 2}, {1, 0}, {0, 3}, {2, 9}, {2, 1}};
  for (const auto& set : {answers, tied}) {
    for (int n = 1; n <= static_cast<int>(set.size()); ++n) {
      const ProxyGold expected = by_enumeration(set, n), found = best_of_n(set, n);
      EXPECT_NEAR(found.proxy, expected.proxy, 1e-12) << n;
      EXPECT_NEAR(found.gold, expected.gold, 1e-12) << n;
    }
  }
}

TEST(BestOfN, IsUnbiased) {
  // Uniform proxies: the best of n is n / (n + 1) on average. Gold: its square, n / (n + 2).
  const base::Philox random(1, 0);
  std::vector<std::vector<ProxyGold>> prompts(3000);
  for (size_t p = 0; p < prompts.size(); ++p)
    for (uint64_t i = 0; i < 8; ++i) {
      const double u = random.uniform(8 * p + i);
      prompts[p].push_back({u, u * u});
    }
  const std::vector<BestOfNRow> rows = best_of_n_curve(prompts);
  ASSERT_EQ(rows.size(), 8u);
  for (const BestOfNRow& row : rows) {
    const auto n = static_cast<double>(row.n);
    EXPECT_NEAR(row.proxy, n / (n + 1), 4 * row.proxy_se);
    EXPECT_NEAR(row.gold, n / (n + 2), 4 * row.gold_se);
    EXPECT_LT(row.gold_se, 0.006);
  }
}

TEST(BestOfN, Kl) {
  EXPECT_EQ(best_of_n_kl(1), 0);
  EXPECT_NEAR(best_of_n_kl(2), 0.1931471805599453, 1e-15);
  EXPECT_NEAR(best_of_n_kl(64), std::log(64) - 63.0 / 64, 1e-15);
}

TEST(BestOfN, ManyAnswersStayFinite) {
  std::vector<ProxyGold> answers;
  for (int i = 0; i < 5000; ++i) answers.push_back({static_cast<double>(i), 1});
  EXPECT_NEAR(best_of_n(answers, 2500).gold, 1, 1e-9);
  EXPECT_NEAR(best_of_n(answers, 5000).proxy, 4999, 1e-9);
  EXPECT_TRUE(best_of_n_curve({}).empty());
  EXPECT_EQ(best_of_n_curve(std::vector<std::vector<ProxyGold>>(1, {{1, 2}}))[0].gold_se, 0);
}

}  // namespace
}  // namespace parley::eval

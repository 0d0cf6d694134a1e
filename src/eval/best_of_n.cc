#include "eval/best_of_n.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace parley::eval {
namespace {

std::vector<ProxyGold> by_proxy(std::span<const ProxyGold> answers) {
  std::vector<ProxyGold> sorted(answers.begin(), answers.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ProxyGold& a, const ProxyGold& b) { return a.proxy < b.proxy; });
  // Which of several equal answers is taken is chance.
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    double sum = 0;
    while (end < sorted.size() && sorted[end].proxy == sorted[begin].proxy)
      sum += sorted[end++].gold;
    const double mean = sum / static_cast<double>(end - begin);
    for (; begin < end; ++begin) sorted[begin].gold = mean;
  }
  return sorted;
}

ProxyGold best_of_sorted(std::span<const ProxyGold> sorted, int64_t n) {
  const auto N = static_cast<int64_t>(sorted.size());
  double weight = static_cast<double>(n) / static_cast<double>(N);  // of the best
  ProxyGold sum{0, 0};
  for (int64_t i = N; i >= n; --i) {
    sum.proxy += weight * sorted[static_cast<size_t>(i - 1)].proxy;
    sum.gold += weight * sorted[static_cast<size_t>(i - 1)].gold;
    if (i > 1) weight *= static_cast<double>(i - n) / static_cast<double>(i - 1);
  }
  return sum;
}

}  // namespace

ProxyGold best_of_n(std::span<const ProxyGold> answers, int64_t n) {
  const auto N = static_cast<int64_t>(answers.size());
  PARLEY_CHECK(n >= 1 && n <= N, "best of {} from {} answers", n, N);
  return best_of_sorted(by_proxy(answers), n);
}

double best_of_n_kl(int64_t n) {
  const auto count = static_cast<double>(n);
  return std::log(count) - (count - 1) / count;
}

std::vector<BestOfNRow> best_of_n_curve(std::span<const std::vector<ProxyGold>> prompts) {
  std::vector<BestOfNRow> rows;
  if (prompts.empty()) return rows;
  std::vector<std::vector<ProxyGold>> sorted;
  for (const auto& answers : prompts) {
    PARLEY_CHECK(answers.size() == prompts[0].size(), "{} answers, {} to the first prompt",
                 answers.size(), prompts[0].size());
    sorted.push_back(by_proxy(answers));
  }
  const auto P = static_cast<double>(prompts.size());
  for (int64_t n = 1; n <= static_cast<int64_t>(prompts[0].size()); ++n) {
    BestOfNRow row{n, best_of_n_kl(n), 0, 0, 0, 0};
    std::vector<ProxyGold> each;
    for (const auto& answers : sorted) {
      each.push_back(best_of_sorted(answers, n));
      row.proxy += each.back().proxy / P;
      row.gold += each.back().gold / P;
    }
    double proxy = 0, gold = 0;
    for (const ProxyGold& e : each) {
      proxy += (e.proxy - row.proxy) * (e.proxy - row.proxy);
      gold += (e.gold - row.gold) * (e.gold - row.gold);
    }
    if (each.size() > 1) {
      row.proxy_se = std::sqrt(proxy / (P - 1) / P);
      row.gold_se = std::sqrt(gold / (P - 1) / P);
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace parley::eval

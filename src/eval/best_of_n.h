// Best of n: what choosing the best of n answers by a proxy reward does to the proxy and to the
// gold reward, estimated from N ≥ n answers a prompt.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace parley::eval {

// An answer's two rewards.
struct ProxyGold {
  double proxy, gold;
};

// The expected proxy and gold reward of the answer with the largest proxy among n drawn without
// replacement from these N: unbiased for n fresh answers. The mean over all (N choose n) subsets,
// in closed form: with the answers by ascending proxy, the i-th (from 1) is the best of a subset
// with probability (i−1 choose n−1) / (N choose n) (Gao et al. 2210.10760, appendix; Nakano et al.
// 2112.09332). Answers of equal proxy share their gold reward. 1 ≤ n ≤ N.
ProxyGold best_of_n(std::span<const ProxyGold> answers, int64_t n);

// KL divergence of best-of-n from the policy itself, nats: ln n − (n − 1)/n (Stiennon et al.
// 2009.01325, appendix G.3). An upper bound where answers repeat.
double best_of_n_kl(int64_t n);

struct BestOfNRow {
  int64_t n;
  double kl;
  double proxy, gold;        // means over the prompts
  double proxy_se, gold_se;  // standard errors of those means, over prompts; 0 for one prompt
};

// A row for n = 1 … N. Every prompt has the same number N of answers.
std::vector<BestOfNRow> best_of_n_curve(std::span<const std::vector<ProxyGold>> prompts);

}  // namespace parley::eval

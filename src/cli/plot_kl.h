// Reward against distance from the first policy: what optimising a proxy does to the gold reward.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "cli/chart.h"

namespace parley::cli {

// R(d) = offset + d (α − β f(d)), d = √KL, as Gao et al. (2210.10760, section 3) found for the
// gold reward: f(d) = d for best-of-n, ln d for reinforcement learning. Theirs has no offset
// because rewards there are 0 at the start.
enum class KlForm { kBestOfN, kReinforcement };

struct KlFit {
  double offset = 0, alpha = 0, beta = 0;
  bool valid = false;  // three different d at least

  double at(KlForm form, double d) const;
};

// Least squares over the points (d[i], r[i]); d < 0 is not allowed.
KlFit fit_kl(KlForm form, const std::vector<double>& d, const std::vector<double>& r);

// The points of one file.
struct KlCurve {
  std::string name;
  KlForm form = KlForm::kReinforcement;
  std::vector<double> d;            // √KL, in the order of the file
  std::vector<double> proxy, gold;  // NaN where a line has none
};

// Reads lines {"n", "kl", "proxy", "gold"} of `parley eval bestofn`, or the metrics ("kl",
// "reward", "gold") of a PPO or GRPO run, given as its directory or file. Negative estimates of
// the KL count as 0. Error when there is no line with them.
KlCurve read_kl_curve(const base::fs::path& path);

// Whether a file is one of best-of-n, by its first line.
bool is_best_of_n_file(const base::fs::path& path);

// One panel: gold solid, proxy dashed, fits thin.
Panel kl_panel(const std::vector<KlCurve>& curves);

}  // namespace parley::cli

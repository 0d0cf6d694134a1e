#include "eval/winrate.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace parley::eval {
namespace {

constexpr double kPriorPrecision = 0.25;  // of β: a standard deviation of 2
constexpr double kMaxTheta = 30;          // σ(±30) is 0 or 1 in any report
constexpr uint64_t kBootstrapStream = 0x57494e;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double rate_of(std::span<const Comparison> comparisons) {
  double sum = 0;
  for (const Comparison& c : comparisons) sum += c.preference;
  return sum / static_cast<double>(comparisons.size());
}

// ln of the length ratio of each, and 1 over its standard deviation.
std::vector<double> standardized_ratios(std::span<const Comparison> comparisons) {
  std::vector<double> x;
  double mean = 0, square = 0;
  for (const Comparison& c : comparisons) {
    x.push_back(std::log((c.length_a + 1) / (c.length_b + 1)));
    mean += x.back();
  }
  mean /= static_cast<double>(x.size());
  for (const double value : x) square += (value - mean) * (value - mean);
  const double deviation = std::sqrt(square / static_cast<double>(x.size()));
  if (deviation > 1e-9)
    for (double& value : x) value /= deviation;
  return x;
}

}  // namespace

double sign_test(int64_t wins, int64_t losses) {
  const int64_t n = wins + losses, least = std::min(wins, losses);
  if (2 * least >= n) return 1;
  const auto log_choose = [n](int64_t k) {
    return std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1)) -
           std::lgamma(static_cast<double>(n - k + 1));
  };
  double sum = 0;
  for (int64_t k = least; k >= 0; --k)
    sum += std::exp(log_choose(k) - static_cast<double>(n) * std::log(2.0));
  return std::min(1.0, 2 * sum);
}

LengthControl length_controlled(std::span<const Comparison> comparisons) {
  LengthControl fit;
  if (comparisons.empty()) return fit;
  const std::vector<double> x = standardized_ratios(comparisons);
  const auto objective = [&](double theta, double beta) {
    double sum = -0.5 * kPriorPrecision * beta * beta;
    for (size_t i = 0; i < x.size(); ++i) {
      const double z = theta + beta * x[i];
      // y·z − ln(1 + e^z), without overflow.
      sum += comparisons[i].preference * z - std::max(z, 0.0) - std::log1p(std::exp(-std::abs(z)));
    }
    return sum;
  };
  double value = objective(0, 0);
  for (int step = 0; step < 100; ++step) {
    double gt = 0, gb = -kPriorPrecision * fit.beta;     // gradient
    double htt = 1e-12, htb = 0, hbb = kPriorPrecision;  // minus the Hessian
    for (size_t i = 0; i < x.size(); ++i) {
      const double p = sigmoid(fit.theta + fit.beta * x[i]), w = p * (1 - p);
      gt += comparisons[i].preference - p;
      gb += (comparisons[i].preference - p) * x[i];
      htt += w;
      htb += w * x[i];
      hbb += w * x[i] * x[i];
    }
    const double det = htt * hbb - htb * htb;
    if (!(det > 0)) break;
    double dt = (hbb * gt - htb * gb) / det, db = (htt * gb - htb * gt) / det;
    // Concave: halving the step always finds a better place.
    double next = objective(fit.theta + dt, fit.beta + db);
    for (int half = 0; half < 40 && !(next >= value); ++half) {
      dt /= 2;
      db /= 2;
      next = objective(fit.theta + dt, fit.beta + db);
    }
    fit.theta = std::clamp(fit.theta + dt, -kMaxTheta, kMaxTheta);
    fit.beta += db;
    value = next;
    if (std::abs(dt) + std::abs(db) < 1e-10 || std::abs(fit.theta) == kMaxTheta) break;
  }
  fit.rate = sigmoid(fit.theta);
  return fit;
}

double quantile(std::vector<double> samples, double q) {
  if (samples.empty()) return std::nan("");
  std::sort(samples.begin(), samples.end());
  const double place = q * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (place - static_cast<double>(below)) * (samples[above] - samples[below]);
}

WinRate win_rate(std::span<const Comparison> comparisons, uint64_t seed, int64_t resamples) {
  WinRate result;
  result.n = static_cast<int64_t>(comparisons.size());
  result.rate = result.controlled = 0.5;
  result.wilson = result.bootstrap = result.controlled_bootstrap = {0, 1};
  if (comparisons.empty()) return result;
  const auto count = static_cast<double>(result.n);
  for (const Comparison& c : comparisons) {
    result.wins += c.preference > 0.5;
    result.losses += c.preference < 0.5;
    result.mean_length_a += c.length_a / count;
    result.mean_length_b += c.length_b / count;
  }
  result.ties = result.n - result.wins - result.losses;
  result.rate = rate_of(comparisons);
  result.wilson = base::wilson_interval(result.rate * count, result.n);
  result.sign_p = sign_test(result.wins, result.losses);
  const LengthControl control = length_controlled(comparisons);
  result.controlled = control.rate;
  result.length_slope = control.beta;
  const std::vector<double> ratios = standardized_ratios(comparisons);
  result.extrapolated = quantile(ratios, 0.05) > 0 || quantile(ratios, 0.95) < 0;

  const base::Philox random(seed, kBootstrapStream);
  std::vector<double> rates, controlled;
  std::vector<Comparison> sample(comparisons.size());
  for (int64_t r = 0; r < resamples; ++r) {
    for (int64_t i = 0; i < result.n; ++i) {
      const auto place = static_cast<uint64_t>(r * result.n + i);
      sample[static_cast<size_t>(i)] =
          comparisons[random.below(place, static_cast<uint64_t>(result.n))];
    }
    rates.push_back(rate_of(sample));
    controlled.push_back(length_controlled(sample).rate);
  }
  if (resamples > 0) {
    result.bootstrap = {quantile(rates, 0.025), quantile(rates, 0.975)};
    result.controlled_bootstrap = {quantile(controlled, 0.025), quantile(controlled, 0.975)};
  }
  return result;
}

}  // namespace parley::eval

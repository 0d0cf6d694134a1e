#include "train/reward_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/measure.h"

namespace parley::train {
namespace {

// Mid-ranks: equal values share the mean of their places.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (size_t j = i; j < end; ++j) out[order[j]] = static_cast<double>(i + end - 1) / 2;
    i = end;
  }
  return out;
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  const double mx = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double my = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

template <typename Keep>
std::vector<ScoredPair> filter(std::span<const ScoredPair> pairs, Keep&& keep) {
  std::vector<ScoredPair> out;
  std::ranges::copy_if(pairs, std::back_inserter(out), keep);
  return out;
}

Json subset(const std::vector<ScoredPair>& pairs) {
  Json json;
  json["pairs"] = pairs.size();
  if (!pairs.empty()) {
    json["accuracy"] = accuracy(pairs);
    json["length_baseline"] = length_accuracy(pairs);
  }
  return json;
}

}  // namespace

double accuracy(std::span<const ScoredPair> pairs) {
  double won = 0;
  for (const ScoredPair& p : pairs) won += p.better > p.worse ? 1 : p.better == p.worse ? 0.5 : 0;
  return won / static_cast<double>(std::max<size_t>(1, pairs.size()));
}

double length_accuracy(std::span<const ScoredPair> pairs) {
  double longer = 0;
  for (const ScoredPair& p : pairs)
    longer += p.better_bytes > p.worse_bytes ? 1 : p.better_bytes == p.worse_bytes ? 0.5 : 0;
  const double share = longer / static_cast<double>(std::max<size_t>(1, pairs.size()));
  return std::max(share, 1 - share);
}

std::vector<CalibrationBin> calibration(std::span<const ScoredPair> pairs) {
  constexpr int kBins = 10;
  std::vector<CalibrationBin> bins(kBins);
  for (int i = 0; i < kBins; ++i) bins[static_cast<size_t>(i)] = {0.5 + 0.05 * i, 0.55 + 0.05 * i};
  for (const ScoredPair& p : pairs) {
    const double difference = std::abs(p.better - p.worse);
    const double predicted = 1 / (1 + std::exp(-difference));
    const auto bin = std::min<size_t>(kBins - 1, static_cast<size_t>((predicted - 0.5) * 20));
    ++bins[bin].pairs;
    bins[bin].predicted += predicted;
    bins[bin].observed += p.better > p.worse ? 1 : p.better == p.worse ? 0.5 : 0;
  }
  for (CalibrationBin& bin : bins) {
    if (bin.pairs == 0) continue;
    bin.predicted /= static_cast<double>(bin.pairs);
    bin.observed /= static_cast<double>(bin.pairs);
  }
  return bins;
}

double calibration_error(std::span<const CalibrationBin> bins) {
  double sum = 0, pairs = 0;
  for (const CalibrationBin& bin : bins) {
    sum += static_cast<double>(bin.pairs) * std::abs(bin.predicted - bin.observed);
    pairs += static_cast<double>(bin.pairs);
  }
  return pairs > 0 ? sum / pairs : 0;
}

double length_correlation(std::span<const ScoredPair> pairs) {
  std::vector<double> scores, lengths;
  for (const ScoredPair& p : pairs) {
    scores.insert(scores.end(), {p.better, p.worse});
    lengths.insert(lengths.end(),
                   {static_cast<double>(p.better_bytes), static_cast<double>(p.worse_bytes)});
  }
  return pairs.empty() ? 0 : correlation(ranks(scores), ranks(lengths));
}

Json reward_report(std::span<const ScoredPair> pairs) {
  Json json = subset({pairs.begin(), pairs.end()});
  if (pairs.empty()) return json;
  const auto n = static_cast<double>(pairs.size());
  const auto [low, high] =
      base::wilson_interval(json["accuracy"].get<double>() * n, std::ssize(pairs));
  json["accuracy_low"] = low;
  json["accuracy_high"] = high;
  json["over_length_baseline"] =
      json["accuracy"].get<double>() - json["length_baseline"].get<double>();
  json["better_is_longer"] =
      subset(filter(pairs, [](const ScoredPair& p) { return p.better_bytes > p.worse_bytes; }));
  json["better_is_shorter"] =
      subset(filter(pairs, [](const ScoredPair& p) { return p.better_bytes < p.worse_bytes; }));
  json["similar_lengths"] = subset(filter(pairs, [](const ScoredPair& p) {
    const auto a = static_cast<double>(p.better_bytes), b = static_cast<double>(p.worse_bytes);
    return std::abs(a - b) <= 0.2 * std::max(a, b);
  }));
  json["length_correlation"] = length_correlation(pairs);
  const std::vector<CalibrationBin> bins = calibration(pairs);
  json["calibration_error"] = calibration_error(bins);
  for (const CalibrationBin& bin : bins) {
    if (bin.pairs == 0) continue;
    Json entry;
    entry["low"] = bin.low;
    entry["high"] = bin.high;
    entry["pairs"] = bin.pairs;
    entry["predicted"] = bin.predicted;
    entry["observed"] = bin.observed;
    json["calibration"].push_back(std::move(entry));
  }
  return json;
}

std::string reward_report_markdown(const Json& report) {
  std::string out = "# Reward model: held-out prompts\n\n";
  if (!report.contains("accuracy")) return out + "Nothing was held out.\n";
  const auto percent = [](const Json& value) { return 100 * value.get<double>(); };
  out += fmt::format(
      "| | pairs | accuracy % | length alone % |\n|---|---|---|---|\n"
      "| all | {} | {:.1f} ({:.1f} to {:.1f}) | {:.1f} |\n",
      report["pairs"].get<int64_t>(), percent(report["accuracy"]), percent(report["accuracy_low"]),
      percent(report["accuracy_high"]), percent(report["length_baseline"]));
  for (const auto& [key, name] : {std::pair{"better_is_longer", "the better answer is longer"},
                                  {"better_is_shorter", "the better answer is shorter"},
                                  {"similar_lengths", "lengths within 20 %"}}) {
    const Json& part = report[key];
    if (part["pairs"].get<int64_t>() > 0)
      out += fmt::format("| {} | {} | {:.1f} | {:.1f} |\n", name, part["pairs"].get<int64_t>(),
                         percent(part["accuracy"]), percent(part["length_baseline"]));
  }
  out += fmt::format(
      "\nRank correlation of score and length: {:.2f}. Expected calibration error: {:.3f}.\n\n"
      "| predicted | observed | pairs |\n|---|---|---|\n",
      report["length_correlation"].get<double>(), report["calibration_error"].get<double>());
  for (const Json& bin : report["calibration"])
    out += fmt::format("| {:.2f} | {:.2f} | {} |\n", bin["predicted"].get<double>(),
                       bin["observed"].get<double>(), bin["pairs"].get<int64_t>());
  if (report.contains("reference_std"))
    out += fmt::format(
        "\nScores were shifted by {:+.3f} so that {} reference answers score 0 on average; their "
        "standard deviation is {:.3f}.\n",
        -report["reference_mean_before"].get<double>(), report["reference_answers"].get<int64_t>(),
        report["reference_std"].get<double>());
  return out;
}

}  // namespace parley::train

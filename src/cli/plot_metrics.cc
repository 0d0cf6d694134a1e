#include "cli/plot_metrics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "data/json_lines.h"

namespace parley::cli {
namespace {

struct Key {
  std::string_view key;   // "reward_*": all that begin so
  std::string_view name;  // in the legend
};

// Panels no higher than this go side by side.
constexpr double kHalfHeight = 0.6;

// What belongs in one picture: numbers of the same unit.
struct Group {
  std::string_view title;
  double height;
  std::vector<Key> keys;
};

// In the order people look: is it learning, is it still itself, is it healthy, is it fast.
const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {"reward", 1.2, {{"reward", "reward"}, {"gold", "gold"}, {"reward_*", ""}}},
      {"loss", 1.3, {{"loss", "training"}, {"val_loss", "validation"}}},
      {"accuracy on pairs",
       0.8,
       {{"train_accuracy", "training"},
        {"accuracy", "training"},
        {"val_accuracy", "validation"},
        {"val_length_accuracy", "length alone"}}},
      {"bits per byte", 0.6, {{"val_bpb", "validation"}, {"bpb", "of ordinary text"}}},
      {"KL from the reference (nats an answer)", 0.6, {{"kl", "KL"}}},
      {"KL of an update (nats a token)", 0.6, {{"approx_kl", ""}}},
      {"entropy (nats a token)", 0.6, {{"entropy", ""}}},
      {"tokens an answer", 0.6, {{"answer_tokens", ""}}},
      {"answers that end by themselves", 0.6, {{"finished", ""}}},
      {"rewards of the pair",
       0.6,
       {{"chosen_reward", "chosen"}, {"rejected_reward", "rejected"}, {"margin", "margin"}}},
      {"log-probabilities of the pair (nats an answer)",
       0.6,
       {{"chosen_logprob", "chosen"}, {"rejected_logprob", "rejected"}}},
      {"explained variance of the values", 0.6, {{"explained_variance", ""}}},
      {"policy loss", 0.6, {{"policy_loss", ""}}},
      {"value loss", 0.6, {{"value_loss", ""}}},
      {"language-model loss (nats a token)", 0.6, {{"ptx_loss", ""}, {"lm_loss", ""}}},
      {"share that is clipped",
       0.6,
       {{"clip_fraction", "ratios"}, {"value_clip_fraction", "values"}}},
      {"probability ratio", 0.6, {{"ratio_mean", "mean"}, {"ratio_max", "largest"}}},
      {"KL coefficient", 0.6, {{"beta", ""}}},
      {"gradient norm", 0.6, {{"grad_norm", "gradient"}, {"value_grad_norm", "of the values"}}},
      {"learning rate", 0.6, {{"lr", ""}}},
      {"tokens per second",
       0.6,
       {{"tokens_per_s", "training"}, {"rollout_tokens_per_s", "rollouts"}}},
      {"share of the time",
       0.6,
       {{"rollout_share", "rollouts"}, {"scoring_share", "scoring"}, {"update_share", "updates"}}},
      {"share of the machine's peak", 0.6, {{"share", ""}, {"update_of_peak", ""}}},
  };
  return all;
}

// Counters, and checks that matter only when they fail.
const std::set<std::string_view> kHidden = {
    "step", "tokens", "time", "epoch", "first_ratio_error", "pairs", "flops", "sampling_drift"};

bool is_named(std::string_view key) {
  return std::ranges::any_of(groups(), [&](const Group& group) {
    return std::ranges::find(group.keys, key, &Key::key) != group.keys.end();
  });
}

bool matches(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with("*")) return pattern == key;
  return !is_named(key) && key.starts_with(pattern.substr(0, pattern.size() - 1));
}

// The keys of all runs, in the order they first appear.
std::vector<std::string> all_keys(const std::vector<RunMetrics>& runs) {
  std::vector<std::string> keys;
  for (const RunMetrics& run : runs)
    for (const Metric& metric : run.metrics)
      if (std::ranges::find(keys, metric.key) == keys.end()) keys.push_back(metric.key);
  return keys;
}

struct Drawn {
  std::string key, name;
};

Panel make_panel(const std::vector<RunMetrics>& runs, std::string title, double height,
                 const std::vector<Drawn>& keys, const std::string& x_label, double smoothing) {
  Panel panel{std::move(title), x_label, {}, height};
  panel.half = height <= kHalfHeight;
  const bool several = runs.size() > 1;
  for (size_t k = 0; k < keys.size(); ++k) {
    for (size_t r = 0; r < runs.size(); ++r) {
      const Metric* metric = runs[r].find(keys[k].key);
      if (!metric) continue;
      // One run: a colour for each curve. Several: a colour for each run, further keys dashed.
      const int color = static_cast<int>(several ? r : k);
      const bool label_key = keys.size() > 1;
      std::string name = several ? runs[r].name : "";
      if (label_key) name += (name.empty() ? "" : " ") + keys[k].name;
      const auto count = static_cast<double>(metric->y.size());
      const double span = smoothing > 0 ? smoothing : std::max(1.0, count / 50);
      // Few values are measurements now and then; many are noise around a curve.
      const bool few = count <= 40;
      if (!few) panel.lines.push_back({"", metric->x, metric->y, color, 0.25, 1});
      Line line{name, metric->x, few ? metric->y : smooth(metric->y, span), color};
      line.points = few;
      line.dashed = several && k > 0;
      panel.lines.push_back(std::move(line));
    }
  }
  return panel;
}

}  // namespace

const Metric* RunMetrics::find(std::string_view key) const {
  const auto found = std::ranges::find(metrics, key, &Metric::key);
  return found == metrics.end() ? nullptr : &*found;
}

std::string run_name(const base::fs::path& run) {
  base::fs::path whole = base::fs::absolute(run).lexically_normal();
  if (whole.filename().empty() || whole.filename() == "metrics.jsonl") whole = whole.parent_path();
  return whole.filename().string();
}

RunMetrics read_run_metrics(const base::fs::path& run, const std::string& x_key) {
  const base::fs::path file = base::fs::is_directory(run) ? run / "metrics.jsonl" : run;
  if (!base::fs::exists(file))
    base::fail("{}: no such file; name the directory of a run that has begun", file.string());
  RunMetrics result;
  result.name = run_name(run);
  data::JsonLines lines(file);
  simdjson::dom::element record;
  std::string problem;
  int64_t good = 0, bad = 0;
  for (auto status = lines.next(record, problem); status != data::JsonLines::Status::kEnd;
       status = lines.next(record, problem)) {
    double x = NAN;
    const bool whole = status == data::JsonLines::Status::kRecord && record.is_object();
    if (!whole || record[x_key].get(x) != simdjson::SUCCESS || !std::isfinite(x)) {
      ++bad;
      continue;
    }
    ++good;
    result.last_x = x;
    for (const auto& [key, value] : simdjson::dom::object(record)) {
      double y = NAN;
      if (value.get(y) != simdjson::SUCCESS || !std::isfinite(y)) continue;
      auto metric = std::ranges::find(result.metrics, key, &Metric::key);
      if (metric == result.metrics.end())
        metric = result.metrics.insert(metric, {std::string(key), {}, {}});
      metric->x.push_back(x);
      metric->y.push_back(y);
    }
  }
  if (bad > 1) spdlog::warn("{}: {} lines without \"{}\" passed over", file.string(), bad, x_key);
  if (good == 0) base::fail("{}: no metrics yet; wait for the first step", file.string());
  return result;
}

std::vector<Panel> metric_panels(const std::vector<RunMetrics>& runs, const std::string& x_label,
                                 double smoothing) {
  const std::vector<std::string> keys = all_keys(runs);
  std::set<std::string> taken(kHidden.begin(), kHidden.end());
  std::vector<Panel> panels;
  for (const Group& group : groups()) {
    std::vector<Drawn> drawn;
    const auto take = [&](const std::string& key, std::string name) {
      if (taken.insert(key).second) drawn.push_back({key, std::move(name)});
    };
    for (const Key& wanted : group.keys)
      for (const std::string& key : keys) {
        const std::string name(wanted.name);
        if (matches(wanted.key, key)) take(key, name.empty() ? key : name);
        // The same measure of held-out data, unless it has a place of its own.
        if (key.starts_with("val_") && key.substr(4) == wanted.key && !is_named(key))
          take(key, name.empty() ? "validation" : name + ", validation");
      }
    if (!drawn.empty())
      panels.push_back(
          make_panel(runs, std::string(group.title), group.height, drawn, x_label, smoothing));
  }
  for (const std::string& key : keys)
    if (!taken.contains(key))
      panels.push_back(make_panel(runs, key, kHalfHeight, {{key, key}}, x_label, smoothing));
  return panels;
}

}  // namespace parley::cli

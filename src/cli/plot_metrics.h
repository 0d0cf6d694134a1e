// The numbers of a run's metrics.jsonl as panels: whatever keys are there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "cli/chart.h"

namespace parley::cli {

// One key of a run: the lines that have it.
struct Metric {
  std::string key;
  std::vector<double> x, y;  // finite
};

struct RunMetrics {
  std::string name;             // of the run directory
  std::vector<Metric> metrics;  // in the order the keys first appear
  double last_x = 0;

  const Metric* find(std::string_view key) const;
};

// Reads a run directory or a metrics.jsonl; `x_key` is the horizontal axis. Lines without it and
// lines that are not whole (of a run being written) are passed over. Error when there is none.
RunMetrics read_run_metrics(const base::fs::path& run, const std::string& x_key);

// The name of a run: its folder's.
std::string run_name(const base::fs::path& run);

// A panel for each group of keys that any of the runs has, in a fixed order; keys nobody foresaw
// come last, a panel each. `smoothing`: values averaged over (0: a fiftieth of them).
std::vector<Panel> metric_panels(const std::vector<RunMetrics>& runs, const std::string& x_label,
                                 double smoothing);

}  // namespace parley::cli

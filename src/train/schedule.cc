#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace parley::train {

ScheduleKind parse_schedule(std::string_view name) {
  if (name == "cosine") return ScheduleKind::kCosine;
  if (name == "trapezoid") return ScheduleKind::kTrapezoid;
  base::fail("no schedule \"{}\"; there are cosine and trapezoid", name);
}

double Schedule::factor(int64_t step) const {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  // The decay covers `span` updates that end with the last of the run.
  int64_t begin = warmup;
  if (kind == ScheduleKind::kTrapezoid) {
    const auto flat = static_cast<int64_t>(std::llround(static_cast<double>(steps) * decay_share));
    begin = std::max(warmup, steps - flat);
  }
  const double span = static_cast<double>(std::max<int64_t>(1, steps - begin));
  const double progress = std::clamp(static_cast<double>(step - begin + 1) / span, 0.0, 1.0);
  const double remaining = kind == ScheduleKind::kCosine
                               ? 0.5 * (1 + std::cos(std::numbers::pi * progress))
                               : 1 - progress;
  return final_share + (1 - final_share) * remaining;
}

}  // namespace parley::train

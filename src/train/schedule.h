// The learning rate over the steps of a run, as a share of its peak.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::train {

enum class ScheduleKind {
  kCosine,     // warm-up, then half a cosine (GPT-3, Brown et al. 2020, Appendix B)
  kTrapezoid,  // warm-up, flat, straight down (Hägele et al. 2024, arXiv 2405.18392)
};

// "cosine" or "trapezoid"; Error for anything else.
ScheduleKind parse_schedule(std::string_view name);

struct Schedule {
  ScheduleKind kind = ScheduleKind::kCosine;
  int64_t steps = 0;         // of the whole run
  int64_t warmup = 0;        // steps of linear warm-up
  double final_share = 0.1;  // where the rate ends, as a share of its peak
  double decay_share = 0.2;  // trapezoid: the last part of the run, that goes down

  // The share for the update number `step` (from 0). Warm-up: (step + 1) / warmup.
  // The last update of the run, steps − 1, has final_share.
  double factor(int64_t step) const;
};

}  // namespace parley::train

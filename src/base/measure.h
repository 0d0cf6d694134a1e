// Small measures: time, the middle of a list, how sure a share is, memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace parley::base {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start);

// The value a share q of the list is below, 0 ≤ q ≤ 1 (the nearest one); 0 for an empty list.
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);

struct Interval {
  double low = 0, high = 0;
};
// The Wilson score interval (Wilson 1927) of `successes` (ties count ½) out of n, at ±z standard
// errors; 95 % by default.
Interval wilson_interval(double successes, int64_t n, double z = 1.959963984540054);

// Bytes of memory the system could still give; 0 when it does not say.
double available_memory();

}  // namespace parley::base

// Small measures: time, the middle of a list, memory.
#pragma once

#include <chrono>
#include <vector>

namespace parley::base {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start);

// The value a share q of the list is below, 0 ≤ q ≤ 1 (the nearest one); 0 for an empty list.
double quantile(std::vector<double> values, double q);
double median(std::vector<double> values);

// Bytes of memory the system could still give; 0 when it does not say.
double available_memory();

}  // namespace parley::base

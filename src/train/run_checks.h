// What every training stage checks the same way.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/files.h"

namespace parley::train {

namespace fs = base::fs;

// Error when `run` holds a run already.
void check_new_run(const fs::path& run);

// Error when so many bytes are not free: "`of_what` need 3 GB, …; `remedy`".
void check_memory(double bytes, std::string_view of_what, std::string_view remedy);

// Error naming the last good checkpoint and what to change when the loss or the gradient's norm
// is not a number. `step` counts from 1.
void check_converging(const fs::path& run, int64_t step, double loss, double grad_norm, double lr);

}  // namespace parley::train

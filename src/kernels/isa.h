// Which SIMD instructions run: chosen at start by what the CPU has, or forced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley::kernels {

// The levels this build and this CPU both have, slowest first: "scalar" (Highway's
// lowest: SSE2 on x86), "avx2", "avx512", … .
std::vector<std::string> available_isas();

// Forces one level for our kernels and oneDNN's; must come before any kernel runs.
// Error for a name this machine does not have (the message lists those it has).
void force_isa(std::string_view name);

// The level in use.
std::string current_isa();

}  // namespace parley::kernels

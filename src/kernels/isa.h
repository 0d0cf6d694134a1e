// Which SIMD instructions run: chosen at start by what the CPU has, or forced.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley::kernels {

// The levels this build and this CPU both have, slowest first: "scalar" (the
// compiler's baseline), then on x86 "avx2", "avx512", "avx512vnni".
std::vector<std::string> available_isas();

// Forces one level for our kernels and oneDNN's products. oneDNN accepts it only
// before its first product; later calls change our kernels alone (as tests do).
// Error for a name this machine does not have (the message lists those it has).
void force_isa(std::string_view name);

// The level in use.
std::string current_isa();

}  // namespace parley::kernels

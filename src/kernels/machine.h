// What this machine can do at most, measured: the limits that `parley bench` and
// training compare themselves with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace parley::kernels {

// The f32 GEMM peak in FLOP/s: the best of several products of a square of side
// `side`, on the pool's threads. Takes about `seconds`.
double measure_gemm_peak(int64_t side = 2048, double seconds = 0.5);

// The memory read bandwidth in bytes/s: the best of several sums over `bytes` (much
// more than the caches hold), on the pool's threads. Takes about `seconds`.
double measure_read_bandwidth(size_t bytes = size_t{256} << 20, double seconds = 0.5);

}  // namespace parley::kernels

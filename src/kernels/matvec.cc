#include "kernels/matvec.h"

#include "base/threads.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec.cc"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// kRows rows of x against kOutputs rows of the weight.
template <int kRows, int kOutputs>
HWY_INLINE void dot_block(float* out, const float* x, const float* weight, const float* bias,
                          int64_t IC, int64_t OC, bool accumulate) {
  const D d;
  V sum[kRows][kOutputs];
  for (int n = 0; n < kRows; ++n)
    for (int o = 0; o < kOutputs; ++o) sum[n][o] = hn::Zero(d);
  for_lanes(IC, [&](int64_t i, auto io) HWY_ATTR {
    V w[kOutputs];
    for (int o = 0; o < kOutputs; ++o) {
      w[o] = io.load(weight + o * IC + i);
      hwy::Prefetch(weight + (kOutputs + o) * IC + i);  // the next block's
    }
    for (int n = 0; n < kRows; ++n) {
      const V left = io.load(x + n * IC + i);
      for (int o = 0; o < kOutputs; ++o) sum[n][o] = hn::MulAdd(left, w[o], sum[n][o]);
    }
  });
  for (int n = 0; n < kRows; ++n)
    for (int o = 0; o < kOutputs; ++o) {
      float* to = out + n * OC + o;
      const float dot = hn::GetLane(hn::SumOfLanes(d, sum[n][o])) + (bias ? bias[o] : 0.0f);
      *to = accumulate ? *to + dot : dot;
    }
}

// Outputs [begin, end) for kRows rows. Several rows of the weight at a time keep enough
// reads under way; with many rows of x, fewer, so that the sums fit the registers.
template <int kRows>
void dot_rows(float* out, const float* x, const float* weight, const float* bias, int64_t IC,
              int64_t OC, int64_t begin, int64_t end, bool accumulate) {
  constexpr int kOutputs = kRows <= 4 ? 4 : 2;
  const auto at = [&](int64_t o) { return bias ? bias + o : nullptr; };
  int64_t o = begin;
  for (; o + kOutputs <= end; o += kOutputs)
    dot_block<kRows, kOutputs>(out + o, x, weight + o * IC, at(o), IC, OC, accumulate);
  for (; o < end; ++o) dot_block<kRows, 1>(out + o, x, weight + o * IC, at(o), IC, OC, accumulate);
}

void matvec_block(float* out, const float* x, const float* weight, const float* bias, int64_t N,
                  int64_t IC, int64_t OC, int64_t begin, int64_t end, bool accumulate) {
  const auto run = [&](auto kernel) {
    kernel(out, x, weight, bias, IC, OC, begin, end, accumulate);
  };
  switch (N) {
    case 1: return run(dot_rows<1>);
    case 2: return run(dot_rows<2>);
    case 3: return run(dot_rows<3>);
    case 4: return run(dot_rows<4>);
    case 5: return run(dot_rows<5>);
    case 6: return run(dot_rows<6>);
    case 7: return run(dot_rows<7>);
    default: return run(dot_rows<8>);
  }
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels::internal {

HWY_EXPORT(matvec_block);

void matvec(float* out, const float* x, const float* weight, const float* bias, int64_t N,
            int64_t IC, int64_t OC, bool accumulate) {
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(matvec_block);
  // About 128 KB of weights each, a multiple of the outputs a block takes.
  const int64_t grain = 4 * (8192 / (IC + 1) + 1);
  base::parallel_blocks(OC, grain, [&](int64_t begin, int64_t end) {
    kernel(out, x, weight, bias, N, IC, OC, begin, end, accumulate);
  });
}

}  // namespace parley::kernels::internal
#endif  // HWY_ONCE

#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cross_entropy.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// log(sum exp(x)) of one row in one pass over memory: chunk by chunk, the sum so far is
// rescaled when a chunk has a larger maximum (the online softmax). Chunks stay in L1.
float log_sum_exp(const float* x, int64_t n) {
  constexpr int64_t kChunk = 2048;
  float max = -std::numeric_limits<float>::infinity();
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const float* chunk = x + begin;
    const int64_t size = n - begin < kChunk ? n - begin : kChunk;
    const float chunk_max = max_lanes(chunk, size);
    if (chunk_max > max) {
      sum *= std::exp(static_cast<double>(max) - static_cast<double>(chunk_max));
      max = chunk_max;
    }
    const V shift = hn::Set(D(), max);
    sum += static_cast<double>(sum_lanes(size, [&](int64_t i, auto io) HWY_ATTR {
      return exp(hn::Sub(io.load(chunk + i), shift));
    }));
  }
  return max + static_cast<float>(std::log(sum));
}

// x ← exp(x − lse) · scale.
void softmax_row(float* x, float lse, float scale, int64_t n) {
  const V shift = hn::Set(D(), lse), factor = hn::Set(D(), scale);
  for_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
    io.store(hn::Mul(exp(hn::Sub(io.load(x + i), shift)), factor), x + i);
  });
}

// Σ exp(x − lse) · (lse − x): every term is at least 0, so nothing cancels.
float entropy_row(const float* x, float lse, int64_t n) {
  constexpr int64_t kChunk = 2048;
  const V shift = hn::Set(D(), lse);
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const float* chunk = x + begin;
    sum += static_cast<double>(
        sum_lanes(n - begin < kChunk ? n - begin : kChunk, [&](int64_t i, auto io) HWY_ATTR {
          const V logprob = hn::Sub(io.load(chunk + i), shift);
          // exp is 0 far below; there the product must not be 0 · −∞.
          return hn::Mul(exp(logprob), hn::Neg(hn::Max(logprob, hn::Set(D(), -200.0f))));
        }));
  }
  return static_cast<float>(sum);
}

// x ← x − lse.
void shift_row(float* x, float lse, int64_t n) {
  const V shift = hn::Set(D(), lse);
  for_lanes(n,
            [&](int64_t i, auto io) HWY_ATTR { io.store(hn::Sub(io.load(x + i), shift), x + i); });
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {

HWY_EXPORT(log_sum_exp);
HWY_EXPORT(softmax_row);
HWY_EXPORT(shift_row);
HWY_EXPORT(entropy_row);

}  // namespace

void cross_entropy_forward(F32 losses, ConstF32 logits, ConstI32 targets) {
  const int64_t N = rows(logits), V = cols(logits);
  PARLEY_CHECK(losses.size() == N && targets.size() == N,
               "cross_entropy_forward: losses, logits, targets {}",
               shapes(losses, logits, targets));
  base::parallel_for(N, [&](int64_t n) {
    const float* row = logits.data() + n * V;  // (V)
    const int32_t target = targets[n];
    PARLEY_CHECK(target < V, "target {} of a vocabulary of {}", target, V);
    losses[n] = target < 0 ? 0.0f : HWY_DYNAMIC_DISPATCH(log_sum_exp)(row, V) - row[target];
  });
}

void cross_entropy_forward_backward(F32 losses, F32 logits, ConstI32 targets, ConstF32 dlosses) {
  const int64_t N = rows(logits), V = cols(logits);
  PARLEY_CHECK(losses.size() == N && targets.size() == N && dlosses.size() == N,
               "cross_entropy_forward_backward: losses, logits, targets, dlosses {}",
               shapes(losses, logits, targets, dlosses));
  base::parallel_for(N, [&](int64_t n) {
    float* row = logits.data() + n * V;  // (V)
    const int32_t target = targets[n];
    PARLEY_CHECK(target < V, "target {} of a vocabulary of {}", target, V);
    if (target < 0) {
      losses[n] = 0.0f;
      std::fill(row, row + V, 0.0f);
      return;
    }
    const float lse = HWY_DYNAMIC_DISPATCH(log_sum_exp)(row, V);
    losses[n] = lse - row[target];
    HWY_DYNAMIC_DISPATCH(softmax_row)(row, lse, dlosses[n], V);
    row[target] -= dlosses[n];
  });
}

void entropy_forward(F32 entropies, ConstF32 logits) {
  const int64_t V = cols(logits);
  PARLEY_CHECK(entropies.size() == rows(logits), "entropy_forward: entropies, logits {}",
               shapes(entropies, logits));
  base::parallel_for(rows(logits), [&](int64_t n) {
    const float* row = logits.data() + n * V;  // (V)
    const float lse = HWY_DYNAMIC_DISPATCH(log_sum_exp)(row, V);
    entropies[n] = HWY_DYNAMIC_DISPATCH(entropy_row)(row, lse, V);
  });
}

void log_softmax_inplace(F32 logits) {
  const int64_t V = cols(logits);
  base::parallel_for(rows(logits), [&](int64_t n) {
    float* row = logits.data() + n * V;  // (V)
    HWY_DYNAMIC_DISPATCH(shift_row)(row, HWY_DYNAMIC_DISPATCH(log_sum_exp)(row, V), V);
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

#include "kernels/rope.h"

#include <cmath>

#include "base/threads.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rope.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// Rotates the pairs (x[i], x[half + i]) by the angles of cos and sin (half), sin
// multiplied by direction.
void rotate_head(float* x, const float* cos, const float* sin, float direction, int64_t half) {
  const V sign = hn::Set(D(), direction);
  for_lanes(half, [&](int64_t i, auto io) HWY_ATTR {
    const V a = io.load(x + i), b = io.load(x + half + i);
    const V c = io.load(cos + i), s = hn::Mul(io.load(sin + i), sign);
    io.store(hn::NegMulAdd(b, s, hn::Mul(a, c)), x + i);
    io.store(hn::MulAdd(a, s, hn::Mul(b, c)), x + half + i);
  });
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {

HWY_EXPORT(rotate_head);

RopeTable::RopeTable(int64_t positions, int64_t head_size, double base)
    : cos({positions, head_size / 2}), sin({positions, head_size / 2}) {
  PARLEY_CHECK(head_size % 2 == 0, "head size {} is odd", head_size);
  const int64_t half = head_size / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double frequency =
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head_size));
    for (int64_t p = 0; p < positions; ++p) {
      cos[p * half + i] = static_cast<float>(std::cos(static_cast<double>(p) * frequency));
      sin[p * half + i] = static_cast<float>(std::sin(static_cast<double>(p) * frequency));
    }
  }
}

namespace {

void rotate(F32 x, int64_t column, int64_t heads, ConstI32 positions, const RopeTable& table,
            float direction) {
  const int64_t N = rows(x), W = cols(x), half = cols(table.cos), limit = table.cos.dim(0);
  PARLEY_CHECK(positions.size() == N && column >= 0 && column + heads * 2 * half <= W,
               "rope: x, positions, cos {}, column {}, {} heads", shapes(x, positions, table.cos),
               column, heads);
  auto* const head_kernel = &HWY_DYNAMIC_DISPATCH(rotate_head);
  base::parallel_blocks(N, 32, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      PARLEY_CHECK(positions[n] >= 0 && positions[n] < limit, "position {} of a table of {}",
                   positions[n], limit);
      const int64_t angles = positions[n] * half;
      for (int64_t h = 0; h < heads; ++h)
        head_kernel(x.data() + n * W + column + h * 2 * half, table.cos.data() + angles,
                    table.sin.data() + angles, direction, half);
    }
  });
}

}  // namespace

void rope_forward(F32 x, int64_t column, int64_t heads, ConstI32 positions,
                  const RopeTable& table) {
  rotate(x, column, heads, positions, table, 1.0f);
}

void rope_backward(F32 dx, int64_t column, int64_t heads, ConstI32 positions,
                   const RopeTable& table) {
  rotate(dx, column, heads, positions, table, -1.0f);
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

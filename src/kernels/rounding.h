// Rounding where a compiler without the instruction for it should still use vectors.
#pragma once

namespace parley::kernels::internal {

// To the nearest integer, ties to even, for |x| < 2²².
inline float nearest(float x) {
  constexpr float kMagic = 12582912.0f;  // 1.5 · 2²³: the sum's last bit counts ones
  return (x + kMagic) - kMagic;
}

}  // namespace parley::kernels::internal

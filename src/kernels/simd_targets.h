// The SIMD targets that kernels are compiled for; include before Highway. Each target
// compiles every kernel once more, so those between the baseline, AVX2 and AVX-512 (and
// AVX-512's integer extensions, of no use to f32) are left out. Vectors whose length the
// compiler does not know cannot stand in arrays, so Arm has NEON, not SVE.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

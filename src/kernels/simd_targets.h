// The SIMD targets that kernels are compiled for; include before Highway. Each target
// compiles every kernel once more, so those between the baseline, AVX2 and AVX-512 (and
// AVX-512's integer extensions, of no use to f32) are left out.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

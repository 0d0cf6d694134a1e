// Small matrix products of attention's tiles, compiled once for each SIMD target.
// Include after foreach_target.h.
#if defined(PARLEY_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARLEY_KERNELS_TILE_INL_H_
#undef PARLEY_KERNELS_TILE_INL_H_
#else
#define PARLEY_KERNELS_TILE_INL_H_
#endif

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// A's element (i, k) is a[i·row + k·column]; B (K, N) and C (M, N) have contiguous rows
// of ldb and ldc floats.
struct TileProduct {
  const float* a;
  int64_t a_row, a_column;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  int64_t K;
  bool accumulate;
};

// kRows × (kVectors · lanes) elements of C, held in registers over all of K.
template <int kRows, int kVectors>
HWY_INLINE void product_block(const TileProduct& p, int64_t i, int64_t j) {
  const D d;
  const int64_t step = lanes();
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = p.accumulate ? hn::LoadU(d, p.c + (i + r) * p.ldc + j + v * step) : hn::Zero(d);
  const float* a = p.a + i * p.a_row;
  const float* b = p.b + j;
  for (int64_t k = 0; k < p.K; ++k) {
    V right[kVectors];
    for (int v = 0; v < kVectors; ++v) right[v] = hn::LoadU(d, b + v * step);
    for (int r = 0; r < kRows; ++r) {
      const V left = hn::Set(d, a[r * p.a_row]);
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
    }
    a += p.a_column;
    b += p.ldb;
  }
  for (int r = 0; r < kRows; ++r) {
    float* c = p.c + (i + r) * p.ldc + j;
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, c + v * step);
  }
}

template <int kVectors>
void product_columns(const TileProduct& p, int64_t M, int64_t j) {
  int64_t i = 0;
  for (; i + 6 <= M; i += 6) product_block<6, kVectors>(p, i, j);
  if (i + 4 <= M) {
    product_block<4, kVectors>(p, i, j);
    i += 4;
  }
  for (; i < M; ++i) product_block<1, kVectors>(p, i, j);
}

// C (M, N) = A · B, or += when accumulate; N is a multiple of 16 (so of the lanes).
// Each element's sum runs over k in order, from what C holds when accumulating: it does
// not depend on M, N or the blocking, nor on how a product is cut along k.
HWY_INLINE void tile_product(int64_t M, int64_t N, const TileProduct& p) {
  // 6 × 4 sums, 4 right sides and a left one fit 32 registers; 6 × 2, 2 and 1 fit 16.
  constexpr int kWide = HWY_TARGET == HWY_AVX2 ? 2 : 4;
  const int64_t step = lanes();
  int64_t j = 0;
  for (; j + kWide * step <= N; j += kWide * step) product_columns<kWide>(p, M, j);
  if (kWide > 2 && j + 2 * step <= N) {
    product_columns<2>(p, M, j);
    j += 2 * step;
  }
  for (; j + step <= N; j += step) product_columns<1>(p, M, j);
}

// out (columns, rows) = inᵀ, in (rows, columns); rows of in_row and out_row floats.
inline void transpose(const float* in, size_t in_row, size_t rows, size_t columns, float* out,
                      size_t out_row) {
#if HWY_TARGET == HWY_SCALAR
  const size_t block_rows = 0, block_columns = 0;
#else
  // Blocks of 4 × 4: interleave pairs of rows, then pairs of pairs.
  const size_t block_rows = rows / 4 * 4, block_columns = columns / 4 * 4;
  const hn::CappedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> wide;
  const auto store_pair = [&](auto a, auto b, float* low, float* high) HWY_ATTR {
    const auto wide_a = hn::BitCast(wide, a), wide_b = hn::BitCast(wide, b);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, wide_a, wide_b)), d, low);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, wide_a, wide_b)), d, high);
  };
  for (size_t r = 0; r < block_rows; r += 4)
    for (size_t c = 0; c < block_columns; c += 4) {
      const float* from = in + r * in_row + c;
      float* to = out + c * out_row + r;
      const auto x0 = hn::LoadU(d, from), x1 = hn::LoadU(d, from + in_row);
      const auto x2 = hn::LoadU(d, from + 2 * in_row), x3 = hn::LoadU(d, from + 3 * in_row);
      store_pair(hn::InterleaveLower(d, x0, x1), hn::InterleaveLower(d, x2, x3), to, to + out_row);
      store_pair(hn::InterleaveUpper(d, x0, x1), hn::InterleaveUpper(d, x2, x3), to + 2 * out_row,
                 to + 3 * out_row);
    }
#endif
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = r < block_rows ? block_columns : 0; c < columns; ++c)
      out[c * out_row + r] = in[r * in_row + c];
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each target

// Helpers of the kernels' inner loops, compiled once for each SIMD target: loops with
// a masked tail, ordered sums, exp and sigmoid. Include after foreach_target.h.
#if defined(PARLEY_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARLEY_KERNELS_SIMD_INL_H_
#undef PARLEY_KERNELS_SIMD_INL_H_
#else
#define PARLEY_KERNELS_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that buffers padded to 16 floats fit every target.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
using Mask = hn::Mask<D>;

HWY_INLINE int64_t lanes() { return static_cast<int64_t>(hn::Lanes(D())); }

// How a step of a loop reads and writes: whole vectors, or the last, partial one.
struct Full {
  HWY_INLINE V load(const float* p) const { return hn::LoadU(D(), p); }
  HWY_INLINE void store(V v, float* p) const { hn::StoreU(v, D(), p); }
  HWY_INLINE V keep(V v) const { return v; }
};
struct Tail {
  Mask mask;
  HWY_INLINE V load(const float* p) const { return hn::MaskedLoad(mask, D(), p); }  // 0 beyond
  HWY_INLINE void store(V v, float* p) const { hn::BlendedStore(v, mask, D(), p); }
  HWY_INLINE V keep(V v) const { return hn::IfThenElseZero(mask, v); }
};

// fn(i, io) for i = 0, lanes, 2·lanes, … < n, where io is Full or Tail.
template <class Fn>
HWY_INLINE void for_lanes(int64_t n, Fn&& fn) {
  const int64_t step = lanes();
  int64_t i = 0;
  for (; i + step <= n; i += step) fn(i, Full());
  if (i < n) fn(i, Tail{hn::FirstN(D(), static_cast<size_t>(n - i))});
}

// The sum over i < n of term(i, io), a vector; four partial sums hide the latency of
// addition. The order depends on n and the target alone.
template <class Fn>
HWY_INLINE float sum_lanes(int64_t n, Fn&& term) {
  const D d;
  const int64_t step = lanes();
  V sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    sum0 = hn::Add(sum0, term(i, Full()));
    sum1 = hn::Add(sum1, term(i + step, Full()));
    sum2 = hn::Add(sum2, term(i + 2 * step, Full()));
    sum3 = hn::Add(sum3, term(i + 3 * step, Full()));
  }
  for (; i + step <= n; i += step) sum0 = hn::Add(sum0, term(i, Full()));
  if (i < n) {
    const Tail tail{hn::FirstN(d, static_cast<size_t>(n - i))};
    sum1 = hn::Add(sum1, tail.keep(term(i, tail)));
  }
  const V sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// The largest x[i], i < n; −infinity for none.
HWY_INLINE float max_lanes(const float* x, int64_t n) {
  const D d;
  const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  const int64_t step = lanes();
  V max0 = lowest, max1 = lowest;
  int64_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    max0 = hn::Max(max0, hn::LoadU(d, x + i));
    max1 = hn::Max(max1, hn::LoadU(d, x + i + step));
  }
  for (; i < n; i += step) {
    const Mask mask = hn::FirstN(d, static_cast<size_t>(n - i));
    max0 = hn::Max(max0, hn::IfThenElse(mask, hn::MaskedLoad(mask, d, x + i), lowest));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(max0, max1)));
}

// e^x within 2 ulp; 0 below −87.3 (where the result would be denormal), infinity above
// 88.7, NaN for NaN. x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by Cephes' polynomial
// (expf), 2^n through the exponent's bits.
HWY_INLINE V exp(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const V lowest = hn::Set(d, -87.33654f);
  const V bounded = hn::Min(hn::Max(x, lowest), hn::Set(d, 88.37626f));
  const V n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504f)));
  // ln 2 in two parts: n · 0.693359375 is exact.
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::IfThenZeroElse(hn::Lt(x, lowest), hn::Mul(p, hn::BitCast(d, exponent)));
}

// s = 1 / (1 + e^−x) and 1 − s, both with full relative precision.
struct Sigmoid {
  V s, one_minus_s;
};
HWY_INLINE Sigmoid sigmoid(V x) {
  const V one = hn::Set(D(), 1.0f);
  const V e = exp(hn::Neg(hn::Abs(x)));  // at most 1: never infinite
  const V large = hn::Div(one, hn::Add(one, e)), small = hn::Mul(e, large);
  const Mask negative = hn::Lt(x, hn::Zero(D()));
  return {hn::IfThenElse(negative, small, large), hn::IfThenElse(negative, large, small)};
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each target

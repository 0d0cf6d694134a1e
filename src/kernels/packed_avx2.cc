// Products with packed weights for AVX2. Without an instruction for bytes, int8 weights and
// activations are widened to 16 bits, whose products are exact; four-bit weights fit the
// multiply-add of unsigned with signed bytes: 8 steps of it stay below 2¹⁵.
#include "kernels/packed_kernels.h"

#if defined(__x86_64__)
#include <hwy/base.h>
#include <immintrin.h>

#include <cstring>
#include <utility>

HWY_PUSH_ATTRIBUTES("avx2,fma")
namespace parley::kernels::internal {
namespace {
namespace avx2 {

struct Isa {
  static constexpr int kOut = 8;
  // 16 registers: 12 for sums, which int8 and int4 need two of for each row and column. Both
  // halves of a panel together read it as one stream.
  static constexpr int max_rows(Kind) { return 6; }
  static constexpr int columns(Kind kind, int rows) {
    return kind == Kind::kBf16 ? (rows == 1 ? 4 : 2) : rows <= 3 ? 2 : 1;
  }

  using F = __m256;
  using I = __m256i;
  static F zero() { return _mm256_setzero_ps(); }
  static F set(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F v) { _mm256_storeu_ps(p, v); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static I subtract(I a, int32_t b) { return _mm256_sub_epi32(a, _mm256_set1_epi32(b)); }
  static F load_bf16(const uint16_t* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static I zero_int() { return _mm256_setzero_si256(); }
  static I nearest(F a) { return _mm256_cvtps_epi32(a); }
  static __m128i narrow16(I a) {
    return _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  }
  static void store16(int16_t* p, I a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow16(a));
  }
  static void store8(int8_t* p, I a) {
    const __m128i words = narrow16(a);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }

  // int8: for outputs 0-3 and 4-7, the sums of the first and last two of 4 inputs.
  struct Sum8 {
    I low, high;
  };
  using W8 = Sum8;  // the same outputs' weights, 16 bits each
  static const int16_t* rows8(const QuantizedRows& q) { return q.q16; }
  static Sum8 zero8() { return {zero_int(), zero_int()}; }
  static W8 load8(const uint8_t* p) {
    const auto* from = reinterpret_cast<const __m128i*>(p);
    return {_mm256_cvtepu8_epi16(_mm_loadu_si128(from)),
            _mm256_cvtepu8_epi16(_mm_loadu_si128(from + 1))};
  }
  static I broadcast8(const int16_t* p) {
    int64_t four;
    std::memcpy(&four, p, sizeof four);
    return _mm256_set1_epi64x(four);
  }
  static void dot8(Sum8& s, const W8& w, I x) {
    s.low = _mm256_add_epi32(s.low, _mm256_madd_epi16(w.low, x));
    s.high = _mm256_add_epi32(s.high, _mm256_madd_epi16(w.high, x));
  }
  static I total8(const Sum8& s) {
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(s.low, s.high), 0b11'01'10'00);
  }
  static void keep(I& x) { asm volatile("" : "+x"(x)); }
  static void keep(Sum8& s) {
    I low = s.low, high = s.high;  // copies: the operands would otherwise live in memory
    asm volatile("" : "+x"(low), "+x"(high));
    s = {low, high};
  }

  // int4: 16-bit sums of pairs, of 8 outputs.
  using Sum4 = I;
  struct W4 {
    I low, high;
  };
  static Sum4 zero4() { return zero_int(); }
  static W4 load4(const uint8_t* p) {
    const I pair = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const I mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(pair, mask), _mm256_and_si256(_mm256_srli_epi16(pair, 4), mask)};
  }
  static I broadcast4(const int8_t* p) {
    int32_t four;
    std::memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
  }
  static void dot4(Sum4& s, const W4& w, I low, I high) {
    s = _mm256_add_epi16(s, _mm256_maddubs_epi16(w.low, low));
    s = _mm256_add_epi16(s, _mm256_maddubs_epi16(w.high, high));
  }
  static I total4(Sum4 s) { return _mm256_madd_epi16(s, _mm256_set1_epi16(1)); }
};

#include "kernels/packed-inl.h"

}  // namespace avx2
}  // namespace

const PackedKernels kPackedAvx2 = {
    true,           avx2::quantize_row, avx2::bf16_panels, avx2::int8_panels, avx2::int4_panels,
    avx2::peak_loop};

}  // namespace parley::kernels::internal
HWY_POP_ATTRIBUTES
#endif

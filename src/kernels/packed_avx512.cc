// Products with packed weights for AVX-512 without VNNI: AVX2's way, twice as wide.
#include "kernels/packed_kernels.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 says so of its own headers (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <hwy/base.h>
#include <immintrin.h>

#include <cstring>
#include <utility>

HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
namespace parley::kernels::internal {
namespace {
namespace avx512 {

#include "kernels/packed_avx512.h"

struct Isa : Avx512 {
  // 32 registers: 24 for sums, which int8 and int4 need two of for each row and column.
  static constexpr int max_rows(Kind kind) { return kind == Kind::kBf16 ? 12 : 6; }
  static constexpr int columns(Kind kind, int rows) {
    return kind == Kind::kBf16 && rows <= 2 ? 4 : 2;
  }

  // int8: for outputs 0-7 and 8-15, the sums of the first and last two of 4 inputs.
  struct Sum8 {
    I low, high;
  };
  using W8 = Sum8;  // the same outputs' weights, 16 bits each
  static const int16_t* rows8(const QuantizedRows& q) { return q.q16; }
  static Sum8 zero8() { return {zero_int(), zero_int()}; }
  static W8 load8(const uint8_t* p) {
    const auto* from = reinterpret_cast<const __m256i*>(p);
    return {_mm512_cvtepu8_epi16(_mm256_loadu_si256(from)),
            _mm512_cvtepu8_epi16(_mm256_loadu_si256(from + 1))};
  }
  static I broadcast8(const int16_t* p) {
    int64_t four;
    std::memcpy(&four, p, sizeof four);
    return _mm512_set1_epi64(four);
  }
  static void dot8(Sum8& s, const W8& w, I x) {
    s.low = _mm512_add_epi32(s.low, _mm512_madd_epi16(w.low, x));
    s.high = _mm512_add_epi32(s.high, _mm512_madd_epi16(w.high, x));
  }
  // The low halves of 64-bit lanes, once the high halves are added to them.
  static __m256i pairs(I a) {
    return _mm512_cvtepi64_epi32(_mm512_add_epi32(a, _mm512_srli_epi64(a, 32)));
  }
  static I total8(const Sum8& s) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(pairs(s.low)), pairs(s.high), 1);
  }
  static void keep(I& x) { asm volatile("" : "+v"(x)); }
  static void keep(Sum8& s) {
    I low = s.low, high = s.high;  // copies: the operands would otherwise live in memory
    asm volatile("" : "+v"(low), "+v"(high));
    s = {low, high};
  }

  // int4: 16-bit sums of pairs, of 16 outputs.
  using Sum4 = I;
  static Sum4 zero4() { return zero_int(); }
  static void dot4(Sum4& s, const W4& w, I low, I high) {
    s = _mm512_add_epi16(s, _mm512_maddubs_epi16(w.low, low));
    s = _mm512_add_epi16(s, _mm512_maddubs_epi16(w.high, high));
  }
  static I total4(Sum4 s) { return _mm512_madd_epi16(s, _mm512_set1_epi16(1)); }
};

#include "kernels/packed-inl.h"

}  // namespace avx512
}  // namespace

const PackedKernels kPackedAvx512 = {true,
                                     avx512::quantize_row,
                                     avx512::bf16_panels,
                                     avx512::int8_panels,
                                     avx512::int4_panels,
                                     avx512::peak_loop};

}  // namespace parley::kernels::internal
HWY_POP_ATTRIBUTES
#endif

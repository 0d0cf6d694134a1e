// Products with packed weights for AVX-512 VNNI: one instruction multiplies four unsigned
// bytes of the weights by four signed ones of the activations and adds them to a sum.
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

HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")
namespace parley::kernels::internal {
namespace {
namespace avx512vnni {

#include "kernels/packed_avx512.h"

struct Isa : Avx512 {
  // 32 registers: 24 for sums, which int4 needs two of for each row and column.
  static constexpr int max_rows(Kind kind) { return kind == Kind::kInt4 ? 6 : 12; }
  static constexpr int columns(Kind, int rows) { return rows <= 2 ? 4 : 2; }

  using Sum8 = I;
  using W8 = I;
  static const int8_t* rows8(const QuantizedRows& q) { return q.q8; }
  static Sum8 zero8() { return zero_int(); }
  static W8 load8(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static I broadcast8(const int8_t* p) { return broadcast4(p); }
  static void dot8(Sum8& s, W8 w, I x) { s = _mm512_dpbusd_epi32(s, w, x); }
  static I total8(Sum8 s) { return s; }
  static void keep(I& s) { asm volatile("" : "+v"(s)); }

  using Sum4 = I;
  static Sum4 zero4() { return zero_int(); }
  static void dot4(Sum4& s, const W4& w, I low, I high) {
    s = _mm512_dpbusd_epi32(s, w.low, low);
    s = _mm512_dpbusd_epi32(s, w.high, high);
  }
  static I total4(Sum4 s) { return s; }
};

#include "kernels/packed-inl.h"

}  // namespace avx512vnni
}  // namespace

const PackedKernels kPackedAvx512Vnni = {false,
                                         avx512vnni::quantize_row,
                                         avx512vnni::bf16_panels,
                                         avx512vnni::int8_panels,
                                         avx512vnni::int4_panels,
                                         avx512vnni::peak_loop};

}  // namespace parley::kernels::internal
HWY_POP_ATTRIBUTES
#endif

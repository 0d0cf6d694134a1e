// Products with packed weights in plain C++: the specification the others are held to, and
// what runs where none of them does (NEON by the compiler's own vectors).
#include <cmath>

#include "kernels/packed_kernels.h"
#include "tensor/dtype.h"

namespace parley::kernels::internal {
namespace {

constexpr int64_t kPanel = PackedMatrix::kPanel;

// Outputs of panel `panel` and row n that the matrix has; `value(o)` gives them.
template <class Value>
void store(const PackedProduct& p, int64_t n, int64_t panel, Value&& value) {
  const int64_t OC = p.weight->OC(), first = panel * kPanel;
  for (int64_t o = 0; o < kPanel && first + o < OC; ++o)
    p.out[n * OC + first + o] = value(o, p.bias ? p.bias[first + o] : 0.0f);
}

void bf16_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  const int64_t IC = p.weight->IC();
  for (int64_t panel = begin; panel < end; ++panel)
    for (int64_t n = 0; n < p.N; ++n) {
      const auto* w = reinterpret_cast<const uint16_t*>(p.weight->panel(panel));
      float sum[kPanel] = {};
      for (int64_t k = 0; k < IC; ++k, w += kPanel)
        for (int64_t o = 0; o < kPanel; ++o)
          sum[o] = std::fma(tensor::bf16_to_f32(w[o]), p.x[n * IC + k], sum[o]);
      store(p, n, panel, [&](int64_t o, float bias) { return sum[o] + bias; });
    }
}

void int8_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  const int64_t K = p.weight->K();
  const auto* scales = static_cast<const float*>(p.weight->scales());
  for (int64_t panel = begin; panel < end; ++panel)
    for (int64_t n = 0; n < p.N; ++n) {
      const auto* w = reinterpret_cast<const uint8_t*>(p.weight->panel(panel));
      const int8_t* x = p.q.q8 + n * K;
      int32_t sum[kPanel] = {};
      for (int64_t k = 0; k < K; k += 4)
        for (int64_t o = 0; o < kPanel; ++o, w += 4)
          sum[o] += w[0] * x[k] + w[1] * x[k + 1] + w[2] * x[k + 2] + w[3] * x[k + 3];
      const int32_t total = p.q.sums[n * sums_size(K)];
      store(p, n, panel, [&](int64_t o, float bias) {
        const float both = scales[panel * kPanel + o] * p.q.scales[n];
        return std::fma(static_cast<float>(sum[o] - 128 * total), both, bias);
      });
    }
}

void int4_panels(const PackedProduct& p, int64_t begin, int64_t end) {
  const int64_t K = p.weight->K(), group = p.weight->group(), groups = K / group;
  for (int64_t panel = begin; panel < end; ++panel)
    for (int64_t n = 0; n < p.N; ++n) {
      const auto* w = reinterpret_cast<const uint8_t*>(p.weight->panel(panel));
      const auto* scales =
          static_cast<const uint16_t*>(p.weight->scales()) + panel * groups * kPanel;
      const int8_t* x = p.q.q8 + n * K;
      float out[kPanel] = {};
      for (int64_t chunk = 0; chunk < K / kInt4Chunk; ++chunk) {
        int32_t sum[kPanel] = {};
        for (int64_t k = chunk * kInt4Chunk; k < (chunk + 1) * kInt4Chunk; k += 8)
          for (int64_t o = 0; o < kPanel; ++o, w += 4)
            for (int64_t i = 0; i < 4; ++i)
              sum[o] += (w[i] & 15) * x[k + i] + (w[i] >> 4) * x[k + 4 + i];
        const int32_t total = p.q.sums[n * sums_size(K) + 1 + chunk];
        for (int64_t o = 0; o < kPanel; ++o)
          out[o] = std::fma(static_cast<float>(sum[o] - 8 * total),
                            tensor::bf16_to_f32(scales[chunk * kInt4Chunk / group * kPanel + o]),
                            out[o]);
      }
      store(p, n, panel,
            [&](int64_t o, float bias) { return std::fma(out[o], p.q.scales[n], bias); });
    }
}

void quantize_row(const float* x, int64_t IC, int64_t K, int8_t* q8, int16_t* q16, float* scale,
                  int32_t* sums) {
  float largest = 0;
  bool finite = true;
  for (int64_t i = 0; i < IC; ++i) {
    largest = std::fmax(largest, std::abs(x[i]));
    finite &= std::isfinite(x[i]);
  }
  *scale = finite ? largest / 127.0f : NAN;
  const float ratio = 127.0f / largest;
  // Beyond the range of a reciprocal a row is as good as zero.
  const float inverse = finite && largest > 0 && ratio < 3e38f ? ratio : 0.0f;
  sums[0] = 0;
  for (int64_t chunk = 0; chunk < K / kInt4Chunk; ++chunk) {
    int32_t sum = 0;
    for (int64_t k = chunk * kInt4Chunk; k < (chunk + 1) * kInt4Chunk; ++k) {
      q8[k] = k < IC && inverse > 0 ? static_cast<int8_t>(std::lrint(x[k] * inverse)) : int8_t{0};
      if (q16) q16[k] = q8[k];
      sum += q8[k];
    }
    sums[1 + chunk] = sum;
    sums[0] += sum;
  }
}

int64_t peak(int64_t rounds) {
  int32_t sum[kPanel] = {}, w[kPanel] = {1, 2, 3}, x = 3;
  for (int64_t round = 0; round < rounds; ++round) {
    for (int64_t o = 0; o < kPanel; ++o) sum[o] += w[o] * x;
    asm volatile("" : : "r"(sum) : "memory");
  }
  return rounds * kPanel * 2;
}

}  // namespace

const PackedKernels kPackedGeneric = {false,       quantize_row, bf16_panels,
                                      int8_panels, int4_panels,  peak};

}  // namespace parley::kernels::internal

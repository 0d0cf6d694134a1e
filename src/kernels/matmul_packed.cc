#include <chrono>
#include <vector>

#include "base/threads.h"
#include "kernels/isa.h"
#include "kernels/packed_kernels.h"
#include "kernels/shapes.h"
#include "tensor/buffer.h"

namespace parley::kernels {
namespace {

using internal::PackedKernels;
using internal::PackedProduct;
using internal::QuantizedRows;

const PackedKernels& kernels() {
#if defined(__x86_64__)
  const std::string isa = current_isa();
  if (isa == "avx512vnni") return internal::kPackedAvx512Vnni;
  if (isa == "avx512") return internal::kPackedAvx512;
  if (isa == "avx2") return internal::kPackedAvx2;
#endif
  return internal::kPackedGeneric;
}

// The activations of the calling thread's products, kept from call to call.
class RowBuffers {
 public:
  QuantizedRows quantize(const PackedKernels& kernels, ConstF32 x, int64_t N, int64_t K) {
    const int64_t IC = cols(x), sums = internal::sums_size(K);
    q8_.resize(static_cast<size_t>(N * K));
    q16_.resize(kernels.wide ? static_cast<size_t>(N * K) : 0);
    scales_.resize(static_cast<size_t>(N));
    sums_.resize(static_cast<size_t>(N * sums));
    base::parallel_blocks(N, 16, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        kernels.quantize_row(x.data() + n * IC, IC, K, q8_.data() + n * K,
                             kernels.wide ? q16_.data() + n * K : nullptr, scales_.data() + n,
                             sums_.data() + n * sums);
    });
    return {q8_.data(), q16_.data(), scales_.data(), sums_.data()};
  }

 private:
  std::vector<int8_t> q8_;
  std::vector<int16_t> q16_;
  std::vector<float> scales_;
  std::vector<int32_t> sums_;
};

}  // namespace

void matmul_packed(F32 out, ConstF32 x, const PackedMatrix& w, ConstF32 bias) {
  const int64_t N = rows(x), OC = w.OC();
  PARLEY_CHECK(OC > 0 && cols(x) == w.IC() && out.size() == N * OC && cols(out) == OC &&
                   (bias.empty() || bias.size() == OC),
               "matmul_packed: weight ({}, {}); out, x, bias {}", OC, w.IC(), shapes(out, x, bias));
  if (N == 0) return;
  const PackedKernels& table = kernels();
  PackedProduct product = {
      .out = out.data(), .x = x.data(), .q = {}, .bias = bias.data(), .N = N, .weight = &w};
  thread_local RowBuffers buffers;
  if (w.format() != WeightFormat::kBf16) product.q = buffers.quantize(table, x, N, w.K());
  auto* const kernel = w.format() == WeightFormat::kBf16   ? table.bf16
                       : w.format() == WeightFormat::kInt8 ? table.int8
                                                           : table.int4;
  // About 128 KB of weights a piece, an even number of panels.
  const auto grain = static_cast<int64_t>((size_t{64} << 10) / w.panel_bytes() + 1) * 2;
  base::parallel_blocks(w.panels(), grain,
                        [&](int64_t begin, int64_t end) { kernel(product, begin, end); });
}

double measure_int8_peak(double seconds) {
  using Clock = std::chrono::steady_clock;
  const PackedKernels& table = kernels();
  const int64_t threads = base::num_threads();
  double best = 0;
  const auto begin = Clock::now();
  do {
    std::vector<int64_t> done(static_cast<size_t>(threads));
    const auto start = Clock::now();
    base::parallel_for(threads,
                       [&](int64_t t) { done[static_cast<size_t>(t)] = table.peak(200000); });
    const std::chrono::duration<double> time = Clock::now() - start;
    double operations = 0;
    for (const int64_t n : done) operations += static_cast<double>(n);
    best = std::max(best, operations / time.count());
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds);
  return best;
}

}  // namespace parley::kernels

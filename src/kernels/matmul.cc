#include "kernels/matmul.h"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>

#include "base/threads.h"
#include "kernels/matvec.h"
#include "kernels/shapes.h"
#include "tensor/buffer.h"

namespace parley::kernels {
namespace {

// C (M, N) = op(A) · op(B) + beta · C, row-major.
void sgemm(char trans_a, char trans_b, int64_t M, int64_t N, int64_t K, const float* a, int64_t lda,
           const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  const dnnl_status_t status =
      dnnl_sgemm(trans_a, trans_b, M, N, K, 1.0f, a, lda, b, ldb, beta, c, ldc);
  PARLEY_CHECK(status == dnnl_success, "dnnl_sgemm {}{} {}x{}x{}: status {}", trans_a, trans_b, M,
               N, K, static_cast<int>(status));
}

// Outputs a thread must have at least, for cutting a product between threads to pay.
constexpr int64_t kMinColumns = 192;

// out (N, OC) = x (N, IC) · weight (OC, IC)ᵀ + beta · out. oneDNN cuts such a product along
// IC when IC is long, and loses a fifth to adding up the parts; here each thread takes a
// stretch of the outputs instead (sums within one element are oneDNN's either way).
void product_with_transpose(float* out, const float* x, const float* weight, int64_t N, int64_t IC,
                            int64_t OC, float beta) {
  const int64_t threads = base::num_threads();
  const int64_t piece = ((OC + threads - 1) / threads + 47) / 48 * 48;  // oneDNN's tile is 48 wide
  if (piece < kMinColumns || omp_in_parallel()) {
    sgemm('N', 'T', N, OC, IC, x, IC, weight, IC, beta, out, OC);
    return;
  }
  base::parallel_blocks(OC, piece, [&](int64_t begin, int64_t end) {
    sgemm('N', 'T', N, end - begin, IC, x, IC, weight + begin * IC, IC, beta, out + begin, OC);
  });
}

// sum (OC) (+)= the columns of x (N, OC). Blocks of rows are read as they lie in memory, each
// into its own partial sum; these are added in order, for any number of threads.
void column_sums(F32 sum, ConstF32 x, int64_t N, int64_t OC, bool accumulate) {
  constexpr int64_t kBlockRows = 128;
  tensor::Tensor<float> partial({(N + kBlockRows - 1) / kBlockRows, OC});
  base::parallel_blocks(N, kBlockRows, [&](int64_t begin, int64_t end) {
    float* to = partial.row(begin / kBlockRows).data();
    for (int64_t n = begin; n < end; ++n) {
      const float* row = x.data() + n * OC;
      for (int64_t o = 0; o < OC; ++o) to[o] += row[o];
    }
  });
  base::parallel_blocks(OC, 1024, [&](int64_t begin, int64_t end) {
    if (!accumulate) std::fill(sum.begin() + begin, sum.begin() + end, 0.0f);
    for (int64_t block = 0; block < partial.dim(0); ++block) {
      const float* from = partial.data() + block * OC;
      for (int64_t o = begin; o < end; ++o) sum[o] += from[o];
    }
  });
}

}  // namespace

void matmul_forward(F32 out, ConstF32 x, ConstF32 weight, ConstF32 bias, bool accumulate) {
  const int64_t N = rows(x), IC = cols(x), OC = rows(weight);
  PARLEY_CHECK(cols(weight) == IC && out.size() == N * OC && cols(out) == OC &&
                   (bias.empty() || bias.size() == OC),
               "matmul_forward: out, x, weight, bias {}", shapes(out, x, weight, bias));
  if (N == 0) return;
  if (N <= internal::kMatvecRows) {
    internal::matvec(out.data(), x.data(), weight.data(), bias.data(), N, IC, OC, accumulate);
    return;
  }
  if (!bias.empty())
    base::parallel_blocks(N, 64, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        float* row = out.data() + n * OC;
        for (int64_t o = 0; o < OC; ++o) row[o] = accumulate ? row[o] + bias[o] : bias[o];
      }
    });
  const float beta = accumulate || !bias.empty() ? 1.0f : 0.0f;
  product_with_transpose(out.data(), x.data(), weight.data(), N, IC, OC, beta);
}

void matmul_backward_input(F32 dx, ConstF32 dout, ConstF32 weight, bool accumulate) {
  const int64_t N = rows(dout), OC = cols(dout), IC = cols(weight);
  PARLEY_CHECK(rows(weight) == OC && dx.size() == N * IC && cols(dx) == IC,
               "matmul_backward_input: dx, dout, weight {}", shapes(dx, dout, weight));
  if (N == 0) return;
  sgemm('N', 'N', N, IC, OC, dout.data(), OC, weight.data(), IC, accumulate ? 1.0f : 0.0f,
        dx.data(), IC);
}

void matmul_backward_weight(F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, bool accumulate) {
  const int64_t N = rows(x), IC = cols(x), OC = cols(dout);
  PARLEY_CHECK(rows(dout) == N && rows(dweight) == OC && cols(dweight) == IC &&
                   (dbias.empty() || dbias.size() == OC),
               "matmul_backward_weight: dweight, dbias, dout, x {}",
               shapes(dweight, dbias, dout, x));
  if (N == 0) return;
  sgemm('T', 'N', OC, IC, N, dout.data(), OC, x.data(), IC, accumulate ? 1.0f : 0.0f,
        dweight.data(), IC);
  if (!dbias.empty()) column_sums(dbias, dout, N, OC, accumulate);
}

}  // namespace parley::kernels

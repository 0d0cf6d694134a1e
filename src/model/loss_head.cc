#include "model/loss_head.h"

#include <algorithm>

#include "kernels/cross_entropy.h"
#include "kernels/matmul.h"

namespace parley::model {
namespace {

// A chunk's logits should stay near the cores, yet every chunk reads and writes the
// whole of dlm_head once more: measured best around this many bytes.
constexpr int64_t kChunkBytes = int64_t{64} << 20;
constexpr int64_t kMinRows = 64;

}  // namespace

int64_t loss_chunk_rows(int64_t V, int64_t N) {
  const int64_t rows = kChunkBytes / static_cast<int64_t>(sizeof(float)) / V / 64 * 64;
  return std::min(N, std::max(kMinRows, rows));
}

void head_loss_forward(F32 losses, ConstF32 hidden, ConstF32 lm_head, ConstI32 targets,
                       F32 logits) {
  const int64_t N = hidden.dim(0), R = logits.dim(0);
  for (int64_t n = 0; n < N; n += R) {
    const int64_t end = std::min(N, n + R);
    const F32 chunk = logits.rows(0, end - n);  // (rows, V)
    kernels::matmul_forward(chunk, hidden.rows(n, end), lm_head, {});
    kernels::cross_entropy_forward(losses.rows(n, end), chunk, targets.rows(n, end));
  }
}

void head_loss_backward(F32 losses, F32 dhidden, F32 dlm_head, ConstF32 hidden, ConstF32 lm_head,
                        ConstI32 targets, ConstF32 dlosses, F32 logits, bool accumulate) {
  const int64_t N = hidden.dim(0), R = logits.dim(0);
  for (int64_t n = 0; n < N; n += R) {
    const int64_t end = std::min(N, n + R);
    const F32 chunk = logits.rows(0, end - n);  // (rows, V)
    kernels::matmul_forward(chunk, hidden.rows(n, end), lm_head, {});
    kernels::cross_entropy_forward_backward(losses.rows(n, end), chunk, targets.rows(n, end),
                                            dlosses.rows(n, end));
    kernels::matmul_backward_input(dhidden.rows(n, end), chunk, lm_head);
    kernels::matmul_backward_weight(dlm_head, {}, chunk, hidden.rows(n, end), accumulate || n > 0);
  }
}

}  // namespace parley::model

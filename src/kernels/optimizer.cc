#include "kernels/optimizer.h"

#include "kernels/reference.h"

namespace parley::kernels {

void adamw_update(F32 param, F32 m, F32 v, ConstF32 grad, const AdamWStep& step) {
  reference::adamw_update<float>(param, m, v, grad, step);
}
int64_t muon_scratch_size(int64_t rows, int64_t cols) { return rows * cols; }
void muon_update(F32 param, F32 momentum, ConstF32 grad, F32, const MuonStep& step) {
  reference::muon_update<float>(param, momentum, grad, step);
}

}  // namespace parley::kernels

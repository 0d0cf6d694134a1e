#include "kernels/norm.h"

#include "kernels/reference.h"

namespace parley::kernels {

void layernorm_forward(F32 out, F32 mean, F32 rstd, ConstF32 x, ConstF32 weight, ConstF32 bias,
                       float eps) {
  reference::layernorm_forward<float>(out, mean, rstd, x, weight, bias, eps);
}
void layernorm_backward(F32 dx, F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, ConstF32 weight,
                        ConstF32 mean, ConstF32 rstd, bool accumulate_dx, bool accumulate_dw) {
  reference::layernorm_backward<float>(dx, dweight, dbias, dout, x, weight, mean, rstd,
                                       accumulate_dx, accumulate_dw);
}
void rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, ConstF32 weight, float eps) {
  reference::rmsnorm_forward<float>(out, rstd, x, weight, eps);
}
void rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, ConstF32 weight,
                      ConstF32 rstd, bool accumulate_dx, bool accumulate_dw) {
  reference::rmsnorm_backward<float>(dx, dweight, dout, x, weight, rstd, accumulate_dx,
                                     accumulate_dw);
}

}  // namespace parley::kernels

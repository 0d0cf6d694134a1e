#include "kernels/activation.h"

#include "kernels/reference.h"

namespace parley::kernels {

void activation_forward(F32 out, ConstF32 x, Activation act) {
  reference::activation_forward<float>(out, x, act);
}
void activation_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act) {
  reference::activation_backward<float>(dx, dout, x, act);
}
void gated_forward(F32 out, ConstF32 x, Activation act) {
  reference::gated_forward<float>(out, x, act);
}
void gated_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act) {
  reference::gated_backward<float>(dx, dout, x, act);
}
void add_forward(F32 out, ConstF32 a, ConstF32 b) {
  for (int64_t i = 0; i < a.size(); ++i) out[i] = a[i] + b[i];
}
void scale_inplace(F32 x, float factor) {
  for (float& v : x) v *= factor;
}
double sum_of_squares(ConstF32 x) {
  double sum = 0;
  for (const float v : x) sum += double(v) * v;
  return sum;
}
bool all_finite(ConstF32 x) {
  for (const float v : x)
    if (!std::isfinite(v)) return false;
  return true;
}

}  // namespace parley::kernels

#include "kernels/rope.h"

#include "kernels/reference.h"

namespace parley::kernels {

RopeTable::RopeTable(int64_t positions, int64_t head_size, double base)
    : cos({positions, head_size / 2}), sin({positions, head_size / 2}) {
  const int64_t half = head_size / 2;
  for (int64_t i = 0; i < half; ++i) {
    const double frequency = std::pow(base, -2.0 * double(i) / double(head_size));
    for (int64_t p = 0; p < positions; ++p) {
      cos[p * half + i] = float(std::cos(double(p) * frequency));
      sin[p * half + i] = float(std::sin(double(p) * frequency));
    }
  }
}

void rope_forward(F32 x, int64_t column, int64_t heads, ConstI32 positions,
                  const RopeTable& table) {
  reference::rope<float>(x, column, heads, positions, table.cos, table.sin, 1.0f);
}
void rope_backward(F32 dx, int64_t column, int64_t heads, ConstI32 positions,
                   const RopeTable& table) {
  reference::rope<float>(dx, column, heads, positions, table.cos, table.sin, -1.0f);
}

void head_rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, int64_t column, int64_t heads,
                          ConstF32 weight, float eps) {
  const int64_t N = rows(x), W = cols(x), HS = weight.size();
  for (int64_t n = 0; n < N; ++n) {
    const int64_t at = n * W + column;
    reference::rmsnorm_forward<float>({out.data() + at, {heads, HS}},
                                      {rstd.data() + n * heads, {heads}},
                                      {x.data() + at, {heads, HS}}, weight, eps);
  }
}
void head_rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, int64_t column,
                           int64_t heads, ConstF32 weight, ConstF32 rstd, bool accumulate_dw) {
  const int64_t N = rows(x), W = cols(x), HS = weight.size();
  for (int64_t n = 0; n < N; ++n) {
    const int64_t at = n * W + column;
    reference::rmsnorm_backward<float>(
        {dx.data() + at, {heads, HS}}, dweight, {dout.data() + at, {heads, HS}},
        {x.data() + at, {heads, HS}}, weight, {rstd.data() + n * heads, {heads}}, false,
        accumulate_dw || n > 0);
  }
}

}  // namespace parley::kernels

#include "kernels/norm.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"
#include "tensor/buffer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// One row of C channels. Returns {mean, rstd} through the pointers.
void layernorm_row(float* out, float* mean, float* rstd, const float* x, const float* weight,
                   const float* bias, int64_t C, float eps) {
  const D d;
  const float m = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR { return io.load(x + c); }) /
                  static_cast<float>(C);
  const V vm = hn::Set(d, m);
  const float squares = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V centred = hn::Sub(io.load(x + c), vm);
    return hn::Mul(centred, centred);
  });
  const float r = 1.0f / std::sqrt(squares / static_cast<float>(C) + eps);
  const V vr = hn::Set(d, r);
  for_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V scaled = hn::Mul(hn::Mul(hn::Sub(io.load(x + c), vm), vr), io.load(weight + c));
    io.store(bias ? hn::Add(scaled, io.load(bias + c)) : scaled, out + c);
  });
  *mean = m;
  *rstd = r;
}

// dx of one row, and its share added to dweight and dbias (null: none).
void layernorm_backward_row(float* dx, float* dweight, float* dbias, const float* dout,
                            const float* x, const float* weight, float mean, float rstd, int64_t C,
                            bool accumulate_dx) {
  const D d;
  const V vm = hn::Set(d, mean), vr = hn::Set(d, rstd);
  const float sum_xhat = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V g = io.load(dout + c);
    const V xhat = hn::Mul(hn::Sub(io.load(x + c), vm), vr);
    io.store(hn::MulAdd(g, xhat, io.load(dweight + c)), dweight + c);
    if (dbias) io.store(hn::Add(g, io.load(dbias + c)), dbias + c);
    return hn::Mul(hn::Mul(g, io.load(weight + c)), xhat);
  });
  const float sum = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    return hn::Mul(io.load(dout + c), io.load(weight + c));
  });
  const V mean_g = hn::Set(d, sum / static_cast<float>(C));
  const V mean_xhat = hn::Set(d, sum_xhat / static_cast<float>(C));
  for_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V xhat = hn::Mul(hn::Sub(io.load(x + c), vm), vr);
    const V g = hn::Sub(hn::Mul(io.load(dout + c), io.load(weight + c)), mean_g);
    const V result = hn::Mul(hn::NegMulAdd(xhat, mean_xhat, g), vr);
    io.store(accumulate_dx ? hn::Add(io.load(dx + c), result) : result, dx + c);
  });
}

void rmsnorm_row(float* out, float* rstd, const float* x, const float* weight, int64_t C,
                 float eps) {
  const float squares = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V v = io.load(x + c);
    return hn::Mul(v, v);
  });
  const float r = 1.0f / std::sqrt(squares / static_cast<float>(C) + eps);
  const V vr = hn::Set(D(), r);
  for_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    io.store(hn::Mul(hn::Mul(io.load(x + c), vr), io.load(weight + c)), out + c);
  });
  *rstd = r;
}

void rmsnorm_backward_row(float* dx, float* dweight, const float* dout, const float* x,
                          const float* weight, float rstd, int64_t C, bool accumulate_dx) {
  const D d;
  const V vr = hn::Set(d, rstd);
  const float sum = sum_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V g = io.load(dout + c);
    const V xhat = hn::Mul(io.load(x + c), vr);
    io.store(hn::MulAdd(g, xhat, io.load(dweight + c)), dweight + c);
    return hn::Mul(hn::Mul(g, io.load(weight + c)), xhat);
  });
  const V mean = hn::Set(d, sum / static_cast<float>(C));
  for_lanes(C, [&](int64_t c, auto io) HWY_ATTR {
    const V xhat = hn::Mul(io.load(x + c), vr);
    const V g = hn::Mul(io.load(dout + c), io.load(weight + c));
    const V result = hn::Mul(hn::NegMulAdd(xhat, mean, g), vr);
    io.store(accumulate_dx ? hn::Add(io.load(dx + c), result) : result, dx + c);
  });
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {

HWY_EXPORT(layernorm_row);
HWY_EXPORT(layernorm_backward_row);
HWY_EXPORT(rmsnorm_row);
HWY_EXPORT(rmsnorm_backward_row);

constexpr int64_t kForwardGrain = 16;   // rows a thread takes at a time
constexpr int64_t kBackwardGrain = 64;  // rows that share one partial sum of dweight

// Runs rows(begin, end, partial) over blocks of rows, each with its own zeroed partial
// sum of `width` floats, then adds the partial sums in order: the result does not
// depend on the number of threads.
template <typename Rows>
void sum_over_blocks(int64_t N, int64_t width, F32 dweight, F32 dbias, bool accumulate,
                     Rows&& block_rows) {
  const int64_t blocks = (N + kBackwardGrain - 1) / kBackwardGrain;
  tensor::Tensor<float> partial({std::max<int64_t>(blocks, 1), width});
  base::parallel_blocks(N, kBackwardGrain, [&](int64_t begin, int64_t end) {
    block_rows(begin, end, partial.row(begin / kBackwardGrain).data());
  });
  const auto add_up = [&](F32 sum, int64_t column) {
    if (!accumulate) std::fill(sum.begin(), sum.end(), 0.0f);
    for (int64_t block = 0; block < blocks; ++block) {
      const float* row = partial.row(block).data() + column;
      for (int64_t c = 0; c < sum.size(); ++c) sum[c] += row[c];
    }
  };
  add_up(dweight, 0);
  if (!dbias.empty()) add_up(dbias, dweight.size());
}

}  // namespace

void layernorm_forward(F32 out, F32 mean, F32 rstd, ConstF32 x, ConstF32 weight, ConstF32 bias,
                       float eps) {
  const int64_t N = rows(x), C = cols(x);
  PARLEY_CHECK(out.size() == N * C && mean.size() == N && rstd.size() == N && weight.size() == C &&
                   (bias.empty() || bias.size() == C),
               "layernorm_forward: out, mean, rstd, x, weight, bias {}",
               shapes(out, mean, rstd, x, weight, bias));
  auto* const row_kernel = &HWY_DYNAMIC_DISPATCH(layernorm_row);
  base::parallel_blocks(N, kForwardGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      row_kernel(out.data() + n * C, mean.data() + n, rstd.data() + n, x.data() + n * C,
                 weight.data(), bias.data(), C, eps);
  });
}

void layernorm_backward(F32 dx, F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, ConstF32 weight,
                        ConstF32 mean, ConstF32 rstd, bool accumulate_dx, bool accumulate_dw) {
  const int64_t N = rows(x), C = cols(x);
  PARLEY_CHECK(dx.size() == N * C && dout.size() == N * C && weight.size() == C &&
                   dweight.size() == C && (dbias.empty() || dbias.size() == C) &&
                   mean.size() == N && rstd.size() == N,
               "layernorm_backward: dx, dweight, dbias, dout, x, weight, mean, rstd {}",
               shapes(dx, dweight, dbias, dout, x, weight, mean, rstd));
  auto* const row_kernel = &HWY_DYNAMIC_DISPATCH(layernorm_backward_row);
  const auto block_rows = [&](int64_t begin, int64_t end, float* partial) {
    float* partial_bias = dbias.empty() ? nullptr : partial + C;
    for (int64_t n = begin; n < end; ++n)
      row_kernel(dx.data() + n * C, partial, partial_bias, dout.data() + n * C, x.data() + n * C,
                 weight.data(), mean[n], rstd[n], C, accumulate_dx);
  };
  sum_over_blocks(N, dbias.empty() ? C : 2 * C, dweight, dbias, accumulate_dw, block_rows);
}

// RMSNorm is the head norm with one head that fills the row.
void rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, ConstF32 weight, float eps) {
  head_rmsnorm_forward(out, rstd, x, 0, 1, weight, eps);
}

namespace {

void rmsnorm_backward_heads(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, int64_t column,
                            int64_t heads, ConstF32 weight, ConstF32 rstd, bool accumulate_dx,
                            bool accumulate_dw) {
  const int64_t N = rows(x), W = cols(x), HS = weight.size();
  PARLEY_CHECK(dx.size() == N * W && dout.size() == N * W && dweight.size() == HS && column >= 0 &&
                   column + heads * HS <= W && rstd.size() == N * heads,
               "rmsnorm_backward: dx, dweight, dout, x, weight, rstd {}, column {}, {} heads",
               shapes(dx, dweight, dout, x, weight, rstd), column, heads);
  auto* const row_kernel = &HWY_DYNAMIC_DISPATCH(rmsnorm_backward_row);
  const auto block_rows = [&](int64_t begin, int64_t end, float* partial) {
    for (int64_t n = begin; n < end; ++n)
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t at = n * W + column + h * HS;
        row_kernel(dx.data() + at, partial, dout.data() + at, x.data() + at, weight.data(),
                   rstd[n * heads + h], HS, accumulate_dx);
      }
  };
  sum_over_blocks(N, HS, dweight, {}, accumulate_dw, block_rows);
}

}  // namespace

void rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, ConstF32 weight,
                      ConstF32 rstd, bool accumulate_dx, bool accumulate_dw) {
  PARLEY_CHECK(weight.size() == cols(x), "rmsnorm_backward: x, weight {}", shapes(x, weight));
  rmsnorm_backward_heads(dx, dweight, dout, x, 0, 1, weight, rstd, accumulate_dx, accumulate_dw);
}

void head_rmsnorm_forward(F32 out, F32 rstd, ConstF32 x, int64_t column, int64_t heads,
                          ConstF32 weight, float eps) {
  const int64_t N = rows(x), W = cols(x), HS = weight.size();
  PARLEY_CHECK(
      out.size() == N * W && column >= 0 && column + heads * HS <= W && rstd.size() == N * heads,
      "rmsnorm_forward: out, rstd, x, weight {}, column {}, {} heads", shapes(out, rstd, x, weight),
      column, heads);
  auto* const row_kernel = &HWY_DYNAMIC_DISPATCH(rmsnorm_row);
  base::parallel_blocks(N, kForwardGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t at = n * W + column + h * HS;
        row_kernel(out.data() + at, rstd.data() + n * heads + h, x.data() + at, weight.data(), HS,
                   eps);
      }
  });
}

void head_rmsnorm_backward(F32 dx, F32 dweight, ConstF32 dout, ConstF32 x, int64_t column,
                           int64_t heads, ConstF32 weight, ConstF32 rstd, bool accumulate_dw) {
  rmsnorm_backward_heads(dx, dweight, dout, x, column, heads, weight, rstd, false, accumulate_dw);
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

#include "kernels/optimizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/threads.h"
#include "kernels/activation.h"
#include "kernels/matmul.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/optimizer.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

#ifndef PARLEY_KERNELS_OPTIMIZER_FACTORS
#define PARLEY_KERNELS_OPTIMIZER_FACTORS
namespace parley::kernels {
// An AdamW step's constants, computed once in double.
struct AdamWFactors {
  float decay, grad_scale, one_minus_beta1, beta2, one_minus_beta2, root_correction, eps, step_size;
};
}  // namespace parley::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// The operations and their order are those of torch.optim.AdamW (not fused).
void adamw_block(float* param, float* m, float* v, const float* grad, int64_t n,
                 const AdamWFactors& f) {
  const D d;
  const V decay = hn::Set(d, f.decay), grad_scale = hn::Set(d, f.grad_scale);
  const V one_minus_beta1 = hn::Set(d, f.one_minus_beta1), beta2 = hn::Set(d, f.beta2);
  const V one_minus_beta2 = hn::Set(d, f.one_minus_beta2), eps = hn::Set(d, f.eps);
  const V root_correction = hn::Set(d, f.root_correction), step_size = hn::Set(d, f.step_size);
  for_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
    const V g = hn::Mul(io.load(grad + i), grad_scale);
    const V decayed = hn::Mul(io.load(param + i), decay);
    const V m_old = io.load(m + i);
    const V m_new = hn::Add(m_old, hn::Mul(one_minus_beta1, hn::Sub(g, m_old)));
    const V v_new =
        hn::Add(hn::Mul(io.load(v + i), beta2), hn::Mul(hn::Mul(one_minus_beta2, g), g));
    const V denominator = hn::Add(hn::Div(hn::Sqrt(v_new), root_correction), eps);
    io.store(m_new, m + i);
    io.store(v_new, v + i);
    io.store(hn::Sub(decayed, hn::Mul(step_size, hn::Div(m_new, denominator))), param + i);
  });
}

// momentum ← momentum + (1 − μ)(g − momentum); update = momentum, or with Nesterov's
// look-ahead g + μ·(momentum − g); g = grad · grad_scale.
void momentum_block(float* update, float* momentum, const float* grad, int64_t n, float grad_scale,
                    float mu, bool nesterov) {
  const V scale = hn::Set(D(), grad_scale), keep = hn::Set(D(), mu);
  const V take = hn::Set(D(), 1.0f - mu);
  for_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
    const V g = hn::Mul(io.load(grad + i), scale);
    const V old = io.load(momentum + i);
    const V now = hn::MulAdd(take, hn::Sub(g, old), old);
    io.store(now, momentum + i);
    io.store(nesterov ? hn::MulAdd(keep, hn::Sub(now, g), g) : now, update + i);
  });
}

// out = a·x + b·y; out may be x or y.
void combine_block(float* out, float a, const float* x, float b, const float* y, int64_t n) {
  const V va = hn::Set(D(), a), vb = hn::Set(D(), b);
  for_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
    io.store(hn::MulAdd(va, io.load(x + i), hn::Mul(vb, io.load(y + i))), out + i);
  });
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {

HWY_EXPORT(adamw_block);
HWY_EXPORT(momentum_block);
HWY_EXPORT(combine_block);

constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at a time

void combine(F32 out, float a, ConstF32 x, float b, ConstF32 y) {
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(combine_block);
  base::parallel_blocks(out.size(), kGrain, [&](int64_t begin, int64_t end) {
    kernel(out.data() + begin, a, x.data() + begin, b, y.data() + begin, end - begin);
  });
}

// Five steps of X ← a·X + (b·A + c·A²)·X, A = X·Xᵀ, on the smaller side: for a tall X
// (R > C), A = Xᵀ·X and X ← a·X + X·(b·A + c·A²). Returns where the result is: x or other.
//   x, other (R, C); gram, square (S, S), S = min(R, C)
F32 newton_schulz(F32 x, F32 other, F32 gram, F32 square) {
  constexpr float a = 3.4445f, b = -4.7750f, c = 2.0315f;
  const bool tall = rows(x) > cols(x);
  const float norm = static_cast<float>(std::sqrt(sum_of_squares(x)));
  scale_inplace(x, 1.0f / (norm + 1e-7f));
  for (int iteration = 0; iteration < 5; ++iteration) {
    if (tall)
      matmul_backward_weight(gram, {}, x, x, false);
    else
      matmul_forward(gram, x, x, {});
    matmul_backward_input(square, gram, gram);
    combine(gram, b, gram, c, square);
    combine(other, a, x, 0.0f, x);
    if (tall)
      matmul_backward_input(other, x, gram, true);
    else
      matmul_backward_input(other, gram, x, true);
    std::swap(x, other);
  }
  return x;
}

}  // namespace

void adamw_update(F32 param, F32 m, F32 v, ConstF32 grad, const AdamWStep& s) {
  PARLEY_CHECK(
      param.size() == m.size() && m.size() == v.size() && v.size() == grad.size() && s.step >= 1,
      "adamw_update: param, m, v, grad {}, step {}", shapes(param, m, v, grad), s.step);
  const double step = static_cast<double>(s.step);
  const AdamWFactors factors = {
      .decay = static_cast<float>(1 - s.lr * s.weight_decay),
      .grad_scale = static_cast<float>(s.grad_scale),
      .one_minus_beta1 = static_cast<float>(1 - s.beta1),
      .beta2 = static_cast<float>(s.beta2),
      .one_minus_beta2 = static_cast<float>(1 - s.beta2),
      .root_correction = static_cast<float>(std::sqrt(1 - std::pow(s.beta2, step))),
      .eps = static_cast<float>(s.eps),
      .step_size = static_cast<float>(s.lr / (1 - std::pow(s.beta1, step))),
  };
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(adamw_block);
  base::parallel_blocks(param.size(), kGrain, [&](int64_t begin, int64_t end) {
    kernel(param.data() + begin, m.data() + begin, v.data() + begin, grad.data() + begin,
           end - begin, factors);
  });
}

int64_t muon_scratch_size(int64_t rows, int64_t cols) {
  const int64_t small = std::min(rows, cols);
  return 2 * rows * cols + 2 * small * small;
}

void muon_update(F32 param, F32 momentum, ConstF32 grad, F32 scratch, const MuonStep& s) {
  const int64_t R = rows(param), C = cols(param), S = std::min(R, C);
  PARLEY_CHECK(
      momentum.size() == R * C && grad.size() == R * C && scratch.size() >= muon_scratch_size(R, C),
      "muon_update: param, momentum, grad, scratch {}", shapes(param, momentum, grad, scratch));
  const F32 x(scratch.data(), {R, C}), other(x.end(), {R, C});
  const F32 gram(other.end(), {S, S}), square(gram.end(), {S, S});
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(momentum_block);
  base::parallel_blocks(R * C, kGrain, [&](int64_t begin, int64_t end) {
    kernel(x.data() + begin, momentum.data() + begin, grad.data() + begin, end - begin,
           static_cast<float>(s.grad_scale), static_cast<float>(s.momentum), s.nesterov);
  });
  const ConstF32 update = newton_schulz(x, other, gram, square);
  const double gain = std::sqrt(std::max(1.0, static_cast<double>(R) / static_cast<double>(C)));
  combine(param, static_cast<float>(1 - s.lr * s.weight_decay), param,
          static_cast<float>(-s.lr * gain), update);
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

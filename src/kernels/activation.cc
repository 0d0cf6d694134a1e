#include "kernels/activation.h"

#include <vector>

#include "base/threads.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation.cc"
#include <hwy/foreach_target.h>

#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// act(x) and act'(x).
struct ValueAndSlope {
  V value, slope;
};

// The tanh form is a sigmoid: 1 + tanh(u) = 2·sigmoid(2u), 2u = k·x + k3·x³.
struct GeluTanh {
  static constexpr float k = 1.5957691216f;  // 2·sqrt(2/π)
  static constexpr float k3 = 0.044715f * k;
  static HWY_INLINE V twice_u(V x, V squared) {
    return hn::Mul(x, hn::MulAdd(squared, hn::Set(D(), k3), hn::Set(D(), k)));
  }
  static HWY_INLINE V forward(V x) { return hn::Mul(x, sigmoid(twice_u(x, hn::Mul(x, x))).s); }
  static HWY_INLINE ValueAndSlope both(V x) {
    const V squared = hn::Mul(x, x);
    const Sigmoid g = sigmoid(twice_u(x, squared));
    const V slope = hn::MulAdd(squared, hn::Set(D(), 3 * k3), hn::Set(D(), k));  // of 2u
    const V value = hn::Mul(x, g.s);
    return {value, hn::MulAdd(hn::Mul(value, slope), g.one_minus_s, g.s)};
  }
};

struct GeluErf {
  // Φ(x) through erfc(|x|/√2) by the Chebyshev fit of Numerical Recipes (erfcc, relative
  // error 1.2e−7); its e^(−x²/2) comes back in `density`, not normalised.
  static HWY_INLINE V cumulative(V x, V* density) {
    const D d;
    const V z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678f));
    const V one = hn::Set(d, 1.0f);
    const V t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.5f), one));
    V p = hn::Set(d, 0.17087277f);
    p = hn::MulAdd(p, t, hn::Set(d, -0.82215223f));
    p = hn::MulAdd(p, t, hn::Set(d, 1.48851587f));
    p = hn::MulAdd(p, t, hn::Set(d, -1.13520398f));
    p = hn::MulAdd(p, t, hn::Set(d, 0.27886807f));
    p = hn::MulAdd(p, t, hn::Set(d, -0.18628806f));
    p = hn::MulAdd(p, t, hn::Set(d, 0.09678418f));
    p = hn::MulAdd(p, t, hn::Set(d, 0.37409196f));
    p = hn::MulAdd(p, t, hn::Set(d, 1.00002368f));
    p = hn::MulAdd(p, t, hn::Set(d, -1.26551223f));
    *density = exp(hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f)));
    const V half_erfc = hn::Mul(hn::Mul(t, hn::Set(d, 0.5f)), hn::Mul(exp(p), *density));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), half_erfc, hn::Sub(one, half_erfc));
  }
  static HWY_INLINE V forward(V x) {
    V density;
    return hn::Mul(x, cumulative(x, &density));
  }
  static HWY_INLINE ValueAndSlope both(V x) {
    V density;
    const V phi = cumulative(x, &density);
    const V scaled = hn::Mul(density, hn::Set(D(), 0.39894228f));
    return {hn::Mul(x, phi), hn::MulAdd(x, scaled, phi)};
  }
};

struct Relu {
  // Not Max, which on x86 turns NaN into 0 and would hide a diverging run.
  static HWY_INLINE V forward(V x) { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(D())), x); }
  static HWY_INLINE ValueAndSlope both(V x) {
    const Mask positive = hn::Gt(x, hn::Zero(D()));
    return {forward(x), hn::IfThenElseZero(positive, hn::Set(D(), 1.0f))};
  }
};

struct Relu2 {
  static HWY_INLINE V forward(V x) { return hn::Mul(Relu::forward(x), Relu::forward(x)); }
  static HWY_INLINE ValueAndSlope both(V x) {
    const V r = Relu::forward(x);
    return {hn::Mul(r, r), hn::Add(r, r)};
  }
};

struct Silu {
  static HWY_INLINE V forward(V x) { return hn::Mul(x, sigmoid(x).s); }
  static HWY_INLINE ValueAndSlope both(V x) {
    const Sigmoid g = sigmoid(x);
    const V value = hn::Mul(x, g.s);
    return {value, hn::MulAdd(value, g.one_minus_s, g.s)};
  }
};

// fn(Act()) for the activation named.
template <class Fn>
HWY_INLINE void with_activation(Activation act, Fn&& fn) {
  switch (act) {
    case Activation::kGeluTanh: return fn(GeluTanh());
    case Activation::kGeluErf: return fn(GeluErf());
    case Activation::kRelu: return fn(Relu());
    case Activation::kRelu2: return fn(Relu2());
    case Activation::kSilu: return fn(Silu());
  }
}

void forward_block(float* out, const float* x, int64_t n, Activation act) {
  with_activation(act, [&](auto f) HWY_ATTR {
    for_lanes(n,
              [&](int64_t i, auto io) HWY_ATTR { io.store(f.forward(io.load(x + i)), out + i); });
  });
}

void backward_block(float* dx, const float* dout, const float* x, int64_t n, Activation act) {
  with_activation(act, [&](auto f) HWY_ATTR {
    for_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
      io.store(hn::Mul(io.load(dout + i), f.both(io.load(x + i)).slope), dx + i);
    });
  });
}

// One row: gate and up (F) each.
void gated_row(float* out, const float* gate, const float* up, int64_t F, Activation act) {
  with_activation(act, [&](auto f) HWY_ATTR {
    for_lanes(F, [&](int64_t i, auto io) HWY_ATTR {
      io.store(hn::Mul(f.forward(io.load(gate + i)), io.load(up + i)), out + i);
    });
  });
}

void gated_backward_row(float* dgate, float* dup, const float* dout, const float* gate,
                        const float* up, int64_t F, Activation act) {
  with_activation(act, [&](auto f) HWY_ATTR {
    for_lanes(F, [&](int64_t i, auto io) HWY_ATTR {
      const V g = io.load(dout + i), u = io.load(up + i);
      const ValueAndSlope a = f.both(io.load(gate + i));
      io.store(hn::Mul(hn::Mul(g, u), a.slope), dgate + i);
      io.store(hn::Mul(g, a.value), dup + i);
    });
  });
}

void add_block(float* out, const float* a, const float* b, int64_t n) {
  for_lanes(n, [&](int64_t i, auto io)
                   HWY_ATTR { io.store(hn::Add(io.load(a + i), io.load(b + i)), out + i); });
}

void scale_block(float* x, float factor, int64_t n) {
  const V f = hn::Set(D(), factor);
  for_lanes(n, [&](int64_t i, auto io) HWY_ATTR { io.store(hn::Mul(io.load(x + i), f), x + i); });
}

double squares_block(const float* x, int64_t n) {
  const hn::CappedTag<double, 8> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const int64_t step = static_cast<int64_t>(hn::Lanes(dd));
  auto sum0 = hn::Zero(dd), sum1 = hn::Zero(dd);
  int64_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    const auto a = hn::PromoteTo(dd, hn::LoadU(df, x + i));
    const auto b = hn::PromoteTo(dd, hn::LoadU(df, x + i + step));
    sum0 = hn::MulAdd(a, a, sum0);
    sum1 = hn::MulAdd(b, b, sum1);
  }
  double sum = hn::GetLane(hn::SumOfLanes(dd, hn::Add(sum0, sum1)));
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

// x − x is 0 where x is finite, NaN where it is not.
bool finite_block(const float* x, int64_t n) {
  return sum_lanes(n, [&](int64_t i, auto io) HWY_ATTR {
           const V v = io.load(x + i);
           return hn::Sub(v, v);
         }) == 0.0f;
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {

HWY_EXPORT(forward_block);
HWY_EXPORT(backward_block);
HWY_EXPORT(gated_row);
HWY_EXPORT(gated_backward_row);
HWY_EXPORT(add_block);
HWY_EXPORT(scale_block);
HWY_EXPORT(squares_block);
HWY_EXPORT(finite_block);

constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at a time
constexpr int64_t kRowGrain = 8;

}  // namespace

void activation_forward(F32 out, ConstF32 x, Activation act) {
  PARLEY_CHECK(out.size() == x.size(), "activation_forward: out, x {}", shapes(out, x));
  base::parallel_blocks(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(forward_block)(out.data() + begin, x.data() + begin, end - begin, act);
  });
}

void activation_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act) {
  PARLEY_CHECK(dx.size() == x.size() && dout.size() == x.size(),
               "activation_backward: dx, dout, x {}", shapes(dx, dout, x));
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(backward_block);
  base::parallel_blocks(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    kernel(dx.data() + begin, dout.data() + begin, x.data() + begin, end - begin, act);
  });
}

void gated_forward(F32 out, ConstF32 x, Activation act) {
  const int64_t N = rows(out), F = cols(out);
  PARLEY_CHECK(x.size() == 2 * out.size() && cols(x) == 2 * F, "gated_forward: out, x {}",
               shapes(out, x));
  base::parallel_blocks(N, kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* gate = x.data() + n * 2 * F;
      HWY_DYNAMIC_DISPATCH(gated_row)(out.data() + n * F, gate, gate + F, F, act);
    }
  });
}

void gated_backward(F32 dx, ConstF32 dout, ConstF32 x, Activation act) {
  const int64_t N = rows(dout), F = cols(dout);
  PARLEY_CHECK(dx.size() == x.size() && x.size() == 2 * dout.size() && cols(x) == 2 * F,
               "gated_backward: dx, dout, x {}", shapes(dx, dout, x));
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(gated_backward_row);
  base::parallel_blocks(N, kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* gate = x.data() + n * 2 * F;
      float* dgate = dx.data() + n * 2 * F;
      kernel(dgate, dgate + F, dout.data() + n * F, gate, gate + F, F, act);
    }
  });
}

void add_forward(F32 out, ConstF32 a, ConstF32 b) {
  PARLEY_CHECK(out.size() == a.size() && a.size() == b.size(), "add_forward: out, a, b {}",
               shapes(out, a, b));
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(add_block);
  base::parallel_blocks(a.size(), kGrain, [&](int64_t begin, int64_t end) {
    kernel(out.data() + begin, a.data() + begin, b.data() + begin, end - begin);
  });
}

void scale_inplace(F32 x, float factor) {
  base::parallel_blocks(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(scale_block)(x.data() + begin, factor, end - begin);
  });
}

double sum_of_squares(ConstF32 x) {
  std::vector<double> partial(static_cast<size_t>((x.size() + kGrain - 1) / kGrain));
  base::parallel_blocks(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    partial[static_cast<size_t>(begin / kGrain)] =
        HWY_DYNAMIC_DISPATCH(squares_block)(x.data() + begin, end - begin);
  });
  double sum = 0;
  for (const double p : partial) sum += p;
  return sum;
}

bool all_finite(ConstF32 x) {
  std::vector<uint8_t> finite(static_cast<size_t>((x.size() + kGrain - 1) / kGrain));
  base::parallel_blocks(x.size(), kGrain, [&](int64_t begin, int64_t end) {
    finite[static_cast<size_t>(begin / kGrain)] =
        HWY_DYNAMIC_DISPATCH(finite_block)(x.data() + begin, end - begin);
  });
  for (const uint8_t f : finite)
    if (!f) return false;
  return true;
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

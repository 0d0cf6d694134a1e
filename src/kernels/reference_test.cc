// The scalar specification against finite differences, in double.
#include "kernels/reference.h"

#include <gtest/gtest.h>

#include <functional>

#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::max_error;
using testing::random_tensor;
using testing::Tensor;
using F64 = tensor::View<double>;
using Const64 = tensor::View<const double>;

constexpr double kTolerance = 1e-7;

Tensor<double> random(tensor::Shape shape, uint64_t stream, double scale = 1.0) {
  return random_tensor<double>(shape, stream, scale);
}

// d(Σ weights ∘ f) / dx by central differences, where f() recomputes its output from x.
Tensor<double> numeric_gradient(F64 x, Const64 weights, const std::function<Const64()>& f) {
  Tensor<double> gradient(x.shape());
  const auto loss = [&] {
    const Const64 out = f();
    double sum = 0;
    for (int64_t i = 0; i < out.size(); ++i) sum += weights[i] * out[i];
    return sum;
  };
  for (int64_t i = 0; i < x.size(); ++i) {
    const double old = x[i], h = 1e-5 * std::max(1.0, std::abs(old));
    x[i] = old + h;
    const double up = loss();
    x[i] = old - h;
    gradient[i] = (up - loss()) / (2 * h);
    x[i] = old;
  }
  return gradient;
}

TEST(Reference, Matmul) {
  auto x = random({3, 4}, 1), w = random({5, 4}, 2), bias = random({5}, 3);
  const auto dout = random({3, 5}, 4);
  Tensor<double> out({3, 5}), dx({3, 4}), dw({5, 4}), dbias({5});
  const auto f = [&]() -> Const64 {
    reference::matmul_forward<double>(out, x, w, bias);
    return out;
  };
  reference::matmul_backward_input<double>(dx, dout, w);
  reference::matmul_backward_weight<double>(dw, dbias, dout, x, false);
  PARLEY_EXPECT_CLOSE(dx, numeric_gradient(x, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dw, numeric_gradient(w, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dbias, numeric_gradient(bias, dout, f), kTolerance);
}

TEST(Reference, LayerNorm) {
  auto x = random({3, 6}, 1), w = random({6}, 2), bias = random({6}, 3);
  const auto dout = random({3, 6}, 4);
  Tensor<double> out({3, 6}), mean({3}), rstd({3}), dx({3, 6}), dw({6}), dbias({6});
  const auto f = [&]() -> Const64 {
    reference::layernorm_forward<double>(out, mean, rstd, x, w, bias, 1e-5);
    return out;
  };
  f();
  reference::layernorm_backward<double>(dx, dw, dbias, dout, x, w, mean, rstd, false, false);
  PARLEY_EXPECT_CLOSE(dx, numeric_gradient(x, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dw, numeric_gradient(w, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dbias, numeric_gradient(bias, dout, f), kTolerance);
}

TEST(Reference, RmsNorm) {
  auto x = random({3, 6}, 1), w = random({6}, 2);
  const auto dout = random({3, 6}, 4);
  Tensor<double> out({3, 6}), rstd({3}), dx({3, 6}), dw({6});
  const auto f = [&]() -> Const64 {
    reference::rmsnorm_forward<double>(out, rstd, x, w, 1e-6);
    return out;
  };
  f();
  reference::rmsnorm_backward<double>(dx, dw, dout, x, w, rstd, false, false);
  PARLEY_EXPECT_CLOSE(dx, numeric_gradient(x, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dw, numeric_gradient(w, dout, f), kTolerance);
}

TEST(Reference, Activations) {
  for (const Activation act : {Activation::kGeluTanh, Activation::kGeluErf, Activation::kRelu,
                               Activation::kRelu2, Activation::kSilu}) {
    SCOPED_TRACE(static_cast<int>(act));
    auto x = random({4, 10}, 1, 2.0);
    const auto dout = random({4, 10}, 2), dgated = random({4, 5}, 3);
    Tensor<double> out({4, 10}), gated({4, 5}), dx({4, 10});
    reference::activation_backward<double>(dx, dout, x, act);
    PARLEY_EXPECT_CLOSE(dx,
                        numeric_gradient(x, dout,
                                         [&]() -> Const64 {
                                           reference::activation_forward<double>(out, x, act);
                                           return out;
                                         }),
                        kTolerance);
    reference::gated_backward<double>(dx, dgated, x, act);
    PARLEY_EXPECT_CLOSE(dx,
                        numeric_gradient(x, dgated,
                                         [&]() -> Const64 {
                                           reference::gated_forward<double>(gated, x, act);
                                           return gated;
                                         }),
                        kTolerance);
  }
}

TEST(Reference, Embedding) {
  auto wte = random({7, 3}, 1), wpe = random({4, 3}, 2);
  const auto dout = random({6, 3}, 3);
  const auto tokens = testing::random_ints({6}, 4, 0, 7),
             positions = testing::random_ints({6}, 5, 0, 4);
  Tensor<double> out({6, 3}), dwte({7, 3}), dwpe({4, 3});
  const auto f = [&]() -> Const64 {
    reference::embedding_forward<double>(out, tokens, positions, wte, wpe);
    return out;
  };
  reference::embedding_backward<double>(dwte, dwpe, dout, tokens, positions);
  PARLEY_EXPECT_CLOSE(dwte, numeric_gradient(wte, dout, f), kTolerance);
  PARLEY_EXPECT_CLOSE(dwpe, numeric_gradient(wpe, dout, f), kTolerance);
}

TEST(Reference, Rope) {
  auto x = random({5, 14}, 1);
  auto dx = random({5, 14}, 2);
  const auto dout = testing::copy(dx), cos = random({9, 3}, 3), sin = random({9, 3}, 4);
  const auto positions = testing::random_ints({5}, 5, 0, 9);
  Tensor<double> out({5, 14});
  const auto gradient = numeric_gradient(x, dout, [&]() -> Const64 {
    std::copy(x.begin(), x.end(), out.begin());
    reference::rope<double>(out, 1, 2, positions, cos, sin, 1.0);
    return out;
  });
  reference::rope<double>(dx, 1, 2, positions, cos, sin, -1.0);
  PARLEY_EXPECT_CLOSE(dx, gradient, kTolerance);
}

TEST(Reference, Attention) {
  const AttentionShape s = {2, 6, 4, 2, 3, 0.6f, 4};
  auto qkv = random({2, 6, 24}, 1);
  const auto dout = random({2, 6, 12}, 2);
  Tensor<int32_t> first({2, 6});
  for (int64_t t = 3; t < 6; ++t) first[6 + t] = 3;  // a second document in the second row
  Tensor<double> out({2, 6, 12}), lse({2, 4, 6}), dqkv({2, 6, 24});
  reference::attention_backward<double>(dqkv, dout, qkv, first, s);
  PARLEY_EXPECT_CLOSE(dqkv,
                      numeric_gradient(qkv, dout,
                                       [&]() -> Const64 {
                                         reference::attention_forward<double>(out, lse, qkv, first,
                                                                              s);
                                         return out;
                                       }),
                      kTolerance);
}

TEST(Reference, CrossEntropy) {
  auto logits = random({4, 9}, 1, 3.0);
  const auto dlosses = random({4}, 2);
  auto targets = testing::random_ints({4}, 3, 0, 9);
  targets[2] = -1;
  Tensor<double> losses({4}), scratch({4, 9});
  const auto f = [&]() -> Const64 {
    std::copy(logits.begin(), logits.end(), scratch.begin());
    reference::cross_entropy<double>(losses, scratch, targets, {});
    return losses;
  };
  const auto gradient = numeric_gradient(logits, dlosses, f);
  reference::cross_entropy<double>(losses, logits, targets, dlosses);
  PARLEY_EXPECT_CLOSE(logits, gradient, kTolerance);
}

// Newton–Schulz brings every singular value near 1 (the polynomial settles in 0.7 … 1.2).
TEST(Reference, MuonOrthogonalises) {
  for (const auto& [R, C] : {std::pair<int64_t, int64_t>{6, 10}, {10, 6}}) {
    const auto grad = random({R, C}, 1);
    Tensor<double> param({R, C}), momentum({R, C});
    reference::muon_update<double>(param, momentum, grad, {1.0, 0.0, 0.0, 1.0, false});
    const int64_t small = std::min(R, C);
    const double gain = std::max(1.0, double(R) / double(C));
    for (int64_t i = 0; i < small; ++i)
      for (int64_t j = 0; j < small; ++j) {
        double dot = 0;
        for (int64_t k = 0; k < std::max(R, C); ++k)
          dot += R <= C ? param[i * C + k] * param[j * C + k] : param[k * C + i] * param[k * C + j];
        EXPECT_NEAR(dot / gain, i == j ? 1.0 : 0.0, 0.55);
      }
  }
}

}  // namespace
}  // namespace parley::kernels

#include "kernels/activation.h"

#include <gtest/gtest.h>

#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

constexpr Activation kAll[] = {Activation::kGeluTanh, Activation::kGeluErf, Activation::kRelu,
                               Activation::kRelu2, Activation::kSilu};

// Element by element: |got − want| ≤ tolerance · (|want| + floor).
void expect_each_close(tensor::ConstF32 got, tensor::View<const double> want, double tolerance,
                       double floor) {
  for (int64_t i = 0; i < got.size(); ++i)
    ASSERT_LE(std::abs(double(got[i]) - want[i]), tolerance * (std::abs(want[i]) + floor))
        << "at " << i << ": " << got[i] << ", want " << want[i];
}

TEST(Activation, EqualsReferenceFromTinyToHuge) {
  for (const Activation act : kAll) {
    SCOPED_TRACE(static_cast<int>(act));
    Tensor<float> x({20001});
    for (int64_t i = 0; i < x.size(); ++i) x[i] = float(i - 10000) * 0.0015f;  // −15 … 15
    const auto dout = random_tensor(x.shape(), 2);
    const auto x64 = to_double(x), dout64 = to_double(dout);
    Tensor<double> out64(x.shape()), dx64(x.shape());
    reference::activation_forward<double>(out64, x64, act);
    reference::activation_backward<double>(dx64, dout64, x64, act);
    on_each_isa([&] {
      Tensor<float> out(x.shape()), dx(x.shape());
      activation_forward(out, x, act);
      activation_backward(dx, dout, x, act);
      expect_each_close(out, out64, 2e-6, 1e-2);
      expect_each_close(dx, dx64, 2e-6, 1.0);
    });
  }
}

TEST(Activation, ExtremesStayFiniteAndNanStaysNan) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const Activation act : kAll)
    on_each_isa([&] {
      SCOPED_TRACE(static_cast<int>(act));
      Tensor<float> x({40}), out({40}), dx({40}), dout({40});
      std::fill(dout.begin(), dout.end(), 1.0f);
      for (int64_t i = 0; i < 20; ++i) {
        x[i] = -std::pow(10.0f, float(i - 10));
        x[20 + i] = -x[i];
      }
      activation_forward(out, x, act);
      activation_backward(dx, dout, x, act);
      for (int64_t i = 0; i < 40; ++i) {
        EXPECT_TRUE(std::isfinite(out[i])) << x[i];
        EXPECT_TRUE(std::isfinite(dx[i])) << x[i];
      }
      x[3] = nan;
      x[4] = inf;
      activation_forward(out, x, act);
      EXPECT_TRUE(std::isnan(out[3]));
      EXPECT_EQ(out[4], inf);
    });
}

TEST(Activation, GatedEqualsReferenceAndWorksInPlace) {
  for (const Activation act : kAll)
    for (const int64_t F : {3, 64, 101}) {
      SCOPED_TRACE(fmt::format("act {} F {}", static_cast<int>(act), F));
      const auto x = random_tensor({9, 2 * F}, 1, 3.0), dout = random_tensor({9, F}, 2);
      Tensor<double> out64({9, F}), dx64({9, 2 * F});
      reference::gated_forward<double>(out64, to_double(x), act);
      reference::gated_backward<double>(dx64, to_double(dout), to_double(x), act);
      on_each_isa([&] {
        Tensor<float> out({9, F});
        auto dx = testing::copy(x);
        gated_forward(out, x, act);
        gated_backward(dx, dout, dx, act);
        PARLEY_EXPECT_CLOSE(out, out64, 2e-6);
        PARLEY_EXPECT_CLOSE(dx, dx64, 2e-6);
      });
    }
}

TEST(Activation, SumsAndScales) {
  const auto a = random_tensor({100003}, 1), b = random_tensor({100003}, 2);
  on_each_isa([&] {
    Tensor<float> out(a.shape());
    double squares = 0;
    add_forward(out, a, b);
    for (int64_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(out[i], a[i] + b[i]);
      squares += double(a[i]) * double(a[i]);
    }
    EXPECT_NEAR(sum_of_squares(a), squares, 1e-9 * squares);
    scale_inplace(out, 0.5f);
    for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(out[i], (a[i] + b[i]) * 0.5f);
    EXPECT_TRUE(all_finite(out));
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      out[100001] = bad;
      EXPECT_FALSE(all_finite(out));
    }
    out[100001] = std::numeric_limits<float>::max();
    EXPECT_TRUE(all_finite(out));
  });
}

}  // namespace
}  // namespace parley::kernels

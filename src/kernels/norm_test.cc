#include "kernels/norm.h"

#include <gtest/gtest.h>

#include "base/threads.h"
#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

struct Size {
  int64_t N, C;
};
const Size kSizes[] = {{1, 1}, {3, 5}, {7, 64}, {200, 48}, {130, 100}, {65, 768}};

TEST(Norm, LayerNormEqualsReference) {
  for (const auto& [N, C] : kSizes)
    for (const bool with_bias : {false, true})
      for (const bool accumulate : {false, true}) {
        SCOPED_TRACE(fmt::format("N {} C {} bias {} accumulate {}", N, C, with_bias, accumulate));
        const auto x = random_tensor({N, C}, 1), w = random_tensor({C}, 2);
        const auto dout = random_tensor({N, C}, 3);
        const auto bias = with_bias ? random_tensor({C}, 4) : Tensor<float>();
        const auto dx0 = random_tensor({N, C}, 5), dw0 = random_tensor({C}, 6);
        const auto dbias0 = with_bias ? random_tensor({C}, 7) : Tensor<float>();
        const auto x64 = to_double(x), w64 = to_double(w), dout64 = to_double(dout);
        const auto bias64 = with_bias ? to_double(bias) : Tensor<double>();
        Tensor<double> out64({N, C}), mean64({N}), rstd64({N});
        auto dx64 = to_double(dx0), dw64 = to_double(dw0);
        auto dbias64 = with_bias ? to_double(dbias0) : Tensor<double>();
        reference::layernorm_forward<double>(out64, mean64, rstd64, x64, w64, bias64, 1e-5);
        reference::layernorm_backward<double>(dx64, dw64, dbias64, dout64, x64, w64, mean64, rstd64,
                                              accumulate, accumulate);
        on_each_isa([&] {
          Tensor<float> out({N, C}), mean({N}), rstd({N});
          auto dx = testing::copy(dx0), dw = testing::copy(dw0);
          auto dbias = with_bias ? testing::copy(dbias0) : Tensor<float>();
          layernorm_forward(out, mean, rstd, x, w, bias, 1e-5f);
          layernorm_backward(dx, dw, dbias, dout, x, w, mean, rstd, accumulate, accumulate);
          PARLEY_EXPECT_CLOSE(out, out64, 2e-6);
          PARLEY_EXPECT_CLOSE(rstd, rstd64, 2e-6);
          if (C > 1) {
            PARLEY_EXPECT_CLOSE(dx, dx64, 5e-6);
          }  // with one channel dx is all rounding
          PARLEY_EXPECT_CLOSE(dw, dw64, 5e-6);
          PARLEY_EXPECT_CLOSE(dbias, dbias64, 5e-6);
        });
      }
}

TEST(Norm, RmsNormEqualsReference) {
  for (const auto& [N, C] : kSizes)
    for (const bool accumulate : {false, true}) {
      SCOPED_TRACE(fmt::format("N {} C {} accumulate {}", N, C, accumulate));
      const auto x = random_tensor({N, C}, 1), w = random_tensor({C}, 2);
      const auto dout = random_tensor({N, C}, 3);
      const auto dx0 = random_tensor({N, C}, 5), dw0 = random_tensor({C}, 6);
      Tensor<double> out64({N, C}), rstd64({N});
      auto dx64 = to_double(dx0), dw64 = to_double(dw0);
      reference::rmsnorm_forward<double>(out64, rstd64, to_double(x), to_double(w), 1e-6);
      reference::rmsnorm_backward<double>(dx64, dw64, to_double(dout), to_double(x), to_double(w),
                                          rstd64, accumulate, accumulate);
      on_each_isa([&] {
        Tensor<float> out({N, C}), rstd({N});
        auto dx = testing::copy(dx0), dw = testing::copy(dw0);
        rmsnorm_forward(out, rstd, x, w, 1e-6f);
        rmsnorm_backward(dx, dw, dout, x, w, rstd, accumulate, accumulate);
        PARLEY_EXPECT_CLOSE(out, out64, 2e-6);
        if (C > 1) {
          PARLEY_EXPECT_CLOSE(dx, dx64, 5e-6);
        }
        PARLEY_EXPECT_CLOSE(dw, dw64, 5e-6);
      });
    }
}

TEST(Norm, BackwardInPlace) {
  const auto x = random_tensor({70, 96}, 1), w = random_tensor({96}, 2);
  const auto dout = random_tensor({70, 96}, 3);
  Tensor<float> out({70, 96}), mean({70}), rstd({70}), dx({70, 96}), dw({96}), dbias({96});
  layernorm_forward(out, mean, rstd, x, w, {}, 1e-5f);
  layernorm_backward(dx, dw, dbias, dout, x, w, mean, rstd, false, false);
  auto in_place = testing::copy(dout);
  layernorm_backward(in_place, dw, dbias, in_place, x, w, mean, rstd, false, false);
  EXPECT_EQ(testing::max_error(in_place, dx), 0.0);
}

TEST(Norm, HeadRmsNormTouchesItsColumnsOnly) {
  const int64_t N = 70, W = 200, column = 30, heads = 3, HS = 48;
  const auto x = random_tensor({N, W}, 1), w = random_tensor({HS}, 2);
  const auto dout = random_tensor({N, W}, 3);
  on_each_isa([&] {
    auto out = testing::copy(x), dx = testing::copy(dout);
    Tensor<float> rstd({N, heads}), dw({HS});
    head_rmsnorm_forward(out, rstd, out, column, heads, w, 1e-6f);
    head_rmsnorm_backward(dx, dw, dx, x, column, heads, w, rstd, false);
    Tensor<double> want_dw({HS});
    for (int64_t n = 0; n < N; ++n)
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t at = n * W + column + h * HS;
        const auto x64 = to_double(tensor::ConstF32(x.data() + at, {1, HS}));
        const auto dout64 = to_double(tensor::ConstF32(dout.data() + at, {1, HS}));
        Tensor<double> out64({1, HS}), rstd64({1}), dx64({1, HS});
        reference::rmsnorm_forward<double>(out64, rstd64, x64, to_double(w), 1e-6);
        reference::rmsnorm_backward<double>(dx64, want_dw, dout64, x64, to_double(w), rstd64, false,
                                            true);
        PARLEY_EXPECT_CLOSE(tensor::ConstF32(out.data() + at, {1, HS}), out64, 2e-6);
        PARLEY_EXPECT_CLOSE(tensor::ConstF32(dx.data() + at, {1, HS}), dx64, 5e-6);
      }
    PARLEY_EXPECT_CLOSE(dw, want_dw, 5e-6);
    for (int64_t n = 0; n < N; ++n)
      for (int64_t c = 0; c < W; ++c)
        if (c < column || c >= column + heads * HS) {
          EXPECT_EQ(out[n * W + c], x[n * W + c]);
          EXPECT_EQ(dx[n * W + c], dout[n * W + c]);
        }
  });
}

TEST(Norm, SameBitsForAnyThreadCount) {
  const auto x = random_tensor({500, 96}, 1), w = random_tensor({96}, 2);
  const auto dout = random_tensor({500, 96}, 3);
  Tensor<float> dw[2];
  for (int i = 0; i < 2; ++i) {
    base::set_num_threads(i == 0 ? 1 : 3);
    Tensor<float> out({500, 96}), rstd({500}), dx({500, 96});
    dw[i] = Tensor<float>({96});
    rmsnorm_forward(out, rstd, x, w, 1e-5f);
    rmsnorm_backward(dx, dw[i], dout, x, w, rstd, false, false);
  }
  base::set_num_threads(0);
  EXPECT_EQ(testing::max_error(dw[0], dw[1]), 0.0);
}

}  // namespace
}  // namespace parley::kernels

#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

TEST(Optimizer, AdamWEqualsReference) {
  const auto start = random_tensor({20003}, 1);
  const auto grad = random_tensor({20003}, 2, 0.01);
  on_each_isa([&] {
    auto param = testing::copy(start);
    auto param64 = to_double(start);
    Tensor<float> m(start.shape()), v(start.shape());
    Tensor<double> m64(start.shape()), v64(start.shape());
    for (int64_t step = 1; step <= 5; ++step) {
      const AdamWStep s = {1e-3, 0.9, 0.95, 1e-8, 0.1, 0.5, step};
      adamw_update(param, m, v, grad, s);
      reference::adamw_update<double>(param64, m64, v64, to_double(grad), s);
    }
    PARLEY_EXPECT_CLOSE(param, param64, 1e-6);
    PARLEY_EXPECT_CLOSE(m, m64, 1e-6);
    PARLEY_EXPECT_CLOSE(v, v64, 1e-6);
  });
}

TEST(Optimizer, MuonEqualsReference) {
  for (const auto& [R, C] : {std::pair<int64_t, int64_t>{8, 8}, {24, 60}, {60, 24}, {1, 9}})
    for (const bool nesterov : {false, true}) {
      SCOPED_TRACE(fmt::format("{} x {}, nesterov {}", R, C, nesterov));
      const MuonStep s = {0.02, 0.95, 0.1, 0.5, nesterov};
      const auto start = random_tensor({R, C}, 1), grad = random_tensor({R, C}, 2);
      const auto momentum0 = random_tensor({R, C}, 3);
      auto param64 = to_double(start), momentum64 = to_double(momentum0);
      reference::muon_update<double>(param64, momentum64, to_double(grad), s);
      on_each_isa([&] {
        auto param = testing::copy(start), momentum = testing::copy(momentum0);
        Tensor<float> scratch({muon_scratch_size(R, C)});
        muon_update(param, momentum, grad, scratch, s);
        PARLEY_EXPECT_CLOSE(param, param64, 1e-5);
        PARLEY_EXPECT_CLOSE(momentum, momentum64, 1e-6);
      });
    }
}

}  // namespace
}  // namespace parley::kernels

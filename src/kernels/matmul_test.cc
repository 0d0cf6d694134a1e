#include "kernels/matmul.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/interrupt.h"
#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

struct Size {
  int64_t N, IC, OC;
};
const Size kSizes[] = {{1, 1, 1},  {1, 64, 48},  {2, 100, 33},   {5, 48, 200}, {8, 768, 70},
                       {9, 30, 7}, {64, 96, 80}, {130, 70, 257}, {4, 17, 1000}};

TEST(Matmul, EqualsReference) {
  for (const auto& [N, IC, OC] : kSizes)
    for (const bool accumulate : {false, true})
      for (const bool with_bias : {false, true}) {
        SCOPED_TRACE(fmt::format("N {} IC {} OC {} accumulate {} bias {}", N, IC, OC, accumulate,
                                 with_bias));
        const auto x = random_tensor({N, IC}, 1), w = random_tensor({OC, IC}, 2);
        const auto dout = random_tensor({N, OC}, 3);
        const auto bias = with_bias ? random_tensor({OC}, 4) : Tensor<float>();
        const auto out0 = random_tensor({N, OC}, 5), dx0 = random_tensor({N, IC}, 6);
        const auto dw0 = random_tensor({OC, IC}, 7);
        const auto dbias0 = with_bias ? random_tensor({OC}, 8) : Tensor<float>();
        auto out64 = to_double(out0), dx64 = to_double(dx0), dw64 = to_double(dw0);
        auto dbias64 = with_bias ? to_double(dbias0) : Tensor<double>();
        const auto bias64 = with_bias ? to_double(bias) : Tensor<double>();
        const auto x64 = to_double(x), w64 = to_double(w), dout64 = to_double(dout);
        reference::matmul_forward<double>(out64, x64, w64, bias64, accumulate);
        reference::matmul_backward_input<double>(dx64, dout64, w64, accumulate);
        reference::matmul_backward_weight<double>(dw64, dbias64, dout64, x64, accumulate);
        on_each_isa([&] {
          auto out = testing::copy(out0), dx = testing::copy(dx0), dw = testing::copy(dw0);
          auto dbias = with_bias ? testing::copy(dbias0) : Tensor<float>();
          matmul_forward(out, x, w, bias, accumulate);
          matmul_backward_input(dx, dout, w, accumulate);
          matmul_backward_weight(dw, dbias, dout, x, accumulate);
          PARLEY_EXPECT_CLOSE(out, out64, 2e-6);
          PARLEY_EXPECT_CLOSE(dx, dx64, 2e-6);
          PARLEY_EXPECT_CLOSE(dw, dw64, 2e-6);
          PARLEY_EXPECT_CLOSE(dbias, dbias64, 2e-6);
        });
      }
}

// In decoding a row's result must not depend on how many rows there are.
TEST(Matmul, FewRowsEqualOneRowBitForBit) {
  const int64_t IC = 131, OC = 77;
  const auto x = random_tensor({8, IC}, 1), w = random_tensor({OC, IC}, 2);
  const auto bias = random_tensor({OC}, 3);
  on_each_isa([&] {
    Tensor<float> one({1, OC});
    for (int64_t N = 2; N <= 8; ++N) {
      Tensor<float> out({N, OC});
      matmul_forward(out, x.rows(0, N), w, bias);
      for (int64_t n = 0; n < N; ++n) {
        matmul_forward(one, x.rows(n, n + 1), w, bias);
        ASSERT_EQ(testing::max_error(out.rows(n, n + 1), one), 0.0) << "row " << n << " of " << N;
      }
    }
  });
}

TEST(Matmul, SameBitsEveryTime) {
  const auto x = random_tensor({300, 200}, 1), w = random_tensor({500, 200}, 2);
  Tensor<float> first({300, 500}), again({300, 500});
  matmul_forward(first, x, w, {});
  for (int i = 0; i < 5; ++i) {
    matmul_forward(again, x, w, {});
    ASSERT_EQ(testing::max_error(again, first), 0.0);
  }
}

// Products move the stack pointer into heap memory while they run: a signal's frame must not be
// written there (InterruptGuard).
TEST(Matmul, SignalsLeaveMemoryAlone) {
  const base::InterruptGuard guard;
  constexpr int64_t kRows = 64, kInner = 4096;
  tensor::Tensor<float> x({kRows, kInner}), w({kRows, kInner}), out({kRows, kRows});
  std::ranges::fill(x, 1.0f);
  std::ranges::fill(w, 1.0f);
  std::atomic<bool> done = false;
  const pthread_t self = pthread_self();
  std::thread sender([&] {
    while (!done) {
      pthread_kill(self, SIGTERM);
      ::usleep(20);
    }
  });
  // Neighbours on the heap, to be overwritten.
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<float>> neighbours;
    for (int i = 0; i < 40; ++i) neighbours.emplace_back(2000, 7.0f);
    matmul_forward(out, x, w, {});
    matmul_backward_weight(w, {}, out, x, false);
    std::ranges::fill(w, 1.0f);
    for (const std::vector<float>& neighbour : neighbours)
      for (const float value : neighbour) ASSERT_EQ(value, 7.0f) << "round " << round;
    ASSERT_EQ(out[5], static_cast<float>(kInner));
  }
  done = true;
  sender.join();
}

TEST(MatmulDeathTest, WrongShapesStopWithTheShapes) {
  Tensor<float> x({4, 8}), w({5, 9}), out({4, 5});
  EXPECT_DEATH(matmul_forward(out, x, w, {}), "\\(5, 9\\)");
  EXPECT_DEATH(matmul_backward_input(x, out, w), "\\(5, 9\\)");
}

}  // namespace
}  // namespace parley::kernels

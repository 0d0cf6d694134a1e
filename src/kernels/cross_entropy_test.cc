#include "kernels/cross_entropy.h"

#include <gtest/gtest.h>

#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

TEST(CrossEntropy, EqualsReference) {
  for (const int64_t V : {1, 7, 100, 2048, 2049, 16384, 50257}) {
    SCOPED_TRACE(V);
    const int64_t N = 5;
    auto logits = random_tensor({N, V}, 1, 5.0);
    logits[3 * V + V / 2] = 80.0f;  // a late, large maximum
    auto targets = testing::random_ints({N}, 2, 0, static_cast<int32_t>(V));
    targets[1] = -1;
    const auto dlosses = random_tensor({N}, 3);
    Tensor<double> losses64({N});
    auto dlogits64 = to_double(logits), logprobs64 = to_double(logits);
    reference::cross_entropy<double>(losses64, dlogits64, targets, to_double(dlosses));
    reference::log_softmax_inplace<double>(logprobs64);
    on_each_isa([&] {
      Tensor<float> losses({N});
      cross_entropy_forward(losses, logits, targets);
      PARLEY_EXPECT_CLOSE(losses, losses64, 1e-6);
      auto dlogits = testing::copy(logits), logprobs = testing::copy(logits);
      cross_entropy_forward_backward(losses, dlogits, targets, dlosses);
      log_softmax_inplace(logprobs);
      PARLEY_EXPECT_CLOSE(losses, losses64, 1e-6);
      PARLEY_EXPECT_CLOSE(dlogits, dlogits64, 2e-6);
      PARLEY_EXPECT_CLOSE(logprobs, logprobs64, 1e-6);
      EXPECT_EQ(losses[1], 0.0f);
      for (int64_t v = 0; v < V; ++v) ASSERT_EQ(dlogits[V + v], 0.0f);
    });
  }
}

TEST(CrossEntropy, ExtremesAndNan) {
  const int64_t V = 5000;
  const float inf = std::numeric_limits<float>::infinity();
  on_each_isa([&] {
    Tensor<float> logits({3, V}), losses({3});
    Tensor<int32_t> targets({3});
    for (int64_t v = 0; v < V; ++v) logits[v] = -1e30f;
    logits[0] = 1e30f;                                     // certain: loss 0
    for (int64_t v = 1; v < V; ++v) logits[V + v] = -inf;  // the only choice: loss 0
    logits[2 * V + 4000] = std::nanf("");                  // shows
    cross_entropy_forward(losses, logits, targets);
    EXPECT_EQ(losses[0], 0.0f);
    EXPECT_EQ(losses[1], 0.0f);
    EXPECT_TRUE(std::isnan(losses[2]));
  });
}

TEST(CrossEntropyDeathTest, TargetBeyondTheVocabulary) {
  Tensor<float> logits({1, 10}), losses({1});
  Tensor<int32_t> targets({1});
  targets[0] = 10;
  EXPECT_DEATH(cross_entropy_forward(losses, logits, targets), "target 10");
}

}  // namespace
}  // namespace parley::kernels

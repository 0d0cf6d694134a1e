#include "kernels/embedding.h"

#include <gtest/gtest.h>

#include "base/threads.h"
#include "kernels/reference.h"
#include "kernels/rope.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::random_tensor;
using testing::Tensor;
using testing::to_double;

TEST(Embedding, EqualsReference) {
  const int64_t N = 300, V = 20, P = 11;
  for (const int64_t C : {5, 64, 200})
    for (const bool learned_positions : {false, true}) {
      const auto tokens = testing::random_ints({N}, 1, 0, V);
      const auto positions = testing::random_ints({N}, 2, 0, P);
      const auto wte = random_tensor({V, C}, 3), dout = random_tensor({N, C}, 5);
      const auto wpe = learned_positions ? random_tensor({P, C}, 4) : Tensor<float>();
      Tensor<float> out({N, C}), want({N, C});
      embedding_forward(out, tokens, positions, wte, wpe);
      reference::embedding_forward<float>(want, tokens, positions, wte, wpe);
      EXPECT_EQ(testing::max_error(out, want), 0.0);
      // The order of the sums is specified, so the bits are, for any thread count.
      auto dwte_want = testing::copy(wte), dwpe_want = random_tensor({P, C}, 6);
      const tensor::F32 no_wpe;
      reference::embedding_backward<float>(dwte_want, learned_positions ? dwpe_want : no_wpe, dout,
                                           tokens, positions);
      for (const int threads : {1, 3}) {
        base::set_num_threads(threads);
        auto dwte = testing::copy(wte), dwpe = random_tensor({P, C}, 6);
        embedding_backward(dwte, learned_positions ? dwpe : no_wpe, dout, tokens, positions);
        EXPECT_EQ(testing::max_error(dwte, dwte_want), 0.0);
        EXPECT_EQ(testing::max_error(dwpe, dwpe_want), 0.0);
      }
      base::set_num_threads(0);
    }
}

TEST(Rope, EqualsReferenceAndBackwardUndoesForward) {
  const int64_t N = 70, column = 16, heads = 3;
  for (const int64_t HS : {6, 64, 80}) {
    const int64_t W = column + heads * HS + 5;
    const RopeTable table(100, HS, 10000.0);
    const auto x = random_tensor({N, W}, 1);
    const auto positions = testing::random_ints({N}, 2, 0, 100);
    auto want = to_double(x);
    reference::rope<double>(want, column, heads, positions, to_double(table.cos),
                            to_double(table.sin), 1.0);
    testing::on_each_isa([&] {
      auto rotated = testing::copy(x);
      rope_forward(rotated, column, heads, positions, table);
      PARLEY_EXPECT_CLOSE(rotated, want, 1e-6);
      rope_backward(rotated, column, heads, positions, table);
      PARLEY_EXPECT_CLOSE(rotated, x, 1e-6);
    });
  }
}

}  // namespace
}  // namespace parley::kernels

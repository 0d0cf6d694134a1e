#include "kernels/attention.h"

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

struct Case {
  int64_t B, T, NH, NKV, HS, window;
  bool documents;  // packed documents: first_key given
};

std::string name(const Case& c) {
  return fmt::format("B {} T {} NH {} NKV {} HS {} window {} documents {}", c.B, c.T, c.NH, c.NKV,
                     c.HS, c.window, c.documents);
}

const Case kCases[] = {
    {1, 1, 1, 1, 8, 0, false},     {2, 5, 3, 3, 16, 0, false},   {1, 64, 2, 2, 64, 0, false},
    {2, 65, 2, 1, 64, 0, false},   {1, 200, 4, 2, 32, 0, true},  {2, 130, 6, 2, 48, 0, true},
    {1, 150, 2, 2, 64, 33, false}, {1, 170, 8, 1, 80, 16, true}, {1, 96, 3, 3, 96, 0, false},
    {1, 70, 2, 2, 128, 0, false},  {1, 33, 2, 2, 7, 0, true},    {1, 257, 1, 1, 20, 1, false},
    {3, 100, 5, 5, 64, 300, true},
};

AttentionShape shape_of(const Case& c) {
  return {c.B, c.T, c.NH, c.NKV, c.HS, 1.0f / std::sqrt(static_cast<float>(c.HS)), c.window};
}

// Documents of 1 to 40 tokens.
Tensor<int32_t> first_keys(const Case& c) {
  if (!c.documents) return {};
  Tensor<int32_t> first({c.B, c.T});
  const auto lengths = testing::random_ints({c.B * c.T}, 9, 1, 41);
  for (int64_t b = 0; b < c.B; ++b)
    for (int64_t t = 0, document = 0; t < c.T; document = t)
      for (const int64_t end = std::min(c.T, t + lengths[b * c.T + t]); t < end; ++t)
        first[b * c.T + t] = static_cast<int32_t>(document);
  return first;
}

TEST(Attention, ForwardAndBackwardEqualReference) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(name(c));
    const AttentionShape s = shape_of(c);
    const int64_t row = (c.NH + 2 * c.NKV) * c.HS;
    const auto qkv = random_tensor({c.B, c.T, row}, 1, 1.5);
    const auto dout = random_tensor({c.B, c.T, c.NH * c.HS}, 2);
    const auto first = first_keys(c);
    const auto qkv64 = to_double(qkv), dout64 = to_double(dout);
    Tensor<double> want_out(dout.shape()), want_lse({c.B, c.NH, c.T}), want_dqkv(qkv.shape());
    reference::attention_forward<double>(want_out, want_lse, qkv64, first, s);
    reference::attention_backward<double>(want_dqkv, dout64, qkv64, first, s);
    on_each_isa([&] {
      Tensor<float> out(dout.shape()), lse({c.B, c.NH, c.T}), dqkv(qkv.shape());
      std::fill(dqkv.begin(), dqkv.end(), 7.0f);  // must be overwritten
      attention_forward(out, lse, qkv, first, s);
      attention_backward(dqkv, dout, qkv, out, lse, first, s);
      PARLEY_EXPECT_CLOSE(out, want_out, 2e-6);
      PARLEY_EXPECT_CLOSE(lse, want_lse, 2e-6);
      PARLEY_EXPECT_CLOSE(dqkv, want_dqkv, 5e-6);
    });
  }
}

TEST(Attention, LargeScoresStayFinite) {
  const Case c = {1, 130, 2, 1, 64, 0, false};
  const AttentionShape s = shape_of(c);
  const auto qkv = random_tensor({c.B, c.T, 4 * c.HS}, 3, 30.0);  // scores of about ±7000
  Tensor<double> want({c.B, c.T, 2 * c.HS}), want_lse({c.B, c.NH, c.T});
  reference::attention_forward<double>(want, want_lse, to_double(qkv), {}, s);
  on_each_isa([&] {
    Tensor<float> out(want.shape()), lse(want_lse.shape());
    attention_forward(out, lse, qkv, {}, s);
    PARLEY_EXPECT_CLOSE(out, want, 1e-3);
    PARLEY_EXPECT_CLOSE(lse, want_lse, 1e-6);
  });
}

TEST(Attention, SameBitsForAnyThreadCount) {
  const Case c = {2, 190, 4, 2, 64, 0, true};
  const AttentionShape s = shape_of(c);
  const auto qkv = random_tensor({c.B, c.T, 8 * c.HS}, 4);
  const auto dout = random_tensor({c.B, c.T, 4 * c.HS}, 5);
  const auto first = first_keys(c);
  Tensor<float> out[2], dqkv[2];
  for (int i = 0; i < 2; ++i) {
    base::set_num_threads(i == 0 ? 1 : 3);
    out[i] = Tensor<float>(dout.shape());
    dqkv[i] = Tensor<float>(qkv.shape());
    Tensor<float> lse({c.B, c.NH, c.T});
    attention_forward(out[i], lse, qkv, first, s);
    attention_backward(dqkv[i], dout, qkv, out[i], lse, first, s);
  }
  base::set_num_threads(0);
  EXPECT_EQ(testing::max_error(out[0], out[1]), 0.0);
  EXPECT_EQ(testing::max_error(dqkv[0], dqkv[1]), 0.0);
}

TEST(AttentionDeathTest, WrongShapesStopWithTheShapes) {
  const AttentionShape s = {1, 4, 2, 1, 8, 0.5f, 0};
  Tensor<float> qkv({1, 4, 32}), out({1, 4, 16}), lse({1, 2, 4}), narrow({1, 4, 24});
  Tensor<int32_t> first({1, 4});
  EXPECT_DEATH(attention_forward(out, lse, narrow, {}, s), "\\(1, 4, 24\\)");
  EXPECT_DEATH(attention_backward(qkv, out, qkv, out, lse, {}, s), "attention_backward");
  first[1] = 2;  // a query must see its own key
  EXPECT_DEATH(attention_forward(out, lse, qkv, first, s), "first_key 2 at");
}

}  // namespace
}  // namespace parley::kernels

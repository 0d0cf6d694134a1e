// Attention over blocks: against the reference in double, and against itself to the last bit
// for every way of cutting a sequence into steps.
#include <cstring>
#include <numeric>

#include "base/threads.h"
#include "kernels/attention_paged.h"
#include "kernels/reference.h"
#include "kernels/testing.h"

namespace parley::kernels {
namespace {

using testing::on_each_isa;
using testing::random_tensor;
using testing::Shape;
using testing::Tensor;
using testing::to_double;

constexpr KvFormat kFormats[] = {KvFormat::kF32, KvFormat::kBf16, KvFormat::kInt8};

// Blocks of one layer, for several sequences; filled with rubbish that is finite, as blocks
// that others have used are.
class Blocks {
 public:
  Blocks(KvFormat format, const AttentionShape& s, int64_t positions) {
    const int64_t count = (positions + kKvBlock - 1) / kKvBlock;
    const size_t bytes = kv_block_bytes(format, s.NKV, s.HS);
    data_ = Tensor<float>({static_cast<int64_t>(bytes) * count / 4});
    std::fill(data_.begin(), data_.end(), 1.5f);
    for (int64_t i = 0; i < count; ++i)  // not in the order of memory
      parts_.push_back(reinterpret_cast<std::byte*>(data_.data()) +
                       static_cast<size_t>(count - 1 - i) * bytes);
  }
  std::span<std::byte* const> parts() const { return parts_; }

 private:
  Tensor<float> data_;
  std::vector<std::byte*> parts_;
};

struct Case {
  int64_t T, NH, NKV, HS, window;
};
const Case kCases[] = {{150, 2, 2, 64, 0},  {150, 4, 2, 64, 0},  {70, 3, 3, 20, 0},
                       {200, 4, 1, 32, 70}, {130, 12, 1, 48, 0}, {66, 2, 1, 128, 1},
                       {300, 2, 2, 8, 129}, {140, 3, 3, 80, 0}};

AttentionShape shape_of(const Case& c) { return {1, c.T, c.NH, c.NKV, c.HS, 0.2f, c.window}; }

std::string name(const Case& c) {
  return fmt::format("T {} NH {} NKV {} HS {} window {}", c.T, c.NH, c.NKV, c.HS, c.window);
}

// out (T, NH·HS), the tokens run in steps of the given sizes.
Tensor<float> run(const Tensor<float>& qkv, KvFormat format, const AttentionShape& s,
                  const std::vector<int64_t>& steps) {
  const int64_t T = qkv.dim(0);
  const Blocks blocks(format, s, T);
  Tensor<float> out({T, s.NH * s.HS});
  int64_t past = 0;
  for (const int64_t count : steps) {
    const PagedSequence sequence = {0, count, past, blocks.parts()};
    const auto part = qkv.rows(past, past + count);
    kv_write({&sequence, 1}, format, part, s);
    attention_paged(out.rows(past, past + count), part, {&sequence, 1}, format, s);
    past += count;
  }
  EXPECT_EQ(past, T);
  return out;
}

TEST(AttentionPaged, EqualsReference) {
  for (const Case& c : kCases)
    for (const KvFormat format : kFormats) {
      SCOPED_TRACE(name(c) + " " + std::string(kv_format_name(format)));
      const AttentionShape s = shape_of(c);
      const Tensor<float> qkv = random_tensor({c.T, (c.NH + 2 * c.NKV) * c.HS}, 1);
      Tensor<double> want({1, c.T, c.NH * c.HS}), lse({1, c.NH, c.T});
      const Tensor<double> wide = to_double(qkv);
      reference::attention_forward<double>(
          want, lse, wide.reshape(Shape{1, c.T, (c.NH + 2 * c.NKV) * c.HS}), {}, s);
      const double tolerance = format == KvFormat::kF32 ? 2e-6 : 1.5e-2;
      on_each_isa([&] {
        PARLEY_EXPECT_CLOSE(run(qkv, format, s, {c.T}), want, tolerance);
        PARLEY_EXPECT_CLOSE(run(qkv, format, s, std::vector<int64_t>(static_cast<size_t>(c.T), 1)),
                            want, tolerance);
      });
    }
}

TEST(AttentionPaged, StepsChangeNoBit) {
  for (const Case& c : kCases)
    for (const KvFormat format : kFormats) {
      SCOPED_TRACE(name(c) + " " + std::string(kv_format_name(format)));
      const AttentionShape s = shape_of(c);
      const Tensor<float> qkv = random_tensor({c.T, (c.NH + 2 * c.NKV) * c.HS}, 2, 2.0);
      on_each_isa([&] {
        const Tensor<float> whole = run(qkv, format, s, {c.T});
        for (const int64_t step : {1, 2, 3, 5, 9, 17, 64, 65}) {
          std::vector<int64_t> steps(static_cast<size_t>(c.T / step), step);
          if (c.T % step) steps.push_back(c.T % step);
          const Tensor<float> cut = run(qkv, format, s, steps);
          ASSERT_EQ(0, std::memcmp(whole.data(), cut.data(),
                                   static_cast<size_t>(whole.size()) * sizeof(float)))
              << "steps of " << step;
        }
      });
    }
}

TEST(AttentionPaged, OtherSequencesAndThreadsChangeNoBit) {
  const AttentionShape s = {1, 0, 4, 2, 64, 0.125f, 0};
  const int64_t lengths[] = {1, 130, 5, 64};
  const int64_t total = 200;
  for (const KvFormat format : kFormats) {
    const Tensor<float> qkv = random_tensor({total, 8 * s.HS}, 3);
    Tensor<float> out[2] = {Tensor<float>({total, 4 * s.HS}), Tensor<float>({total, 4 * s.HS})};
    std::vector<Blocks> blocks;
    std::vector<PagedSequence> sequences;
    int64_t begin = 0;
    for (const int64_t length : lengths) {
      blocks.emplace_back(format, s, length);
      sequences.push_back({begin, length, 0, {}});
      begin += length;
    }
    ASSERT_EQ(begin, total);
    for (size_t i = 0; i < sequences.size(); ++i) sequences[i].blocks = blocks[i].parts();
    base::set_num_threads(3);
    kv_write(sequences, format, qkv, s);
    attention_paged(out[0], qkv, sequences, format, s);
    base::set_num_threads(1);
    for (const PagedSequence& sequence : sequences)
      attention_paged(out[1], qkv, {&sequence, 1}, format, s);
    base::set_num_threads(0);
    EXPECT_EQ(testing::max_error(out[0], out[1]), 0.0);
  }
}

TEST(AttentionPaged, NaNInAKeyReachesThoseWhoSeeIt) {
  const AttentionShape s = {1, 3, 1, 1, 16, 0.25f, 0};
  Tensor<float> qkv = random_tensor({3, 48}, 4);
  qkv[48 + 16 + 3] = std::numeric_limits<float>::quiet_NaN();  // a key of token 1
  for (const KvFormat format : kFormats) {
    const Tensor<float> out = run(qkv, format, s, {3});
    EXPECT_TRUE(std::isfinite(out[0]));
    EXPECT_FALSE(std::isfinite(out[2 * 16]));
  }
}

}  // namespace
}  // namespace parley::kernels

// The products with packed weights: the scalar kernels against plain sums in double, every
// instruction set against the scalar one to the last bit, and rows against themselves.
#include <cstring>
#include <limits>

#include "base/error.h"
#include "kernels/packed_matrix.h"
#include "kernels/testing.h"
#include "tensor/dtype.h"

namespace parley::kernels {
namespace {

using testing::copy;
using testing::on_each_isa;
using testing::random_tensor;
using testing::Shape;
using testing::Tensor;

constexpr WeightFormat kFormats[] = {WeightFormat::kBf16, WeightFormat::kInt8, WeightFormat::kInt4};

struct Case {
  int64_t N, IC, OC, group;
};
// Ragged edges of every kind: panels, padding, tiles of rows, groups.
const Case kCases[] = {{1, 64, 16, 32},  {1, 768, 100, 32}, {2, 70, 33, 64},
                       {3, 5, 7, 32},    {5, 128, 48, 64},  {7, 200, 31, 32},
                       {12, 96, 64, 32}, {13, 65, 17, 64},  {25, 256, 40, 32}};

bool same_bits(const Tensor<float>& a, const Tensor<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

// x as the product sees it: rounded to 8 bits a row, unless the weights are bf16.
Tensor<double> rounded_rows(const Tensor<float>& x, WeightFormat format) {
  Tensor<double> out(x.shape());
  const int64_t N = x.dim(0), IC = x.dim(1);
  for (int64_t n = 0; n < N; ++n) {
    double largest = 0;
    for (int64_t i = 0; i < IC; ++i)
      largest = std::max(largest, std::abs(static_cast<double>(x[n * IC + i])));
    for (int64_t i = 0; i < IC; ++i) {
      const double value = x[n * IC + i], scale = largest / 127;
      out[n * IC + i] = format == WeightFormat::kBf16 ? value
                        : scale > 0                   ? std::nearbyint(value / scale) * scale
                                                      : 0.0;
    }
  }
  return out;
}

TEST(PackedMatrix, RowsAreTheWeightsWithinTheFormatsStep) {
  const Tensor<float> w = random_tensor({37, 150}, 1);
  for (const WeightFormat format : kFormats) {
    SCOPED_TRACE(weight_format_name(format));
    const PackedMatrix packed = PackedMatrix::pack(w, format, 32);
    std::vector<float> row(150);
    double error = 0, square = 0;
    for (int64_t o = 0; o < 37; ++o) {
      packed.row(o, row.data());
      for (int64_t i = 0; i < 150; ++i) {
        const double e = row[static_cast<size_t>(i)] - w[o * 150 + i];
        error += e * e;
        square += static_cast<double>(w[o * 150 + i]) * w[o * 150 + i];
      }
    }
    const double limit = format == WeightFormat::kBf16   ? 0.0025
                         : format == WeightFormat::kInt8 ? 0.009
                                                         : 0.1;
    EXPECT_LT(std::sqrt(error / square), limit);
  }
}

TEST(PackedMatrix, PacksTheSameAtOnceAndInPieces) {
  const Tensor<float> w = random_tensor({300, 70}, 2);
  for (const WeightFormat format : kFormats) {
    const PackedMatrix pieces = PackedMatrix::pack(w, format, 64);
    const PackedMatrix whole(quantize_matrix(w, format, 64));
    ASSERT_EQ(pieces.bytes(), whole.bytes());
    std::vector<float> a(70), b(70);
    for (int64_t o = 0; o < 300; ++o) {
      pieces.row(o, a.data());
      whole.row(o, b.data());
      ASSERT_EQ(a, b);
    }
  }
}

TEST(MatmulPacked, EqualsSumsInDoubleOfTheRoundedNumbers) {
  for (const Case& c : kCases)
    for (const WeightFormat format : kFormats) {
      SCOPED_TRACE(fmt::format("{} {}x{}x{}", weight_format_name(format), c.N, c.IC, c.OC));
      const Tensor<float> w = random_tensor({c.OC, c.IC}, 3), x = random_tensor({c.N, c.IC}, 4);
      const Tensor<float> bias = random_tensor({c.OC}, 5);
      const PackedMatrix packed = PackedMatrix::pack(w, format, c.group);
      const Tensor<double> rounded = rounded_rows(x, format);
      Tensor<double> want({c.N, c.OC});
      std::vector<float> row(static_cast<size_t>(c.IC));
      for (int64_t o = 0; o < c.OC; ++o) {
        packed.row(o, row.data());
        for (int64_t n = 0; n < c.N; ++n) {
          double sum = bias[o];
          for (int64_t i = 0; i < c.IC; ++i)
            sum += rounded[n * c.IC + i] * row[static_cast<size_t>(i)];
          want[n * c.OC + o] = sum;
        }
      }
      on_each_isa([&] {
        Tensor<float> out({c.N, c.OC});
        matmul_packed(out, x, packed, bias);
        PARLEY_EXPECT_CLOSE(out, want, 1e-5);
      });
    }
}

TEST(MatmulPacked, EveryInstructionSetGivesTheSameBits) {
  for (const Case& c : kCases)
    for (const WeightFormat format : kFormats) {
      SCOPED_TRACE(fmt::format("{} {}x{}x{}", weight_format_name(format), c.N, c.IC, c.OC));
      const Tensor<float> w = random_tensor({c.OC, c.IC}, 6), x = random_tensor({c.N, c.IC}, 7);
      const PackedMatrix packed = PackedMatrix::pack(w, format, c.group);
      force_isa("scalar");
      Tensor<float> want({c.N, c.OC});
      matmul_packed(want, x, packed, {});
      on_each_isa([&] {
        Tensor<float> out({c.N, c.OC});
        matmul_packed(out, x, packed, {});
        EXPECT_TRUE(same_bits(out, want));
      });
    }
}

TEST(MatmulPacked, ARowDoesNotDependOnTheOthers) {
  const int64_t IC = 200, OC = 75;
  const Tensor<float> w = random_tensor({OC, IC}, 8), x = random_tensor({40, IC}, 9);
  const Tensor<float> bias = random_tensor({OC}, 10);
  for (const WeightFormat format : kFormats)
    on_each_isa([&] {
      const PackedMatrix packed = PackedMatrix::pack(w, format);
      Tensor<float> all({40, OC});
      matmul_packed(all, x, packed, bias);
      for (int64_t N = 1; N <= 40; ++N) {
        Tensor<float> out({N, OC});
        matmul_packed(out, x.rows(40 - N, 40), packed, bias);
        ASSERT_EQ(0, std::memcmp(out.data(), all.row(40 - N).data(),
                                 static_cast<size_t>(N * OC) * sizeof(float)))
            << N << " rows";
      }
    });
}

TEST(MatmulPacked, LargestNumbersDoNotOverflow) {
  const int64_t IC = 4096, OC = 16;
  Tensor<float> w({OC, IC}), x({2, IC});
  for (int64_t i = 0; i < w.size(); ++i) w[i] = i / IC % 2 ? -1.0f : 1.0f;
  for (int64_t i = 0; i < IC; ++i) x[i] = 3.0f;
  for (int64_t i = 0; i < IC; ++i) x[IC + i] = -3.0f;
  for (const WeightFormat format : kFormats)
    on_each_isa([&] {
      const PackedMatrix packed = PackedMatrix::pack(w, format);
      Tensor<float> out({2, OC});
      matmul_packed(out, x, packed, {});
      for (int64_t o = 0; o < OC; ++o) {
        const float want = (o % 2 ? -3.0f : 3.0f) * static_cast<float>(IC);
        EXPECT_NEAR(out[o], want, 1.0f);
        EXPECT_NEAR(out[OC + o], -want, 1.0f);
      }
    });
}

TEST(MatmulPacked, ZerosTinyAndNonFiniteRows) {
  const int64_t IC = 70, OC = 20;
  const Tensor<float> w = random_tensor({OC, IC}, 11);
  for (const WeightFormat format : {WeightFormat::kInt8, WeightFormat::kInt4})
    on_each_isa([&] {
      const PackedMatrix packed = PackedMatrix::pack(w, format);
      Tensor<float> x({5, IC}), out({5, OC});
      for (int64_t i = 0; i < IC; ++i) {
        x[IC + i] = std::numeric_limits<float>::denorm_min();
        x[2 * IC + i] = 1e30f;
        x[3 * IC + i] = x[4 * IC + i] = 1;
      }
      x[3 * IC + 69] = std::numeric_limits<float>::infinity();
      x[4 * IC + 3] = std::numeric_limits<float>::quiet_NaN();
      matmul_packed(out, x, packed, {});
      for (int64_t o = 0; o < OC; ++o) {
        EXPECT_EQ(out[o], 0);
        EXPECT_NEAR(out[OC + o], 0, 1e-30);
        EXPECT_TRUE(std::isfinite(out[2 * OC + o]));
        EXPECT_TRUE(std::isnan(out[3 * OC + o]));
        EXPECT_TRUE(std::isnan(out[4 * OC + o]));
      }
    });
}

TEST(QuantizeMatrix, ZeroAndTinyRowsStayFiniteAndBadWeightsAreRefused) {
  Tensor<float> w({3, 40});
  for (int64_t i = 0; i < 40; ++i) w[40 + i] = std::numeric_limits<float>::denorm_min();
  for (const WeightFormat format : kFormats) {
    std::vector<float> row(40);
    const PackedMatrix packed = PackedMatrix::pack(w, format);
    for (int64_t o = 0; o < 3; ++o) {
      packed.row(o, row.data());
      for (const float v : row) EXPECT_NEAR(v, 0, 1e-30);
    }
  }
  w[7] = std::numeric_limits<float>::quiet_NaN();
  for (const WeightFormat format : kFormats)
    EXPECT_THROW(PackedMatrix::pack(w, format), base::Error);
}

TEST(Int8Peak, IsMeasured) { EXPECT_GT(measure_int8_peak(0.01), 1e8); }

}  // namespace
}  // namespace parley::kernels

// For the kernels' tests: random tensors, comparison with the reference in double, and
// every instruction set in turn.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"
#include "kernels/isa.h"
#include "tensor/buffer.h"

namespace parley::kernels::testing {

using tensor::Shape;
using tensor::Tensor;
using tensor::View;

// Normal numbers, different for each `stream`.
template <typename T = float>
Tensor<T> random_tensor(Shape shape, uint64_t stream, double scale = 1.0) {
  Tensor<T> out(shape);
  const base::Philox philox(42, stream);
  for (int64_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<T>(scale * philox.normal(static_cast<uint64_t>(i)));
  return out;
}

// Integers in [low, high).
inline Tensor<int32_t> random_ints(Shape shape, uint64_t stream, int32_t low, int32_t high) {
  Tensor<int32_t> out(shape);
  const base::Philox philox(43, stream);
  for (int64_t i = 0; i < out.size(); ++i)
    out[i] = low + static_cast<int32_t>(
                       philox.below(static_cast<uint64_t>(i), static_cast<uint64_t>(high - low)));
  return out;
}

template <typename T>
Tensor<double> to_double(const View<T>& x) {
  Tensor<double> out(x.shape());
  std::copy(x.begin(), x.end(), out.begin());
  return out;
}

template <typename T>
Tensor<T> copy(const Tensor<T>& x) {
  Tensor<T> out(x.shape());
  std::copy(x.begin(), x.end(), out.begin());
  return out;
}

// The largest difference, as a share of the largest value wanted; infinity for NaN.
template <typename T, typename U>
double max_error(const View<T>& got, const View<U>& want) {
  if (got.size() != want.size()) return std::numeric_limits<double>::infinity();
  double largest = 1e-30, difference = 0;
  for (int64_t i = 0; i < got.size(); ++i) {
    const double g = static_cast<double>(got[i]), w = static_cast<double>(want[i]);
    if (std::isnan(g) != std::isnan(w)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(w));
    difference = std::max(difference, std::abs(g - w));
  }
  return difference / largest;
}

// test() under each instruction set this machine has; the best one is left in force.
template <typename Test>
void on_each_isa(Test&& test) {
  for (const std::string& isa : available_isas()) {
    SCOPED_TRACE(isa);
    force_isa(isa);
    test();
  }
}

#define PARLEY_EXPECT_CLOSE(got, want, tolerance) \
  EXPECT_LE(::parley::kernels::testing::max_error(got, want), tolerance)

}  // namespace parley::kernels::testing

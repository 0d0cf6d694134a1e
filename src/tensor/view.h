// View: a pointer and a shape. Row-major, contiguous, owns nothing, no arithmetic.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "base/error.h"

namespace parley::tensor {

// Up to four dimensions. The empty shape has one element.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  constexpr Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    PARLEY_CHECK(dims.size() <= kMaxRank, "rank {}", dims.size());
    for (const int64_t d : dims) dims_[static_cast<size_t>(rank_++)] = d;
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= (*this)[i];
    return n;
  }
  bool operator==(const Shape&) const = default;

  // The shape without its first dimension.
  Shape inner() const {
    Shape s;
    for (int i = 1; i < rank_; ++i) s.dims_[static_cast<size_t>(s.rank_++)] = (*this)[i];
    return s;
  }
  void append(int64_t dim) {
    PARLEY_CHECK(rank_ < kMaxRank, "rank {}", rank_);
    dims_[static_cast<size_t>(rank_++)] = dim;
  }
  // "(2, 3)"
  std::string str() const {
    std::string out = "(";
    for (int i = 0; i < rank_; ++i) out += (i ? ", " : "") + std::to_string((*this)[i]);
    return out + ")";
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

template <typename T>
class View {
 public:
  View() = default;
  View(T* data, Shape shape) : data_(data), shape_(shape) {}
  // A View<float> is also a View<const float>.
  operator View<const T>() const requires(!std::is_const_v<T>) { return {data_, shape_}; }

  T* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  int64_t dim(int i) const { return shape_[i]; }
  int64_t size() const { return data_ ? shape_.size() : 0; }
  // No data: an absent optional tensor (a bias, say).
  bool empty() const { return data_ == nullptr; }
  explicit operator bool() const { return data_ != nullptr; }

  T& operator[](int64_t i) const { return data_[i]; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size(); }

  // The i-th slice along the first dimension.
  View row(int64_t i) const {
    const Shape inner = shape_.inner();
    return {data_ + i * inner.size(), inner};
  }
  // Rows [begin, end) along the first dimension.
  View rows(int64_t begin, int64_t end) const {
    PARLEY_CHECK(begin >= 0 && begin <= end && end <= shape_[0], "rows {}..{} of {}", begin, end,
                 shape_.str());
    const Shape inner = shape_.inner();
    Shape s{end - begin};
    for (int i = 0; i < inner.rank(); ++i) s.append(inner[i]);
    return {data_ + begin * inner.size(), s};
  }
  // The same elements under another shape of the same size.
  View reshape(Shape shape) const {
    PARLEY_CHECK(shape.size() == shape_.size(), "{} as {}", shape_.str(), shape.str());
    return {data_, shape};
  }

 private:
  T* data_ = nullptr;
  Shape shape_;
};

using F32 = View<float>;
using ConstF32 = View<const float>;
using I32 = View<int32_t>;
using ConstI32 = View<const int32_t>;

}  // namespace parley::tensor

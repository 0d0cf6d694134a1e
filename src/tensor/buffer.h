// Owned storage: aligned, page-backed, zeroed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/view.h"

namespace parley::tensor {

// A zeroed allocation aligned to 64 bytes (large ones on huge pages, which spares
// TLB misses on weight-sized arrays). Pages are touched on first use only.
class Storage {
 public:
  Storage() = default;
  explicit Storage(size_t bytes);
  ~Storage();
  Storage(Storage&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Storage& operator=(Storage&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// A tensor that owns its elements (zeroed).
template <typename T>
class Tensor : public View<T> {
 public:
  Tensor() = default;
  explicit Tensor(Shape shape)
      : Tensor(Storage(static_cast<size_t>(shape.size()) * sizeof(T)), shape) {}

 private:
  Tensor(Storage storage, Shape shape)
      : View<T>(static_cast<T*>(storage.data()), shape), storage_(std::move(storage)) {}
  Storage storage_;
};

// Hands out views from one allocation whose size was computed beforehand (the sum
// of bytes_for over what will be taken).
class Arena {
 public:
  static constexpr size_t kAlign = 64;
  // Bytes that `count` elements of T take in an arena.
  template <typename T>
  static size_t bytes_for(int64_t count) {
    return (static_cast<size_t>(count) * sizeof(T) + kAlign - 1) / kAlign * kAlign;
  }

  Arena() = default;
  explicit Arena(size_t bytes) : storage_(bytes) {}

  template <typename T>
  View<T> take(Shape shape) {
    const size_t bytes = bytes_for<T>(shape.size());
    PARLEY_CHECK(used_ + bytes <= storage_.bytes(), "arena of {} bytes, {} used, {} wanted",
                 storage_.bytes(), used_, bytes);
    auto* data = reinterpret_cast<T*>(static_cast<std::byte*>(storage_.data()) + used_);
    used_ += bytes;
    return {data, shape};
  }
  // Everything taken may be taken again.
  void reset() { used_ = 0; }
  size_t used() const { return used_; }
  size_t bytes() const { return storage_.bytes(); }

 private:
  Storage storage_;
  size_t used_ = 0;
};

}  // namespace parley::tensor

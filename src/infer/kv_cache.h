// The keys and values of one sequence's past, for every layer.
#pragma once

#include <cstdint>
#include <vector>

#include "model/forward.h"

namespace parley::infer {

using tensor::Tensor;

// f32, contiguous per layer. Memory follows the sequence: capacity grows by doubling, in
// blocks of positions, up to the model's context, and goes with the object.
class KvCache {
 public:
  static constexpr int64_t kBlock = 64;  // positions

  explicit KvCache(const model::ModelConfig& config);

  // Positions that hold keys and values, and positions there is room for.
  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  size_t bytes() const;

  // Makes room for `positions`, keeping what is held. At most the context T.
  void reserve(int64_t positions);
  // The model has written up to `positions` (or the tail is to be forgotten).
  void set_length(int64_t positions);
  // Forgets everything and frees the memory.
  void release();

  // Keys and values of layer l: two views (capacity, NKV·HS).
  model::KvView layer(int64_t l) const;

 private:
  int64_t layers_, width_, context_;  // L, NKV·HS, T
  int64_t length_ = 0, capacity_ = 0;
  Tensor<float> data_;  // (L, 2, capacity, NKV·HS)
};

}  // namespace parley::infer

#include "infer/kv_cache.h"

#include <algorithm>

namespace parley::infer {

KvCache::KvCache(const model::ModelConfig& config)
    : layers_(config.L), width_(config.NKV * config.HS), context_(config.T) {}

size_t KvCache::bytes() const { return static_cast<size_t>(data_.size()) * sizeof(float); }

void KvCache::reserve(int64_t positions) {
  PARLEY_CHECK(positions >= 0 && positions <= context_, "{} positions, context {}", positions,
               context_);
  if (positions <= capacity_) return;
  // Doubling keeps the copying linear in the final length.
  const int64_t wanted = std::max(positions, 2 * capacity_);
  const int64_t capacity = std::min(context_, (wanted + kBlock - 1) / kBlock * kBlock);
  Tensor<float> grown({layers_, 2, capacity, width_});
  for (int64_t slab = 0; slab < 2 * layers_; ++slab)
    std::copy_n(data_.data() + slab * capacity_ * width_, length_ * width_,
                grown.data() + slab * capacity * width_);
  data_ = std::move(grown);
  capacity_ = capacity;
}

void KvCache::set_length(int64_t positions) {
  PARLEY_CHECK(positions >= 0 && positions <= capacity_, "{} positions, capacity {}", positions,
               capacity_);
  length_ = positions;
}

void KvCache::release() {
  data_ = {};
  length_ = capacity_ = 0;
}

model::KvView KvCache::layer(int64_t l) const {
  PARLEY_CHECK(l >= 0 && l < layers_, "layer {} of {}", l, layers_);
  const int64_t slab = capacity_ * width_;
  float* keys = data_.data() + 2 * l * slab;
  return {{keys, {capacity_, width_}}, {keys + slab, {capacity_, width_}}};
}

}  // namespace parley::infer

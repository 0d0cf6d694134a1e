// The memory of keys and values: blocks of 64 positions, for every layer.
#pragma once

#include <cstdint>

#include "kernels/attention_paged.h"
#include "model/config.h"
#include "tensor/buffer.h"

namespace parley::model {

using kernels::kKvBlock;
using kernels::KvFormat;

// Blocks by number; who uses which is the scheduler's business. Memory is touched when a
// block is first written.
class KvPool {
 public:
  KvPool(const ModelConfig& config, KvFormat format, int64_t blocks);

  // Bytes of one block, all layers.
  static size_t block_bytes(const ModelConfig& config, KvFormat format);

  KvFormat format() const { return format_; }
  int64_t blocks() const { return blocks_; }
  // Layer l's part of block b.
  std::byte* layer(int64_t block, int64_t l) const {
    return static_cast<std::byte*>(data_.data()) +
           static_cast<size_t>(block * layers_ + l) * layer_bytes_;
  }

 private:
  KvFormat format_;
  int64_t blocks_, layers_;
  size_t layer_bytes_;
  tensor::Storage data_;  // (blocks, L, layer_bytes)
};

}  // namespace parley::model

#include "model/kv_pool.h"

#include "base/error.h"

namespace parley::model {

KvPool::KvPool(const ModelConfig& config, KvFormat format, int64_t blocks)
    : format_(format),
      blocks_(blocks),
      layers_(config.L),
      layer_bytes_(kernels::kv_block_bytes(format, config.NKV, config.HS)) {
  PARLEY_CHECK(blocks > 0, "a pool of {} blocks", blocks);
  data_ = tensor::Storage(static_cast<size_t>(blocks * layers_) * layer_bytes_);
}

size_t KvPool::block_bytes(const ModelConfig& config, KvFormat format) {
  return static_cast<size_t>(config.L) * kernels::kv_block_bytes(format, config.NKV, config.HS);
}

}  // namespace parley::model

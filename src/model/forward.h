// Inference forward: new tokens of several sequences at once, against their KV caches.
#pragma once

#include <functional>
#include <span>

#include "model/block.h"

namespace parley::model {

// Tokens [begin, begin + count) of the batch continue sequence `cache`, which holds
// `past` tokens already.
struct Span {
  int64_t begin, count;
  int64_t past;
  int64_t cache;
};

// Where layer l of one sequence keeps its keys and values, (capacity, NKV·HS) each.
struct KvView {
  F32 keys, values;
};
using KvLookup = std::function<KvView(int64_t cache, int64_t layer)>;

// The scratch of a forward pass; grows to the largest batch seen.
class InferState {
 public:
  explicit InferState(const ModelConfig& config);

  // Runs the tokens through the model and writes their keys and values at rows
  // [past, past + count) of the caches. Returns logits (R, V) of the tokens named by
  // `logit_rows`, in that order, valid until the next call.
  ConstF32 forward(const Weights& weights, std::span<const int32_t> tokens,
                   std::span<const Span> spans, std::span<const int64_t> logit_rows,
                   const KvLookup& kv);

 private:
  void reserve(int64_t N, int64_t R);

  ModelConfig config_;
  kernels::RopeTable rope_;
  int64_t max_tokens_ = 0, max_rows_ = 0;
  tensor::Tensor<float> x_[2];                    // (max N, C): a block's input and output, in turn
  tensor::Tensor<float> rows_, hidden_, logits_;  // (max R, C), (max R, C), (max R, V)
  tensor::Tensor<float> mean_, rstd_;             // (max R)
  tensor::Tensor<int32_t> positions_;             // (max N)
  tensor::Arena arena_;                           // one block's activations
};

}  // namespace parley::model

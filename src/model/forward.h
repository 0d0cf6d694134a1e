// Inference forward: new tokens of several sequences at once, against the KV cache.
#pragma once

#include <span>

#include "model/block.h"
#include "model/infer_weights.h"
#include "model/kv_pool.h"

namespace parley::model {

// Tokens [begin, begin + count) of the batch continue a sequence that holds `past` tokens
// already, in the blocks of the pool that `blocks` names: position p is in blocks[p / 64].
// They have room for past + count positions.
struct Span {
  int64_t begin, count;
  int64_t past;
  std::span<const int32_t> blocks;
};

// The scratch of a forward pass; grows to the largest batch seen.
class InferState {
 public:
  explicit InferState(const ModelConfig& config);

  // Runs the tokens through the model and writes their keys and values at positions
  // [past, past + count) of the pool. Returns logits (R, V) of the tokens named by
  // `logit_rows`, in that order, valid until the next call. In every precision but f32 a
  // token's logits do not depend on the rest of the batch, to the last bit.
  ConstF32 forward(const InferWeights& weights, std::span<const int32_t> tokens,
                   std::span<const Span> spans, std::span<const int64_t> logit_rows,
                   const KvPool& kv);

  // The final hidden states (count, C) of tokens [begin, begin + count) of the last forward():
  // what the output matrix would have read. Valid until the next call of either; logits stay.
  ConstF32 hidden(const InferWeights& weights, int64_t begin, int64_t count);

 private:
  void reserve(int64_t N, int64_t R);
  void reserve_rows(int64_t R);
  ConstF32 final_norm(const InferWeights& weights, ConstF32 rows);
  // The spans as attention over layer l sees them; valid until the next call.
  std::span<const kernels::PagedSequence> layer_sequences(std::span<const Span> spans,
                                                          const KvPool& kv, int64_t l);

  ModelConfig config_;
  kernels::RopeTable rope_;
  int64_t max_tokens_ = 0, max_rows_ = 0, max_logits_ = 0;
  tensor::Tensor<float> x_[2];                    // (max N, C): a block's input and output, in turn
  ConstF32 last_;                                 // (N, C): what the last block gave
  tensor::Tensor<float> rows_, hidden_, logits_;  // (max R, C), (max R, C), (max logits, V)
  tensor::Tensor<float> mean_, rstd_;             // (max R)
  tensor::Tensor<int32_t> positions_;             // (max N)
  tensor::Arena arena_;                           // one block's activations
  std::vector<std::byte*> parts_;                 // the spans' blocks, one after the other
  std::vector<kernels::PagedSequence> sequences_;
};

}  // namespace parley::model

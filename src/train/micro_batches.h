// Training passes over sequences of different lengths, packed into micro-batches: what SFT and
// DPO share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "model/lora.h"
#include "model/packed_batch.h"
#include "model/token_head.h"

namespace parley::train {

// Packs the sequences into rows of T tokens, the longest first, each into the first row with
// room (first-fit decreasing), and cuts the rows into batches of max_rows rows and, for the rest,
// of smaller powers of two: hardly a row is empty. max_rows is a power of two; no sequence is
// longer than T.
std::vector<model::PackedBatch> pack_rows(std::span<const std::vector<int32_t>> sequences,
                                          int64_t max_rows, int64_t T);

// The same for sequences of which some have to be in one batch: all batches have the same number
// of rows, the power of two up to max_rows that leaves the least padding. Every group fits into
// max_rows rows (model::fits).
std::vector<model::PackedBatch> pack_groups(std::span<const std::vector<int32_t>> sequences,
                                            std::span<const model::Group> groups, int64_t max_rows,
                                            int64_t T);

// Rows of a micro-batch for a model of this size: enough tokens to keep the matrix products busy,
// a power of two.
int64_t micro_batch_rows(const model::ModelConfig& config, int64_t T);

// Floating-point operations of a training pass over a batch, its padding not counted: every
// token through the blocks, those with a target through the output layer.
double training_flops(const model::ModelConfig& config, const model::PackedBatch& batch);

// Forward and backward over such batches. What B rows need is made when a batch of B rows comes.
class PackedPasses {
 public:
  // Error when T is beyond the model's context.
  PackedPasses(const model::ModelConfig& config, int64_t T);

  // log p of each target, (N), 0 where there is none; valid until the next call.
  tensor::ConstF32 logprobs(const model::Weights& weights, const model::PackedBatch& batch,
                            const model::LoraWeights* lora = nullptr);

  // The gradient of a loss that is a function of the targets' log-probabilities, written to
  // `grads`, or added when accumulate. Returns them as logprobs() does.
  tensor::ConstF32 gradient(const model::Weights& weights, model::Weights& grads,
                            const model::PackedBatch& batch,
                            const model::TokenHead::Gradient& gradient, bool accumulate);

  // The same for adapters of frozen weights; `grads` are the adapters'.
  tensor::ConstF32 gradient_lora(const model::Weights& weights, const model::LoraWeights& lora,
                                 model::LoraWeights& grads, const model::PackedBatch& batch,
                                 const model::TokenHead::Gradient& gradient, bool accumulate);

  // The same for a loss that has to see all log-probabilities of the batch first.
  using MakeGradient = std::function<model::TokenHead::Gradient(tensor::ConstF32 logprobs)>;
  tensor::ConstF32 gradient_of_all(const model::Weights& weights, model::Weights& grads,
                                   const model::PackedBatch& batch, const MakeGradient& make,
                                   bool accumulate);

 private:
  struct Pass;
  Pass& pass(const model::PackedBatch& batch);

  model::ModelConfig config_;
  int64_t T_;
  std::map<int64_t, std::shared_ptr<Pass>> passes_;  // by rows
};

}  // namespace parley::train

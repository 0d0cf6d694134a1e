#include "train/micro_batches.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/error.h"

namespace parley::train {
namespace {

using model::PackedBatch;
using tensor::ConstF32;
using tensor::ConstI32;
using tensor::F32;
using tensor::Shape;

// Rows [first, first + count) of a batch, with the sequences in them.
PackedBatch rows_of(const PackedBatch& batch, int64_t first, int64_t count) {
  PackedBatch part(count, batch.T);
  const int64_t begin = first * batch.T, end = (first + count) * batch.T;
  const auto cut = [&](const std::vector<int32_t>& from, std::vector<int32_t>& to) {
    to.assign(from.begin() + begin, from.begin() + end);
  };
  cut(batch.tokens, part.tokens);
  cut(batch.targets, part.targets);
  cut(batch.positions, part.positions);
  cut(batch.first_key, part.first_key);
  for (const model::Place& place : batch.places)
    if (place.begin >= begin && place.begin < end)
      part.places.push_back({place.sequence, place.begin - begin, place.count});
  return part;
}

ConstI32 flat_targets(const PackedBatch& batch) {
  return {batch.targets.data(), Shape{batch.B * batch.T}};
}

}  // namespace

std::vector<PackedBatch> pack_rows(std::span<const std::vector<int32_t>> sequences,
                                   int64_t max_rows, int64_t T) {
  PARLEY_CHECK(std::has_single_bit(static_cast<uint64_t>(max_rows)), "max_rows {}", max_rows);
  if (sequences.empty()) return {};
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sequences[a].size() > sequences[b].size(); });
  std::vector<model::Group> groups;
  for (const size_t i : order) groups.push_back({i});
  // One batch with a row for each sequence takes them all.
  const std::vector<PackedBatch> packed = model::pack(sequences, std::ssize(sequences), T, groups);
  PARLEY_CHECK(packed.size() == 1, "{} batches", packed.size());
  int64_t rows = 0;
  for (const model::Place& place : packed[0].places) rows = std::max(rows, place.begin / T + 1);

  std::vector<PackedBatch> batches;
  for (int64_t first = 0; first < rows;) {
    const int64_t left = rows - first;
    const int64_t count =
        std::min(max_rows, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(left))));
    batches.push_back(rows_of(packed[0], first, count));
    first += count;
  }
  return batches;
}

std::vector<PackedBatch> pack_groups(std::span<const std::vector<int32_t>> sequences,
                                     std::span<const model::Group> groups, int64_t max_rows,
                                     int64_t T) {
  PARLEY_CHECK(std::has_single_bit(static_cast<uint64_t>(max_rows)), "max_rows {}", max_rows);
  std::vector<PackedBatch> best;
  for (int64_t rows = max_rows; rows >= 1; rows /= 2) {
    const bool fit = std::ranges::all_of(groups, [&](const model::Group& group) {
      std::vector<int64_t> lengths;
      for (const size_t i : group) lengths.push_back(std::ssize(sequences[i]));
      return model::fits(lengths, rows, T);
    });
    if (!fit) break;
    std::vector<PackedBatch> batches = model::pack(sequences, rows, T, groups);
    if (best.empty() || std::ssize(batches) * rows < std::ssize(best) * best[0].B)
      best = std::move(batches);
  }
  PARLEY_CHECK(groups.empty() || !best.empty(), "a group does not fit {} rows of {} tokens",
               max_rows, T);
  return best;
}

int64_t micro_batch_rows(const model::ModelConfig& config, int64_t T) {
  const bool small = model::count_matmul_parameters(config) < 50'000'000;
  const int64_t rows = std::max<int64_t>(1, (small ? 4096 : 2048) / T);
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(rows)));
}

double training_flops(const model::ModelConfig& config, const PackedBatch& batch) {
  const double head = 6.0 * static_cast<double>(config.V * config.C);  // of one token
  const auto targets = std::ranges::count_if(batch.targets, [](int32_t t) { return t >= 0; });
  double flops = head * static_cast<double>(targets);
  for (const model::Place& place : batch.places)
    flops += (model::train_flops_per_token(config, place.count) - head) *
             static_cast<double>(place.count);
  return flops;
}

struct PackedPasses::Pass {
  model::TrainState state;
  model::TokenHead head;
  tensor::Tensor<float> logprobs;  // (N)
  tensor::Tensor<float> dhidden;   // (N, C)

  Pass(const model::ModelConfig& config, int64_t B, int64_t T)
      : state(config, {.B = B, .T = T}),
        head(config, B * T),
        logprobs(Shape{B * T}),
        dhidden(Shape{B * T, config.C}) {}
};

PackedPasses::PackedPasses(const model::ModelConfig& config, int64_t T) : config_(config), T_(T) {
  if (T > config.T)
    base::fail("a context of {} tokens is beyond the model's of {}; choose a smaller one", T,
               config.T);
}

PackedPasses::Pass& PackedPasses::pass(const PackedBatch& batch) {
  PARLEY_CHECK(batch.T == T_, "rows of {} tokens, expected {}", batch.T, T_);
  std::shared_ptr<Pass>& pass = passes_[batch.B];
  if (!pass) pass = std::make_shared<Pass>(config_, batch.B, T_);
  return *pass;
}

ConstF32 PackedPasses::logprobs(const model::Weights& weights, const PackedBatch& batch,
                                const model::LoraWeights* lora) {
  Pass& p = pass(batch);
  const F32 hidden = p.state.forward(weights, batch.views(), lora);  // (N, C)
  p.head.forward(p.logprobs, {}, hidden, weights.lm_head, flat_targets(batch));
  return p.logprobs;
}

ConstF32 PackedPasses::gradient(const model::Weights& weights, model::Weights& grads,
                                const PackedBatch& batch,
                                const model::TokenHead::Gradient& gradient, bool accumulate) {
  Pass& p = pass(batch);
  const model::Batch views = batch.views();
  const F32 hidden = p.state.forward(weights, views);  // (N, C)
  p.head.backward(p.logprobs, {}, p.dhidden, grads.lm_head, hidden, weights.lm_head,
                  flat_targets(batch), gradient, accumulate);
  p.state.backward(p.dhidden, weights, grads, views, accumulate);
  return p.logprobs;
}

ConstF32 PackedPasses::gradient_lora(const model::Weights& weights, const model::LoraWeights& lora,
                                     model::LoraWeights& grads, const PackedBatch& batch,
                                     const model::TokenHead::Gradient& gradient, bool accumulate) {
  Pass& p = pass(batch);
  const model::Batch views = batch.views();
  const F32 hidden = p.state.forward(weights, views, &lora);  // (N, C)
  p.head.backward(p.logprobs, {}, p.dhidden, /*dlm_head=*/{}, hidden, weights.lm_head,
                  flat_targets(batch), gradient, accumulate);
  p.state.backward_lora(p.dhidden, weights, lora, grads, views, accumulate);
  return p.logprobs;
}

ConstF32 PackedPasses::gradient_of_all(const model::Weights& weights, model::Weights& grads,
                                       const PackedBatch& batch, const MakeGradient& make,
                                       bool accumulate) {
  Pass& p = pass(batch);
  const model::Batch views = batch.views();
  const F32 hidden = p.state.forward(weights, views);  // (N, C)
  p.head.forward(p.logprobs, {}, hidden, weights.lm_head, flat_targets(batch));
  const model::TokenHead::Gradient gradient = make(p.logprobs);
  p.head.backward(p.logprobs, {}, p.dhidden, grads.lm_head, hidden, weights.lm_head,
                  flat_targets(batch), gradient, accumulate);
  p.state.backward(p.dhidden, weights, grads, views, accumulate);
  return p.logprobs;
}

}  // namespace parley::train

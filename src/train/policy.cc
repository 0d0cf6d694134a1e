#include "train/policy.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace parley::train {
namespace {

using tensor::ConstI32;
using tensor::Shape;

ConstI32 flat_targets(const model::PackedBatch& batch) {
  return {batch.targets.data(), Shape{batch.B * batch.T}};
}

// Calls fn(n, episode, t) for each answer token: n is where the state before it lies.
template <typename Fn>
void for_answers(const EpisodeBatch& batch, std::span<const Episode> episodes, Fn&& fn) {
  for (const model::Place& place : batch.packed.places) {
    const Episode& episode = episodes[place.sequence];
    for (int64_t t = 0; t < episode.answer_tokens(); ++t)
      fn(place.begin + episode.prompt_tokens - 1 + t, place.sequence, static_cast<size_t>(t));
  }
}

int64_t count_answers(std::span<const EpisodeBatch> batches, std::span<const Episode> episodes) {
  int64_t tokens = 0;
  for (const EpisodeBatch& batch : batches)
    for (const model::Place& place : batch.packed.places)
      tokens += episodes[place.sequence].answer_tokens();
  return tokens;
}

}  // namespace

std::vector<EpisodeBatch> pack_episodes(std::span<const Episode> episodes, int64_t B, int64_t T) {
  std::vector<std::vector<int32_t>> sequences;
  for (const Episode& episode : episodes) sequences.push_back(episode.tokens);
  std::vector<EpisodeBatch> batches;
  for (model::PackedBatch& packed : model::pack(sequences, B, T)) {
    for (const model::Place& place : packed.places) {
      // A prompt's own tokens are not predicted.
      const auto begin = packed.targets.begin() + place.begin;
      std::fill(begin, begin + episodes[place.sequence].prompt_tokens - 1, -1);
    }
    batches.push_back({std::move(packed)});
  }
  return batches;
}

double update_flops(const model::ModelConfig& config, std::span<const EpisodeBatch> batches,
                    std::span<const Episode> episodes) {
  model::ModelConfig body = config;
  body.score_head = true;  // counted without the output matrix
  double flops = 6.0 * static_cast<double>(config.V * config.C) *
                 static_cast<double>(config.score_head ? 0 : count_answers(batches, episodes));
  for (const EpisodeBatch& batch : batches)
    for (const model::Place& place : batch.packed.places)
      flops += model::train_flops_per_token(body, place.count) * static_cast<double>(place.count);
  return flops;
}

Policy::Policy(const model::ModelConfig& config, int64_t B, int64_t T)
    : config_(config),
      B_(B),
      T_(T),
      state_(config, {.B = B, .T = T}),
      head_(config, B * T),
      logprobs_(Shape{B * T}),
      entropies_(Shape{B * T}),
      dhidden_(Shape{B * T, config.C}) {}

void Policy::logprobs(const model::Weights& weights, std::span<const EpisodeBatch> batches,
                      std::span<const Episode> episodes, double temperature,
                      std::vector<std::vector<float>>& out, double* entropy) {
  out.resize(episodes.size());
  double sum = 0;
  for (const EpisodeBatch& batch : batches) {
    const F32 hidden = state_.forward(weights, batch.packed.views());  // (N, C)
    head_.forward(logprobs_, entropy ? F32(entropies_) : F32(), hidden, weights.lm_head,
                  flat_targets(batch.packed), static_cast<float>(temperature));
    for (const model::Place& place : batch.packed.places)
      out[place.sequence].resize(static_cast<size_t>(episodes[place.sequence].answer_tokens()));
    for_answers(batch, episodes, [&](int64_t n, size_t i, size_t t) {
      out[i][t] = logprobs_[n];
      if (entropy) sum += static_cast<double>(entropies_[n]);
    });
  }
  if (entropy)
    *entropy = sum / static_cast<double>(std::max<int64_t>(1, count_answers(batches, episodes)));
}

PolicyStats Policy::gradient(const model::Weights& weights, model::Weights& grads,
                             std::span<const EpisodeBatch> batches,
                             std::span<const Episode> episodes,
                             std::span<const AnswerTokens> answers, const PolicyUpdate& update) {
  PolicyStats stats;
  stats.tokens = count_answers(batches, episodes);
  const double share = 1 / static_cast<double>(std::max<int64_t>(1, stats.tokens));
  // What the loss needs of each token of the batch, by its place n.
  std::vector<float> old(static_cast<size_t>(B_ * T_)), advantage(old.size()), ref(old.size());
  bool accumulate = false;
  for (const EpisodeBatch& batch : batches) {
    for_answers(batch, episodes, [&](int64_t n, size_t i, size_t t) {
      const auto at = static_cast<size_t>(n);
      old[at] = answers[i].logprobs[t];
      advantage[at] = answers[i].advantages[t];
      if (update.kl_in_loss > 0) ref[at] = answers[i].ref_logprobs[t];
    });
    const auto token_gradient = [&](int64_t n, float logprob) {
      const auto at = static_cast<size_t>(n);
      const auto lp = static_cast<double>(logprob), before = static_cast<double>(old[at]);
      const PolicyLoss token =
          policy_loss(lp, before, static_cast<double>(advantage[at]), update.clip);
      stats.loss += share * token.loss;
      stats.ratio_mean += share * token.ratio;
      stats.ratio_max = std::max(stats.ratio_max, token.ratio);
      stats.clip_fraction += token.clipped ? share : 0;
      stats.approx_kl += share * (token.ratio - 1 - (lp - before));
      double dlogprob = token.dlogprob;
      if (update.kl_in_loss > 0) {
        const double d = lp - static_cast<double>(ref[at]);
        stats.loss += share * update.kl_in_loss * (std::expm1(-d) + d);
        dlogprob += update.kl_in_loss * -std::expm1(-d);
      }
      return static_cast<float>(share * dlogprob);
    };
    const model::Batch views = batch.packed.views();
    const F32 hidden = state_.forward(weights, views);  // (N, C)
    head_.backward(logprobs_, {}, dhidden_, grads.lm_head, hidden, weights.lm_head,
                   flat_targets(batch.packed), token_gradient, accumulate,
                   static_cast<float>(update.temperature));
    state_.backward(dhidden_, weights, grads, views, accumulate);
    accumulate = true;
  }
  return stats;
}

double Policy::add_text_gradient(const model::Weights& weights, model::Weights& grads,
                                 const model::Batch& batch, double coefficient) {
  return state_.forward_backward(weights, grads, batch, /*accumulate=*/true,
                                 static_cast<float>(coefficient));
}

ValueFunction::ValueFunction(const model::ModelConfig& config, int64_t B, int64_t T)
    : config_(config),
      state_(config, {.B = B, .T = T}),
      values_(Shape{B * T}),
      dvalues_(Shape{B * T}),
      dhidden_(Shape{B * T, config.C}) {}

void ValueFunction::values(const model::Weights& weights, std::span<const EpisodeBatch> batches,
                           std::span<const Episode> episodes, std::span<AnswerTokens> answers) {
  for (const EpisodeBatch& batch : batches) {
    model::score_forward(values_, state_.forward(weights, batch.packed.views()), weights.score,
                         config_.score_bias);
    for (const model::Place& place : batch.packed.places)
      answers[place.sequence].values.resize(
          static_cast<size_t>(episodes[place.sequence].answer_tokens()));
    for_answers(batch, episodes,
                [&](int64_t n, size_t i, size_t t) { answers[i].values[t] = values_[n]; });
  }
}

ValueFunction::Stats ValueFunction::gradient(const model::Weights& weights, model::Weights& grads,
                                             std::span<const EpisodeBatch> batches,
                                             std::span<const Episode> episodes,
                                             std::span<const AnswerTokens> answers, double clip) {
  Stats stats;
  const double share =
      1 / static_cast<double>(std::max<int64_t>(1, count_answers(batches, episodes)));
  bool accumulate = false;
  for (const EpisodeBatch& batch : batches) {
    const model::Batch views = batch.packed.views();
    const F32 hidden = state_.forward(weights, views);  // (N, C)
    model::score_forward(values_, hidden, weights.score, config_.score_bias);
    std::ranges::fill(dvalues_, 0.0f);
    for_answers(batch, episodes, [&](int64_t n, size_t i, size_t t) {
      const ValueLoss token =
          value_loss(static_cast<double>(values_[n]), static_cast<double>(answers[i].values[t]),
                     static_cast<double>(answers[i].returns[t]), clip);
      stats.loss += share * token.loss;
      stats.clip_fraction += token.clipped ? share : 0;
      dvalues_[n] = static_cast<float>(share * token.dvalue);
    });
    if (!accumulate) std::ranges::fill(grads.wte, 0.0f);  // backward() adds to it
    model::score_backward(dhidden_, grads.score, dvalues_, hidden, weights.score, accumulate);
    state_.backward(dhidden_, weights, grads, views, accumulate);
    accumulate = true;
  }
  return stats;
}

}  // namespace parley::train

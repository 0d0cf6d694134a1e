#include "infer/speculation.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"

namespace parley::infer {

void look_up(std::span<const int32_t> tokens, int64_t ngram, int64_t count,
             std::vector<int32_t>& drafts) {
  const auto size = static_cast<int64_t>(tokens.size());
  const auto at = [&](int64_t i) { return tokens[static_cast<size_t>(i)]; };
  int64_t best = 0, from = 0;  // length of the longest match, and what followed it
  for (int64_t end = size - 1; end > 0 && best < ngram; --end) {
    if (at(end - 1) != at(size - 1)) continue;
    int64_t length = 1;
    while (length < std::min(ngram, end) && at(end - 1 - length) == at(size - 1 - length)) ++length;
    if (length > best) best = length, from = end;
  }
  if (best == 0) return;
  for (int64_t i = from; i < std::min(size, from + count); ++i) drafts.push_back(at(i));
}

DraftModel::DraftModel(const SpeculativeOptions& options, int64_t V, model::KvFormat format)
    : config_(*options.draft_config),
      weights_(*options.draft_weights),
      blocks_((options.max_decoding + 1) * BlockManager::blocks_for(config_.T)),
      pool_(config_, format, (options.max_decoding + 1) * BlockManager::blocks_for(config_.T)),
      state_(config_) {
  if (config_.V != V)
    base::fail("the draft model has {} tokens, the model {}; both must have the same tokenizer",
               config_.V, V);
}

void DraftModel::release(Sequence& sequence) {
  if (std::erase(holders_, &sequence) > 0) sequence.draft_kv.release(blocks_);
}

void DraftModel::forget() {
  while (!holders_.empty()) release(*holders_.back());
  blocks_.reset();
}

void DraftModel::propose(std::span<Sequence* const> sequences, std::span<const int64_t> wanted) {
  for (size_t i = holders_.size(); i-- > 0;)
    if (std::ranges::find(sequences, holders_[i]) == sequences.end()) release(*holders_[i]);

  proposers_.clear();
  for (size_t i = 0; i < sequences.size(); ++i) {
    Sequence& sequence = *sequences[i];
    const auto size = static_cast<int64_t>(sequence.tokens.size());
    // Its last proposal is never read.
    const int64_t count = std::min(wanted[i], config_.T - size + 1);
    if (count <= 0) continue;
    KvState& kv = sequence.draft_kv;
    const bool cached = sequence.request.use_cache;
    if (std::ranges::find(holders_, &sequence) == holders_.end()) {
      holders_.push_back(&sequence);
      if (cached) kv.adopt(blocks_, std::span(sequence.tokens).first(sequence.tokens.size() - 1));
    }
    kv.computed = std::min(kv.computed, size - 1);  // refused proposals are forgotten
    if (cached) kv.publish(blocks_, sequence.tokens);
    bool room = true;
    while (room &&
           static_cast<int64_t>(kv.blocks.size()) < BlockManager::blocks_for(size + count - 1))
      room = blocks_.allocate(kv.blocks);
    if (room) proposers_.push_back({&sequence, count, true});
  }

  const auto active = [&] {
    return std::ranges::any_of(proposers_, [](const Proposer& p) { return p.active; });
  };
  while (active()) run();
  for (const Proposer& p : proposers_) p.sequence->sampler->rewind(p.sequence->drafts);
}

void DraftModel::run() {
  tokens_.clear();
  spans_.clear();
  logit_rows_.clear();
  choosing_.clear();
  for (Proposer& p : proposers_) {
    if (!p.active) continue;
    const std::vector<int32_t>& known = p.sequence->tokens;
    const std::vector<int32_t>& drafts = p.sequence->drafts;
    KvState& kv = p.sequence->draft_kv;
    const auto begin = static_cast<int64_t>(tokens_.size());
    const auto all = static_cast<int64_t>(known.size() + drafts.size());
    const int64_t count = std::min(kCatchUp, all - kv.computed);
    for (int64_t i = kv.computed; i < kv.computed + count; ++i) {
      const auto place = static_cast<size_t>(i);
      tokens_.push_back(place < known.size() ? known[place] : drafts[place - known.size()]);
    }
    spans_.push_back({begin, count, kv.computed, kv.blocks});
    kv.computed += count;
    if (kv.computed < all) {
      p.active = false;  // the rest in the next steps
    } else {
      logit_rows_.push_back(begin + count - 1);
      choosing_.push_back(&p);
    }
  }
  const tensor::ConstF32 logits = state_.forward(weights_, tokens_, spans_, logit_rows_, pool_);
  base::parallel_for(static_cast<int64_t>(choosing_.size()), [&](int64_t i) {
    Proposer& p = *choosing_[static_cast<size_t>(i)];
    try {
      p.sequence->drafts.push_back(p.sequence->sampler->propose(logits.row(i)));
      p.active = static_cast<int64_t>(p.sequence->drafts.size()) < p.wanted;
    } catch (const base::Error&) {
      p.active = false;  // a broken draft model costs speed only
    }
  });
}

}  // namespace parley::infer

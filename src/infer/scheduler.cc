#include "infer/scheduler.h"

#include <algorithm>

#include "base/error.h"

namespace parley::infer {

void StepPlan::clear() {
  tokens.clear();
  spans.clear();
  logit_rows.clear();
  items.clear();
  decoding = prompt_tokens = 0;
}

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  Sequence* s = sequence.get();
  const uint64_t client = s->request.client;
  sequences_.emplace(s->id, std::move(sequence));
  auto queue = std::ranges::find(clients_, client, &ClientQueue::client);
  if (queue == clients_.end()) queue = clients_.insert(queue, {client, {}});
  queue->sequences.push_back(s);
  ++waiting_;
}

Sequence* Scheduler::find(RequestId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? nullptr : found->second.get();
}

std::vector<RequestId> Scheduler::ids() const {
  std::vector<RequestId> ids;
  for (const auto& [id, sequence] : sequences_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

std::unique_ptr<Sequence> Scheduler::remove(Sequence& sequence) {
  if (sequence.running) {
    std::erase(running_, &sequence);
  } else if (sequence.order > 0) {
    std::erase(preempted_, &sequence);
  } else {
    const auto queue = std::ranges::find(clients_, sequence.request.client, &ClientQueue::client);
    std::erase(queue->sequences, &sequence);
    if (queue->sequences.empty()) clients_.erase(queue);
    --waiting_;
  }
  sequence.running = false;
  sequence.kv.release(blocks_);
  auto node = sequences_.extract(sequence.id);
  return std::move(node.mapped());
}

void Scheduler::admit() {
  const auto full = [&] { return running() >= options_.max_sequences; };
  while (!full() && !preempted_.empty()) {
    if (!start(*preempted_.front())) return;
    preempted_.pop_front();
  }
  for (size_t skipped = 0; !full() && skipped < clients_.size();) {
    ClientQueue queue = std::move(clients_.front());
    clients_.pop_front();
    const auto next =
        std::ranges::find_if(queue.sequences, [&](Sequence* s) { return !awaits_prefix(*s); });
    if (next == queue.sequences.end()) {
      clients_.push_back(std::move(queue));
      ++skipped;
    } else if (!start(**next)) {
      clients_.push_front(std::move(queue));  // nobody overtakes it: it would never fit
      return;
    } else {
      queue.sequences.erase(next);
      --waiting_;
      skipped = 0;
      if (!queue.sequences.empty()) clients_.push_back(std::move(queue));
    }
  }
}

bool Scheduler::awaits_prefix(Sequence& sequence) const {
  const auto computing = [](const Sequence& other) {
    return other.running && other.request.use_cache && other.pending() > 1;
  };
  if (sequence.awaited != 0) {
    const Sequence* other = find(sequence.awaited);
    if (other && computing(*other) && other->kv.published < sequence.awaited_blocks) return true;
    sequence.awaited = 0;
  }
  if (sequence.cacheable() < BlockManager::kBlock) return false;
  const std::span<const int32_t> prefix = sequence.prefix();
  const int64_t matched = blocks_.match(prefix);
  for (const Sequence* other : running_) {
    if (!computing(*other)) continue;
    const auto theirs = std::span(other->tokens).first(static_cast<size_t>(other->target()));
    const auto common = std::ranges::mismatch(prefix, theirs).in1 - prefix.begin();
    const int64_t shared = common / BlockManager::kBlock;
    if (shared <= matched || shared <= other->kv.published) continue;
    sequence.awaited = other->id;
    sequence.awaited_blocks = shared;
    return true;
  }
  return false;
}

bool Scheduler::start(Sequence& sequence) {
  int64_t matched = 0, idle = 0;
  if (sequence.cacheable() >= BlockManager::kBlock) {
    matched = blocks_.match(sequence.prefix());
    idle = blocks_.idle_among(sequence.prefix(), matched);
  }
  // Those who run will each want a block before long.
  const int64_t wanted = BlockManager::blocks_for(sequence.target()) - matched;
  if (wanted + running() > blocks_.available() - idle) return false;

  if (matched > 0) sequence.kv.adopt(blocks_, sequence.prefix());
  const bool got = reserve(sequence, sequence.target());
  PARLEY_CHECK(got, "{} blocks are missing", wanted);
  if (sequence.order == 0) {
    sequence.order = ++admitted_;
    sequence.cached_tokens = sequence.kv.computed;
  }
  sequence.running = true;
  running_.insert(std::ranges::upper_bound(running_, sequence.order, {}, &Sequence::order),
                  &sequence);
  return true;
}

bool Scheduler::reserve(Sequence& sequence, int64_t positions) {
  while (static_cast<int64_t>(sequence.kv.blocks.size()) < BlockManager::blocks_for(positions))
    if (!blocks_.allocate(sequence.kv.blocks)) return false;
  return true;
}

void Scheduler::preempt(Sequence& sequence) {
  std::erase(running_, &sequence);
  sequence.running = false;
  sequence.drafts.clear();
  sequence.kv.release(blocks_);
  preempted_.insert(std::ranges::upper_bound(preempted_, sequence.order, {}, &Sequence::order),
                    &sequence);
  ++sequence.preemptions;
  ++preemptions_;
}

void Scheduler::forget() {
  while (!running_.empty()) preempt(*running_.back());
  for (const auto& [id, sequence] : sequences_) sequence->embedded = 0;
  blocks_.reset();
}

std::span<Sequence* const> Scheduler::secure_decoding() {
  decoding_.clear();
  // Oldest first; the youngest makes room, so those already secured are never taken back.
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence* sequence = running_[i];
    if (!sequence->decoding()) continue;
    while (sequence->running && !reserve(*sequence, sequence->kv.computed + 1))
      preempt(*running_.back());
    if (sequence->running) decoding_.push_back(sequence);
  }
  return decoding_;
}

void Scheduler::add_item(Sequence& sequence, int64_t count, int64_t score_rows, int64_t draw_rows) {
  const auto begin = static_cast<int64_t>(plan_.tokens.size());
  const int64_t past = sequence.kv.computed;
  plan_.items.push_back({&sequence, begin, count, static_cast<int64_t>(plan_.logit_rows.size()),
                         score_rows, draw_rows});
  plan_.spans.push_back({begin, count, past, sequence.kv.blocks});
  // Drafted tokens follow those that are settled.
  const int64_t settled = std::min(count, static_cast<int64_t>(sequence.tokens.size()) - past);
  const auto first = sequence.tokens.begin() + past;
  plan_.tokens.insert(plan_.tokens.end(), first, first + settled);
  plan_.tokens.insert(plan_.tokens.end(), sequence.drafts.begin(),
                      sequence.drafts.begin() + (count - settled));
  if (score_rows > 0) {
    const int64_t offset = std::max(past, sequence.next_score - 1) - past;
    for (int64_t i = 0; i < score_rows; ++i) plan_.logit_rows.push_back(begin + offset + i);
  }
  for (int64_t i = count - draw_rows; i < count; ++i) plan_.logit_rows.push_back(begin + i);
}

const StepPlan& Scheduler::plan(int64_t prompt_budget) {
  plan_.clear();
  prompts_.clear();
  for (Sequence* sequence : running_) {
    if (sequence->decoding()) {
      const int64_t count = 1 + static_cast<int64_t>(sequence->drafts.size());
      add_item(*sequence, count, 0, count);
      ++plan_.decoding;
    } else {
      prompts_.push_back(sequence);
    }
  }

  // Shortest first: what one does not need is divided among the others.
  std::ranges::stable_sort(prompts_, {}, &Sequence::pending);
  int64_t left = prompt_budget;
  int64_t rows = options_.max_rows - static_cast<int64_t>(plan_.logit_rows.size());
  for (size_t i = 0; i < prompts_.size() && left > 0; ++i) {
    Sequence& sequence = *prompts_[i];
    const auto others = static_cast<int64_t>(prompts_.size() - i);
    int64_t count = std::min(sequence.pending(), std::max<int64_t>(1, left / others));
    const int64_t past = sequence.kv.computed;
    int64_t score_rows = 0;
    if (sequence.scores_left()) {
      // Position p predicts token p + 1.
      const int64_t first = std::max(past, sequence.next_score - 1);
      count = std::min(count, first + rows - past);
      score_rows = std::max<int64_t>(0, std::min(past + count, sequence.prompt_tokens - 1) - first);
    }
    if (count <= 0) continue;
    const bool draws = count == sequence.pending() && sequence.request.sampling.max_tokens > 0;
    add_item(sequence, count, score_rows, draws ? 1 : 0);
    rows -= score_rows + (draws ? 1 : 0);
    left -= count;
    plan_.prompt_tokens += count;
  }
  return plan_;
}

}  // namespace parley::infer

// A request on its way through the engine.
#pragma once

#include <optional>
#include <vector>

#include "infer/acceptance.h"
#include "infer/block_manager.h"
#include "infer/request.h"

namespace parley::infer {

// A sequence's place in one KV pool; the model's own and the draft model's are two.
struct KvState {
  std::vector<int32_t> blocks;  // the block table
  int64_t computed = 0;         // positions whose keys and values are there
  int64_t published = 0;        // leading blocks that are in the prefix cache

  // Publishes what has become full: tokens [0, computed) are those of the sequence.
  void publish(BlockManager& manager, std::span<const int32_t> tokens) {
    for (; (published + 1) * BlockManager::kBlock <= computed; ++published)
      manager.publish(blocks, static_cast<size_t>(published),
                      tokens.subspan(static_cast<size_t>(published * BlockManager::kBlock),
                                     size_t{BlockManager::kBlock}));
  }
  // Takes over what the prefix cache has of `tokens`.
  void adopt(BlockManager& manager, std::span<const int32_t> tokens) {
    published = manager.acquire(tokens, blocks);
    computed = published * BlockManager::kBlock;
  }
  void release(BlockManager& manager) {
    manager.release(blocks);
    computed = published = 0;
  }
};

struct Sequence {
  Sequence(RequestId request_id, Request asked, int64_t context)
      : id(request_id),
        request(std::move(asked)),
        tokens(std::move(request.prompt)),
        prompt_tokens(static_cast<int64_t>(tokens.size())),
        T(context),
        next_score(request.score_from) {}

  // Tokens that are to run before a token can be chosen, all scores are known or the embedding
  // is. The last one of a prompt that is only scored never runs.
  int64_t target() const {
    const bool only_scored = request.sampling.max_tokens == 0 && !embeds();
    return static_cast<int64_t>(tokens.size()) - (only_scored ? 1 : 0);
  }
  int64_t pending() const { return target() - kv.computed; }
  // One token to run, and one more to be chosen after it.
  bool decoding() const { return pending() == 1 && request.sampling.max_tokens > 0; }
  bool embeds() const { return static_cast<bool>(request.on_embedding); }
  // With max_tokens 0: nothing is left to be computed.
  bool read() const { return !scores_left() && (!embeds() || embedded == prompt_tokens); }
  bool scores_left() const { return next_score >= 0 && next_score < prompt_tokens; }
  // Positions that the prefix cache may give: what is left has to run for there to be logits or
  // hidden states.
  int64_t cacheable() const {
    if (!request.use_cache) return 0;
    if (embeds()) return std::min(embedded, prompt_tokens - 1);
    return std::min(static_cast<int64_t>(tokens.size()), scores_left() ? next_score : INT64_MAX) -
           1;
  }
  std::span<const int32_t> prefix() const {
    return std::span(tokens).first(static_cast<size_t>(cacheable()));
  }
  // Before the first token is chosen: the tokens are the prompt, so far.
  void make_sampler(int64_t V) {
    sampler.emplace(request.sampling, V, tokens, request.stream, request.constraint.get());
  }
  // Tokens it may still answer.
  int64_t answers_left() const {
    return std::min(request.sampling.max_tokens - answered,
                    T + 1 - static_cast<int64_t>(tokens.size()));
  }

  RequestId id;
  Request request;              // its prompt is in `tokens`
  std::vector<int32_t> tokens;  // the prompt, then the answer
  int64_t prompt_tokens, T;
  int64_t answered = 0;
  int64_t next_score;              // index of the next prompt token to be scored
  std::optional<Sampler> sampler;  // made at admission; kept through preemption
  KvState kv, draft_kv;
  std::vector<double>
      embedding;                // (C): of the first `embedded` tokens, the sum of (i + 1) · hidden
  int64_t embedded = 0;         // kept through preemption
  std::vector<int32_t> drafts;  // proposed for this step
  Acceptance acceptance;        // of its drafts so far

  uint64_t order = 0;  // by first admission; 0: not admitted yet
  bool running = false, ended = false;
  int64_t cached_tokens = 0, preemptions = 0, drafted = 0, accepted = 0;

  // Another sequence that computes blocks this one waits for, and how many of them.
  RequestId awaited = 0;
  int64_t awaited_blocks = 0;
};

}  // namespace parley::infer

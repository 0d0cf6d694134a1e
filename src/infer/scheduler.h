// Who runs in the next step: continuous batching over a pool of blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "infer/sequence.h"
#include "model/forward.h"

namespace parley::infer {

// A sequence's part of a step: tokens [begin, begin + count) of the batch, and rows of
// logits from first_row on: first those that score prompt tokens, then those to draw from.
struct StepItem {
  Sequence* sequence;
  int64_t begin, count;
  int64_t first_row, score_rows, draw_rows;
};

// What model::InferState::forward is given, and whose it is.
struct StepPlan {
  std::vector<int32_t> tokens;
  std::vector<model::Span> spans;
  std::vector<int64_t> logit_rows;
  std::vector<StepItem> items;  // as the spans
  int64_t decoding = 0;         // sequences that take one token (and drafts)
  int64_t prompt_tokens = 0;    // the other tokens

  void clear();
};

// Waiting, running and preempted sequences, and the blocks they hold.
//
// A step goes: admit(), secure_decoding(), drafts (room for them: reserve()), plan(). A
// sequence holds the blocks of all its known tokens from its admission on, so a prompt
// that began to run does so to its end; only a decoding sequence asks for more, one block
// every 64 tokens. If there is none, the youngest sequence makes room.
class Scheduler {
 public:
  struct Options {
    int64_t max_sequences;
    int64_t max_rows;  // of logits in a step
  };
  Scheduler(Options options, int64_t blocks) : options_(options), blocks_(blocks) {}

  // A new one, at the end of its client's queue.
  void add(std::unique_ptr<Sequence> sequence);
  Sequence* find(RequestId id) const;
  // Takes it out, wherever it is; its blocks go back. It may still be named in the plan.
  std::unique_ptr<Sequence> remove(Sequence& sequence);

  // Waiting → running, as far as there is room: preempted ones first, then clients in
  // turn. One that begins like a prompt which is being computed waits for its blocks.
  void admit();
  // The decoding sequences, each with a block for its next token.
  std::span<Sequence* const> secure_decoding();
  // Room for `positions` of a sequence without preempting others; false: there is less.
  bool reserve(Sequence& sequence, int64_t positions);
  // Every decoding sequence, and up to `prompt_budget` prompt tokens, shared among all
  // prompts so that none has more than another that wants more too. Valid until the
  // next call.
  const StepPlan& plan(int64_t prompt_budget);

  // Everything that runs goes back to the front of the queue, and the prefix cache is
  // forgotten: the weights changed.
  void forget();

  int64_t waiting() const { return waiting_; }  // without the preempted
  int64_t running() const { return static_cast<int64_t>(running_.size()); }
  bool empty() const { return sequences_.empty(); }
  std::vector<RequestId> ids() const;
  int64_t preemptions() const { return preemptions_; }
  BlockManager& blocks() { return blocks_; }
  const BlockManager& blocks() const { return blocks_; }

 private:
  struct ClientQueue {
    uint64_t client;
    std::deque<Sequence*> sequences;
  };

  bool awaits_prefix(Sequence& sequence) const;
  bool start(Sequence& sequence);  // false: not enough blocks
  void preempt(Sequence& sequence);
  void add_item(Sequence& sequence, int64_t count, int64_t score_rows, int64_t draw_rows);

  Options options_;
  BlockManager blocks_;
  std::unordered_map<RequestId, std::unique_ptr<Sequence>> sequences_;
  std::deque<ClientQueue> clients_;            // the next one first; none is empty
  std::deque<Sequence*> preempted_;            // oldest first
  std::vector<Sequence*> running_;             // by Sequence::order, oldest first
  std::vector<Sequence*> decoding_, prompts_;  // of this step
  StepPlan plan_;
  int64_t waiting_ = 0, preemptions_ = 0;
  uint64_t admitted_ = 0;
};

}  // namespace parley::infer

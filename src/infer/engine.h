// The inference engine: many requests on one model, a step at a time. docs/engine.md
// tells how a request lives.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/pacer.h"
#include "infer/request.h"
#include "infer/scheduler.h"
#include "infer/speculation.h"
#include "model/forward.h"
#include "model/kv_pool.h"

namespace parley::infer {

struct EngineOptions {
  int64_t max_sequences = 16;  // running together
  int64_t max_waiting = 1024;  // more than these are refused
  int64_t step_tokens = 256;   // prompt tokens run at once; long prompts go in chunks
  // Keep the chunks so small that those who are answering hardly notice a prompt. Their
  // sizes then depend on the clock; without, a run is the same each time, in f32 too.
  bool adaptive_steps = true;
  // Memory of keys and values, touched on first use. 0: max_sequences full contexts, but
  // at most a quarter of the machine's memory.
  size_t kv_bytes = 0;
  model::KvFormat kv_format = model::KvFormat::kF32;
  SpeculativeOptions speculative{};
  bool hash_logits = false;         // keep last_logits_hash()
  std::function<double()> clock{};  // seconds; default: the steady clock
};

// Numbers since the engine was made, and of this moment.
struct EngineStats {
  int64_t waiting = 0, running = 0;
  int64_t steps = 0;
  int64_t prompt_tokens = 0;  // run, again after preemption too
  int64_t cached_tokens = 0;  // of prompts, found in the prefix cache
  int64_t answer_tokens = 0;
  int64_t drafted = 0, accepted = 0;
  int64_t preemptions = 0;
  int64_t finished = 0, failed = 0, cancelled = 0;
  double step_seconds = 0;       // of all steps
  double last_step_seconds = 0;  // of the last one, and what was in it:
  int64_t last_decoding = 0, last_prompt_tokens = 0;
  BlockManager::Stats blocks;
};

// Single-threaded: whoever calls step() runs it, and gets the callbacks.
//
// A request's answer does not depend on what else runs, on chunks, preemption, the prefix
// cache or speculation: to the last bit in every precision but f32, up to rounding there.
class Engine {
 public:
  // Keeps references: both must outlive the engine.
  Engine(const model::ModelConfig& config, const model::InferWeights& weights,
         EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Takes a request into the queue. Error when it cannot run (request.h), or not in this
  // pool even alone; QueueFull when max_waiting wait already.
  RequestId submit(Request request);
  // Ends a request with kCancelled, and calls its on_done; its blocks are free at once.
  // False when there is none.
  bool cancel(RequestId id);

  // Runs one step: a token for each that answers, and some of the prompts. False when
  // there is nothing left to do. What it throws is not a request's fault, and leaves all
  // of them as they were.
  bool step();
  bool idle() const { return scheduler_.empty() && trivial_.empty(); }
  // Ends all requests with kCancelled.
  void cancel_all();
  // Ends all requests with kError and this message.
  void fail_all(const std::string& message);
  // The weights changed: forgets all keys and values. Requests under way go on with the
  // new weights from the tokens they have.
  void forget_cache();

  EngineStats stats() const;
  // FNV-1a of the last step's logits, to compare runs and machines (with hash_logits).
  uint64_t last_logits_hash() const { return logits_hash_; }
  const model::ModelConfig& config() const { return config_; }
  const EngineOptions& options() const { return options_; }

  // What submit() does before it queues; for threads beside the engine's. They may call these
  // two at any time.
  void check(const Request& request) const;
  RequestId reserve_id() { return ++ids_; }
  void submit(RequestId id, Request request);

 private:
  // Work on logits: a sequence's next tokens, or one score.
  struct Task {
    const StepItem* item;
    int64_t row;
    bool scores;
    TokenScore score;
    std::vector<Sample> samples;
    std::string error;
  };

  void end_all(FinishReason reason, const std::string& error);
  void draft(std::span<Sequence* const> decoding);
  void make_tasks(const StepPlan& plan);
  void run_task(Task& task, tensor::ConstF32 logits) const;
  void add_embeddings(const StepPlan& plan);
  void deliver(const StepPlan& plan);
  void deliver_scores(Sequence& sequence, std::span<Task> tasks);
  void deliver_samples(Sequence& sequence, Task& task);
  void deliver_embedding(Sequence& sequence);
  void finish(Sequence& sequence, FinishReason reason, std::string error = {},
              bool stopped_by_token = false);

  const model::ModelConfig& config_;
  const model::InferWeights& weights_;
  EngineOptions options_;
  model::KvPool pool_;
  Scheduler scheduler_;
  Pacer pacer_;
  model::InferState state_;
  std::unique_ptr<DraftModel> draft_;
  std::atomic<RequestId> ids_ = 0;

  std::vector<std::unique_ptr<Sequence>> trivial_;  // nothing to run: they end in the next step
  std::vector<std::unique_ptr<Sequence>> ended_;    // of this step; its plan names them
  std::vector<Task> tasks_;
  std::vector<TokenScore> scores_;
  std::vector<Sequence*> proposing_;
  std::vector<int64_t> wanted_;
  EngineStats stats_;
  uint64_t logits_hash_ = 0;
  bool stepping_ = false;
};

}  // namespace parley::infer

#include "infer/engine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"

namespace parley::infer {
namespace {

using tensor::ConstF32;

// Scoring wants logits of many positions; this many floats of them at once.
constexpr int64_t kLogitFloats = int64_t{32} << 20;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int64_t pool_blocks(const model::ModelConfig& config, const EngineOptions& options) {
  PARLEY_CHECK(options.max_sequences > 0 && options.step_tokens > 0 && options.max_waiting > 0,
               "max_sequences {}, step_tokens {}, max_waiting {}", options.max_sequences,
               options.step_tokens, options.max_waiting);
  const size_t block = model::KvPool::block_bytes(config, options.kv_format);
  if (options.kv_bytes > 0)
    return std::max<int64_t>(1, static_cast<int64_t>(options.kv_bytes / block));
  const int64_t context = BlockManager::blocks_for(config.T);
  const auto memory =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto quarter = static_cast<int64_t>(memory / 4 / block);
  return std::max(context, std::min(options.max_sequences * context, quarter));
}

int64_t max_rows(const model::ModelConfig& config, const EngineOptions& options) {
  const int64_t drafts = options.speculative.on() ? options.speculative.tokens : 0;
  return std::max(kLogitFloats / config.V, options.max_sequences * (1 + drafts) + 1);
}

uint64_t fnv1a(ConstF32 values) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (size_t i = 0; i < static_cast<size_t>(values.size()) * sizeof(float); ++i)
    hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}

bool is_stop(const SamplingParams& params, int32_t token) {
  return std::ranges::find(params.stop_ids, token) != params.stop_ids.end();
}

// Runs a callback; what it throws becomes text, empty if it throws nothing.
template <typename Call>
std::string guarded(const Call& call) {
  try {
    call();
    return {};
  } catch (const std::exception& error) {
    return *error.what() ? error.what() : "an exception without a message";
  } catch (...) {
    return "an unknown exception";
  }
}

}  // namespace

Engine::Engine(const model::ModelConfig& config, const model::InferWeights& weights,
               EngineOptions options)
    : config_(config),
      weights_(weights),
      options_(std::move(options)),
      pool_(config, options_.kv_format, pool_blocks(config, options_)),
      scheduler_({options_.max_sequences, max_rows(config, options_)}, pool_.blocks()),
      pacer_(options_.step_tokens, options_.max_sequences, options_.adaptive_steps),
      state_(config) {
  if (!options_.clock) options_.clock = steady_seconds;
  const SpeculativeOptions& speculative = options_.speculative;
  if (speculative.on() && speculative.draft_weights)
    draft_ = std::make_unique<DraftModel>(speculative, config.V, options_.kv_format);
}

Engine::~Engine() = default;

void Engine::check(const Request& request) const {
  validate(request, config_);
  const auto length = static_cast<int64_t>(request.prompt.size());
  const int64_t positions =
      request.on_embedding ? length : std::min(config_.T, length + request.sampling.max_tokens - 1);
  if (BlockManager::blocks_for(positions) > pool_.blocks())
    base::fail(
        "the request needs keys and values of {} positions, {} blocks of {}, and there are {} in "
        "all; shorten the prompt or the answer, or give the KV cache more memory",
        positions, BlockManager::blocks_for(positions), BlockManager::kBlock, pool_.blocks());
}

RequestId Engine::submit(Request request) {
  const RequestId id = reserve_id();
  submit(id, std::move(request));
  return id;
}

void Engine::submit(RequestId id, Request request) {
  check(request);
  const int64_t waiting = scheduler_.waiting() + static_cast<int64_t>(trivial_.size());
  if (waiting >= options_.max_waiting)
    throw QueueFull(fmt::format("{} requests wait already; try again later", waiting));
  auto sequence = std::make_unique<Sequence>(id, std::move(request), config_.T);
  if (sequence->request.sampling.max_tokens == 0 && sequence->read())
    trivial_.push_back(std::move(sequence));
  else
    scheduler_.add(std::move(sequence));
}

bool Engine::cancel(RequestId id) {
  if (Sequence* sequence = scheduler_.find(id)) {
    finish(*sequence, FinishReason::kCancelled);
    return true;
  }
  const auto trivial = std::ranges::find(trivial_, id, &Sequence::id);
  if (trivial == trivial_.end()) return false;
  finish(**trivial, FinishReason::kCancelled);
  return true;
}

void Engine::cancel_all() { end_all(FinishReason::kCancelled, {}); }
void Engine::fail_all(const std::string& message) { end_all(FinishReason::kError, message); }

void Engine::end_all(FinishReason reason, const std::string& error) {
  for (const RequestId id : scheduler_.ids())
    if (Sequence* sequence = scheduler_.find(id)) finish(*sequence, reason, error);
  for (size_t n = trivial_.size(); n > 0 && !trivial_.empty(); --n)
    finish(*trivial_.front(), reason, error);
}

void Engine::forget_cache() {
  PARLEY_CHECK(!stepping_, "in the middle of a step");
  scheduler_.forget();
  if (draft_) draft_->forget();
}

void Engine::finish(Sequence& sequence, FinishReason reason, std::string error,
                    bool stopped_by_token) {
  sequence.ended = true;
  if (draft_) draft_->release(sequence);
  if (sequence.running && sequence.request.use_cache)
    sequence.kv.publish(scheduler_.blocks(), sequence.tokens);
  if (scheduler_.find(sequence.id)) {
    ended_.push_back(scheduler_.remove(sequence));
  } else {
    const auto trivial = std::ranges::find(trivial_, sequence.id, &Sequence::id);
    ended_.push_back(std::move(*trivial));
    trivial_.erase(trivial);
  }
  ++(reason == FinishReason::kError       ? stats_.failed
     : reason == FinishReason::kCancelled ? stats_.cancelled
                                          : stats_.finished);
  if (!sequence.request.on_done) return;
  const Finished finished{.id = sequence.id,
                          .reason = reason,
                          .error = std::move(error),
                          .stopped_by_token = stopped_by_token,
                          .prompt_tokens = sequence.prompt_tokens,
                          .cached_tokens = sequence.cached_tokens,
                          .answer_tokens = sequence.answered,
                          .preemptions = sequence.preemptions,
                          .drafted = sequence.drafted,
                          .accepted = sequence.accepted};
  const std::string problem = guarded([&] { sequence.request.on_done(finished); });
  if (!problem.empty()) spdlog::error("request {}: on_done failed: {}", sequence.id, problem);
}

bool Engine::step() {
  PARLEY_CHECK(!stepping_, "step() from a callback");
  struct Guard {
    bool& flag;
    explicit Guard(bool& f) : flag(f) { flag = true; }
    ~Guard() { flag = false; }
  } guard(stepping_);
  ended_.clear();
  for (size_t n = trivial_.size(); n > 0 && !trivial_.empty(); --n)
    finish(*trivial_.front(), FinishReason::kLength);
  if (scheduler_.empty()) return !idle();
  const double start = options_.clock();

  // 1. Who runs, and what.
  scheduler_.admit();
  const std::span<Sequence* const> decoding = scheduler_.secure_decoding();
  draft(decoding);
  const StepPlan& plan =
      scheduler_.plan(pacer_.prompt_budget(static_cast<int64_t>(decoding.size())));
  PARLEY_CHECK(!plan.items.empty(), "{} sequences run, and none of them can", scheduler_.running());

  // 2. Through the model.
  const ConstF32 logits =  // (R, V)
      state_.forward(weights_, plan.tokens, plan.spans, plan.logit_rows, pool_);
  if (options_.hash_logits && !plan.logit_rows.empty()) logits_hash_ = fnv1a(logits);

  // 3. Choose tokens, read off scores and hidden states.
  make_tasks(plan);
  base::parallel_for(static_cast<int64_t>(tasks_.size()), [&](int64_t i) {
    Task& task = tasks_[static_cast<size_t>(i)];
    task.error = guarded([&] { run_task(task, logits); });
  });
  add_embeddings(plan);

  // 4. Hand them out; see who is done.
  ++stats_.steps;
  stats_.last_decoding = plan.decoding;
  stats_.last_prompt_tokens = plan.prompt_tokens;
  deliver(plan);
  ended_.clear();
  stats_.last_step_seconds = options_.clock() - start;
  stats_.step_seconds += stats_.last_step_seconds;
  pacer_.record(stats_.last_decoding, stats_.last_prompt_tokens, stats_.last_step_seconds);
  return !idle();
}

void Engine::draft(std::span<Sequence* const> decoding) {
  const SpeculativeOptions& speculative = options_.speculative;
  for (Sequence* sequence : decoding) sequence->drafts.clear();
  proposing_.clear();
  wanted_.clear();
  if (!speculative.on()) return;
  if (static_cast<int64_t>(decoding.size()) <= speculative.max_decoding)
    for (Sequence* sequence : decoding) {
      // The sampler chooses one token after the last draft.
      const int64_t limit = std::min(speculative.tokens, sequence->answers_left() - 1);
      const bool may_draft = limit > 0 && !sequence->request.constraint;
      const int64_t count = may_draft ? sequence->acceptance.length(limit) : 0;
      if (count > 0 && speculative.ngram > 0)
        look_up(sequence->tokens, speculative.ngram, count, sequence->drafts);
      proposing_.push_back(sequence);  // it keeps its blocks of the draft model
      wanted_.push_back(sequence->drafts.empty() ? count : 0);
      if (!sequence->sampler) sequence->make_sampler(config_.V);
    }
  if (draft_) draft_->propose(proposing_, wanted_);
  for (Sequence* sequence : proposing_) {
    const int64_t past = sequence->kv.computed;
    const auto count = static_cast<int64_t>(sequence->drafts.size());
    if (count == 0 || scheduler_.reserve(*sequence, past + 1 + count)) continue;
    const auto room = static_cast<int64_t>(sequence->kv.blocks.size()) * BlockManager::kBlock;
    sequence->drafts.resize(static_cast<size_t>(room - past - 1));
  }
}

void Engine::make_tasks(const StepPlan& plan) {
  tasks_.clear();
  for (const StepItem& item : plan.items) {
    for (int64_t i = 0; i < item.score_rows; ++i)
      tasks_.push_back({&item, item.first_row + i, true, {}, {}, {}});
    if (item.draw_rows == 0) continue;
    tasks_.push_back({&item, item.first_row + item.score_rows, false, {}, {}, {}});
    Sequence& sequence = *item.sequence;
    if (!sequence.sampler) sequence.make_sampler(config_.V);
  }
}

void Engine::run_task(Task& task, ConstF32 logits) const {
  Sequence& sequence = *task.item->sequence;
  const SamplingParams& params = sequence.request.sampling;
  if (task.scores) {
    const ConstF32 row = logits.row(task.row);  // (V)
    const int64_t place = sequence.next_score + task.row - task.item->first_row;
    const int32_t token = sequence.tokens[static_cast<size_t>(place)];
    const double lse = log_sum_exp(row);
    task.score.token = token;
    task.score.logprob = static_cast<float>(static_cast<double>(row[token]) - lse);
    task.score.greedy = best_token(row) == token;
    if (params.logprobs > 0) task.score.top = top_logprobs(row, lse, params.logprobs);
    return;
  }
  // Choose until a draft is not what was chosen.
  const int64_t left = sequence.answers_left();
  for (int64_t i = 0; i < task.item->draw_rows; ++i) {
    task.samples.push_back(sequence.sampler->next(logits.row(task.row + i)));
    const int32_t token = task.samples.back().token;
    if (i + 1 == left || is_stop(params, token)) return;
    if (i + 1 < task.item->draw_rows && sequence.drafts[static_cast<size_t>(i)] != token) return;
  }
}

// Position after position, so that the sums do not depend on chunks.
void Engine::add_embeddings(const StepPlan& plan) {
  for (const StepItem& item : plan.items) {
    Sequence& sequence = *item.sequence;
    if (!sequence.embeds()) continue;
    const ConstF32 hidden = state_.hidden(weights_, item.begin, item.count);  // (count, C)
    if (sequence.embedded == 0) sequence.embedding.assign(static_cast<size_t>(config_.C), 0.0);
    // After preemption some run again.
    for (int64_t i = sequence.embedded - sequence.kv.computed; i < item.count; ++i) {
      const auto weight = static_cast<double>(++sequence.embedded);
      const float* row = hidden.row(i).data();
      for (size_t c = 0; c < sequence.embedding.size(); ++c)
        sequence.embedding[c] += weight * static_cast<double>(row[c]);
    }
  }
}

void Engine::deliver_embedding(Sequence& sequence) {
  const auto n = static_cast<double>(sequence.prompt_tokens);
  std::vector<float> mean;  // (C)
  for (const double sum : sequence.embedding)
    mean.push_back(static_cast<float>(sum / (n * (n + 1) / 2)));
  if (!std::ranges::all_of(mean, [](float value) { return std::isfinite(value); }))
    return finish(sequence, FinishReason::kError, "the model's hidden states are not finite");
  std::string problem = guarded([&] { sequence.request.on_embedding(mean); });
  if (!problem.empty() && !sequence.ended)
    finish(sequence, FinishReason::kError, std::move(problem));
}

void Engine::deliver(const StepPlan& plan) {
  size_t next = 0;  // task
  for (const StepItem& item : plan.items) {
    Sequence& sequence = *item.sequence;
    const auto scores = std::span(tasks_).subspan(next, static_cast<size_t>(item.score_rows));
    next += scores.size();
    Task* draws = item.draw_rows > 0 ? &tasks_[next++] : nullptr;
    if (sequence.ended) continue;  // cancelled by another's callback
    const auto drafted = static_cast<int64_t>(sequence.drafts.size());
    sequence.kv.computed += item.count - drafted;
    if (item.count - drafted > 1 || sequence.answered == 0)
      stats_.prompt_tokens += item.count - drafted;
    if (!scores.empty()) deliver_scores(sequence, scores);
    if (draws && !sequence.ended) deliver_samples(sequence, *draws);
    if (sequence.ended) continue;
    sequence.drafts.clear();
    if (sequence.request.use_cache) sequence.kv.publish(scheduler_.blocks(), sequence.tokens);
    if (sequence.request.sampling.max_tokens > 0 || !sequence.read()) continue;
    if (sequence.embeds()) deliver_embedding(sequence);
    if (!sequence.ended) finish(sequence, FinishReason::kLength);
  }
}

void Engine::deliver_scores(Sequence& sequence, std::span<Task> tasks) {
  scores_.clear();
  for (Task& task : tasks) {
    if (!task.error.empty()) return finish(sequence, FinishReason::kError, std::move(task.error));
    scores_.push_back(std::move(task.score));
  }
  sequence.next_score += static_cast<int64_t>(tasks.size());
  if (!sequence.request.on_scores) return;
  std::string problem = guarded([&] { sequence.request.on_scores(scores_); });
  if (!problem.empty() && !sequence.ended)
    finish(sequence, FinishReason::kError, std::move(problem));
}

void Engine::deliver_samples(Sequence& sequence, Task& task) {
  const auto drafted = static_cast<int64_t>(sequence.drafts.size());
  const int64_t accepted = std::max<int64_t>(0, static_cast<int64_t>(task.samples.size()) - 1);
  sequence.drafted += drafted;
  sequence.accepted += accepted;
  stats_.drafted += drafted;
  stats_.accepted += accepted;
  sequence.acceptance.record(drafted, accepted);
  for (size_t i = 0; i < task.samples.size(); ++i) {
    const int32_t token = task.samples[i].token;
    sequence.tokens.push_back(token);
    ++sequence.answered;
    ++stats_.answer_tokens;
    if (i > 0) ++sequence.kv.computed;  // the token before it was a draft, and ran
    const bool stop = is_stop(sequence.request.sampling, token);
    Verdict verdict = Verdict::kContinue;
    std::string problem = guarded([&] {
      if (sequence.request.on_token) verdict = sequence.request.on_token(task.samples[i]);
    });
    if (sequence.ended) return;  // cancelled by its own callback
    if (!problem.empty()) return finish(sequence, FinishReason::kError, std::move(problem));
    if (stop) return finish(sequence, FinishReason::kStop, {}, true);
    if (verdict == Verdict::kStop) return finish(sequence, FinishReason::kStop);
    if (verdict == Verdict::kCancel) return finish(sequence, FinishReason::kCancelled);
    if (const auto& constraint = sequence.request.constraint; constraint && constraint->finished())
      return finish(sequence, FinishReason::kStop);
    if (sequence.answers_left() <= 0) return finish(sequence, FinishReason::kLength);
  }
  if (!task.error.empty()) finish(sequence, FinishReason::kError, std::move(task.error));
}

EngineStats Engine::stats() const {
  EngineStats stats = stats_;
  stats.waiting = scheduler_.waiting() + static_cast<int64_t>(trivial_.size());
  stats.running = scheduler_.running();
  stats.preemptions = scheduler_.preemptions();
  stats.blocks = scheduler_.blocks().stats();
  stats.cached_tokens = stats.blocks.hits * BlockManager::kBlock;
  return stats;
}

}  // namespace parley::infer

#include "infer/engine_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"

namespace parley::infer {
namespace {

constexpr double kWindowSeconds = 2;  // of the rates
constexpr double kStepWeight = 0.1;   // of the last step in the average

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

EngineThread::EngineThread(const model::ModelConfig& config, const model::InferWeights& weights,
                           EngineOptions options, std::function<void()> after_callbacks)
    : after_callbacks_(after_callbacks ? std::move(after_callbacks) : [] {}),
      engine_(config, weights, std::move(options)),
      threads_(base::num_threads()),
      window_begin_(now()) {
  base::release_threads();  // the caller loaded the weights; from now on the thread computes
  metrics_.engine = engine_.stats();
  thread_ = std::thread([this] { run(); });
}

EngineThread::~EngineThread() { stop(); }

RequestId EngineThread::submit(Request request) {
  std::vector<Request> one;
  one.push_back(std::move(request));
  return submit(std::move(one)).front();
}

std::vector<RequestId> EngineThread::submit(std::vector<Request> requests) {
  std::vector<RequestId> ids;
  for (const Request& request : requests) {
    engine_.check(request);
    ids.push_back(engine_.reserve_id());
  }
  const std::lock_guard lock(mutex_);
  if (!accepting_) base::fail("the engine is shutting down and takes no more requests");
  // The engine's own queue only shrinks between two readings of it.
  const auto waiting = static_cast<int64_t>(submitted_.size()) + metrics_.engine.waiting;
  if (waiting + std::ssize(requests) > engine_.options().max_waiting)
    throw QueueFull(fmt::format("{} requests wait already; try again later", waiting));
  for (size_t i = 0; i < requests.size(); ++i)
    submitted_.push_back({ids[i], std::move(requests[i])});
  busy_ = busy_ || !ids.empty();
  wake_.notify_one();
  return ids;
}

void EngineThread::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  if (!busy_) return;
  cancelled_.push_back(id);
  wake_.notify_one();
}

void EngineThread::drain() {
  PARLEY_CHECK(std::this_thread::get_id() != thread_.get_id(), "drain() from a callback");
  std::unique_lock lock(mutex_);
  accepting_ = false;
  drained_.wait(lock, [&] { return !busy_; });
}

void EngineThread::stop() {
  PARLEY_CHECK(std::this_thread::get_id() != thread_.get_id(), "stop() from a callback");
  {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    stopping_ = true;
    wake_.notify_one();
  }
  const std::lock_guard join(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

EngineThread::Metrics EngineThread::metrics() const {
  const std::lock_guard lock(mutex_);
  Metrics metrics = metrics_;
  metrics.engine.waiting += static_cast<int64_t>(submitted_.size());
  metrics.accepting = accepting_;
  return metrics;
}

void EngineThread::run() {
  omp_set_num_threads(threads_);  // OpenMP keeps the number for each thread by itself
  while (take_mail()) step();
}

bool EngineThread::take_mail() {
  bool stop = false;
  {
    std::unique_lock lock(mutex_);
    metrics_.engine = engine_.stats();
    const auto news = [&] { return !submitted_.empty() || !cancelled_.empty() || stopping_; };
    if (engine_.idle() && !news()) {
      busy_ = false;
      metrics_.prompt_tokens_per_second = metrics_.answer_tokens_per_second = 0;
      drained_.notify_all();
      wake_.wait(lock, news);
      window_begin_ = now();
    }
    std::swap(mail_, submitted_);
    std::swap(cancels_, cancelled_);
    metrics_.engine.waiting += static_cast<int64_t>(mail_.size());
    stop = stopping_;
  }
  for (Mail& mail : mail_) {
    const auto on_done = mail.request.on_done;
    std::string error;
    try {
      engine_.submit(mail.id, std::move(mail.request));
      continue;
    } catch (const std::exception& thrown) {  // no memory, say: the rest was checked before
      error = thrown.what();
    }
    try {
      if (on_done)
        on_done({.id = mail.id, .reason = FinishReason::kError, .error = std::move(error)});
    } catch (const std::exception& thrown) {
      spdlog::error("request {}: on_done failed: {}", mail.id, thrown.what());
    }
  }
  mail_.clear();
  for (const RequestId id : cancels_) engine_.cancel(id);
  cancels_.clear();
  after_callbacks_();
  if (!stop) return true;

  // What callbacks submit now is refused, so this comes to an end.
  engine_.cancel_all();
  after_callbacks_();
  const std::lock_guard lock(mutex_);
  metrics_.engine = engine_.stats();
  busy_ = false;
  drained_.notify_all();
  return false;
}

void EngineThread::step() {
  try {
    engine_.step();
  } catch (const std::exception& error) {
    spdlog::error("the engine failed, and with it all its requests: {}", error.what());
    engine_.fail_all(error.what());
  } catch (...) {
    spdlog::error("the engine failed, and with it all its requests");
    engine_.fail_all("the engine failed");
  }
  after_callbacks_();
  measure();
}

void EngineThread::measure() {
  const EngineStats stats = engine_.stats();
  const std::lock_guard lock(mutex_);
  double& mean = metrics_.step_seconds;
  mean = mean == 0 ? stats.last_step_seconds
                   : (1 - kStepWeight) * mean + kStepWeight * stats.last_step_seconds;
  const double seconds = now() - window_begin_;
  if (seconds < kWindowSeconds) return;
  metrics_.prompt_tokens_per_second =
      static_cast<double>(stats.prompt_tokens - window_prompt_) / seconds;
  metrics_.answer_tokens_per_second =
      static_cast<double>(stats.answer_tokens - window_answer_) / seconds;
  window_begin_ += seconds;
  window_prompt_ = stats.prompt_tokens;
  window_answer_ = stats.answer_tokens;
}

}  // namespace parley::infer

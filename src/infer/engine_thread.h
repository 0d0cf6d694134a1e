// The engine on a thread of its own, for callers on many.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "infer/engine.h"

namespace parley::infer {

// Requests come from any thread; callbacks run on the engine's, and should be short: every
// request waits for them. Callbacks may submit and cancel too (not drain or stop).
//
// An exception that is no request's fault ends all requests with kError and is logged; the
// thread goes on.
class EngineThread {
 public:
  // Keeps the references that the engine keeps. `after_callbacks` is called on the thread when a
  // step's callbacks, or those of cancelled requests, have all been called: to pass on
  // together what they gave.
  EngineThread(const model::ModelConfig& config, const model::InferWeights& weights,
               EngineOptions options = {}, std::function<void()> after_callbacks = {});
  // stop()
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  // As Engine::submit, whose errors come at once, on the calling thread. Error also after
  // drain() or stop().
  RequestId submit(Request request);
  // All of them or, when one of them is refused, none.
  std::vector<RequestId> submit(std::vector<Request> requests);
  // Before the next step. A request that ended already is none; so is one never made.
  void cancel(RequestId id);

  // Takes no more requests, and returns when those under way have ended.
  void drain();
  // Takes no more requests, cancels those under way (each gets its on_done), and returns
  // when the thread has ended.
  void stop();

  struct Metrics {
    EngineStats engine;  // as of the last step; waiting counts those not seen yet too
    // Over the last seconds or so.
    double prompt_tokens_per_second = 0, answer_tokens_per_second = 0;
    double step_seconds = 0;  // moving average
    bool accepting = true;
  };
  Metrics metrics() const;
  const model::ModelConfig& config() const { return engine_.config(); }

 private:
  struct Mail {
    RequestId id;
    Request request;
  };

  void run();
  bool take_mail();  // false: stop
  void step();
  void measure();

  const std::function<void()> after_callbacks_;
  Engine engine_;  // the thread's alone, but for check(), reserve_id(), config()
  const int threads_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, drained_;
  std::vector<Mail> submitted_;
  std::vector<RequestId> cancelled_;
  bool accepting_ = true, stopping_ = false, busy_ = false;
  Metrics metrics_;

  // The thread's own: the window of the rates.
  double window_begin_ = 0;
  int64_t window_prompt_ = 0, window_answer_ = 0;
  std::vector<Mail> mail_;
  std::vector<RequestId> cancels_;

  std::mutex join_mutex_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace parley::infer

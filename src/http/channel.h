// Values from threads to a coroutine.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace parley::http {

// A queue that any thread fills and one coroutine empties, on `executor`, which must run one
// handler at a time (a strand, or a context with one thread). Its context may end before the
// channel does, if nobody waits then.
template <typename T>
class Channel {
 public:
  explicit Channel(boost::asio::any_io_executor executor)
      : state_(std::make_shared<State>(std::move(executor))) {}

  // Costs a lock; wakes the consumer only when it waits.
  void push(T value) {
    if (push_quietly(std::move(value))) wake();
  }
  // Without waking the consumer; true if it waits: then wake() has to follow.
  bool push_quietly(T value) {
    const std::lock_guard lock(state_->mutex);
    if (state_->closed) return false;
    state_->values.push_back(std::move(value));
    return std::exchange(state_->waiting, false);
  }
  void wake() {
    boost::asio::post(state_->executor, [state = state_] {
      if (state->timer) state->timer->cancel();
    });
  }

  // What is pushed from now on is dropped.
  void close() {
    bool waits = false;
    {
      const std::lock_guard lock(state_->mutex);
      state_->closed = true;
      waits = std::exchange(state_->waiting, false);
    }
    if (waits) wake();
  }

  // All there is, in order; waits when there is nothing. Empty: closed, or `until` has passed.
  boost::asio::awaitable<std::vector<T>> pop_all(
      std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max()) {
    const std::shared_ptr<State> state = state_;
    boost::asio::steady_timer timer(state->executor);
    while (true) {
      {
        const std::lock_guard lock(state->mutex);
        if (!state->values.empty()) co_return std::exchange(state->values, {});
        if (state->closed || std::chrono::steady_clock::now() >= until) co_return std::vector<T>{};
        state->waiting = true;
      }
      state->timer = &timer;
      timer.expires_at(until);
      const Waiting guard{*state};
      boost::system::error_code ignored;
      co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor to) : executor(std::move(to)) {}
    boost::asio::any_io_executor executor;
    std::mutex mutex;
    std::vector<T> values;
    bool waiting = false, closed = false;
    boost::asio::steady_timer* timer = nullptr;  // the consumer's, touched on the executor only
  };
  // While the consumer waits; a coroutine that is destroyed stops waiting too.
  struct Waiting {
    State& state;
    ~Waiting() {
      state.timer = nullptr;
      const std::lock_guard lock(state.mutex);
      state.waiting = false;
    }
  };

  std::shared_ptr<State> state_;
};

}  // namespace parley::http

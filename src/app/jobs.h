// Answers under way. They belong to the server, not to a connection: they are stored as they grow
// and end whether or not anybody listens.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/prompt.h"

namespace parley::app {

class Jobs {
 public:
  struct Parts {
    store::Store& store;
    server::ModelRegistry& models;
    const AppOptions& options;
    boost::asio::thread_pool& pool;  // for the store
  };
  explicit Jobs(Parts parts);
  // Ends what is under way as "interrupted", stored.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  struct Start {
    store::User user;
    store::Message message;  // in the store already, "streaming"; its content goes on
    std::shared_ptr<server::ServedModel> model;
    Json params;
    Prompt prompt;
  };
  // ApiError 429 `busy` when the engine's queue is full (the message is the caller's to undo).
  void start(Start start);
  // Ends it, and waits until it is stored; false when it is not under way here. Blocks.
  bool stop(const store::Id& message);

  // A reader of one answer, on one connection's strand.
  class Listener;
  // nullptr when it is not under way in this process: then the store has it.
  std::shared_ptr<Listener> listen(const store::Id& message,
                                   const boost::asio::any_io_executor& executor);

  size_t count() const;
  // Lets what is under way end, up to `seconds`, then interrupts it; nothing new starts.
  void drain(double seconds);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Jobs::Listener {
 public:
  virtual ~Listener() = default;
  struct Update {
    std::string text;  // what is new since the last call; from the answer's beginning at first
    bool done = false;
  };
  // Waits for news; nothing at `deadline` (then an empty update).
  virtual boost::asio::awaitable<Update> next(server::Clock::time_point deadline) = 0;
};

}  // namespace parley::app

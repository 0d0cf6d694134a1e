// Answers under way. They belong to the server, not to a connection: they are stored as they grow
// and end whether or not anybody listens.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/prompt.h"

namespace parley::app {

class Jobs {
 public:
  struct Parts {
    store::Store& store;
    const AppOptions& options;
    boost::asio::thread_pool& pool;  // for the store
  };
  // Ends what a server that was killed left "streaming" in the store.
  explicit Jobs(Parts parts);
  // Ends what is under way as "interrupted", stored.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  struct Start {
    store::User user{};
    std::vector<store::Message> before{};   // stored with the answers: the user's message
    std::vector<store::Message> answers{};  // begun side by side, each with a seed of its own
    bool continued = false;                 // the one answer is in the store, and goes on
    std::shared_ptr<server::ServedModel> model{};
    Json params = Json::object();
    Prompt prompt{};
  };
  // Begins the answers and stores them as "streaming"; what they are now. Blocks. ApiError 429
  // `busy` when there is no room for them, 409 when the answer is under way already, 503 when the
  // server ends: nothing is stored then.
  std::vector<store::Message> start(Start start);

  // Asks it to end; its listeners see when it has, stored. False when it is not under way here.
  bool stop(const store::Id& message);
  // The same for all of a conversation, and of a user.
  void stop_conversation(const store::Id& conversation);
  void stop_user(const store::Id& user);

  // A reader of one answer, on one connection's strand.
  class Listener;
  // nullptr when it is not under way in this process: then the store has it.
  std::shared_ptr<Listener> listen(const store::Id& message,
                                   const boost::asio::any_io_executor& executor);

  bool has(const store::Id& message) const;  // whether it is under way here
  size_t count() const;
  // Lets what is under way end, up to `seconds`, then interrupts it; nothing new starts. Blocks.
  void drain(double seconds);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Jobs::Listener {
 public:
  virtual ~Listener() = default;
  struct Update {
    std::string text{};  // new since the last call, whole characters; from the beginning at first
    bool done = false;   // it has ended, and the store has it
  };
  // Waits for news; maybe nothing, at the latest at `deadline`.
  virtual boost::asio::awaitable<Update> next(server::Clock::time_point deadline) = 0;
  // Lets next() return. From any thread.
  virtual void wake() = 0;
};

// How long a "streaming" answer may show no sign of life, in a store that several servers share.
constexpr store::Time kStaleAfter = 15'000;

}  // namespace parley::app

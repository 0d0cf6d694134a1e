// One answer under way.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/jobs.h"
#include "server/generation.h"

namespace parley::app {

// Lives on the jobs' thread; what other threads may call says so.
class Job {
 public:
  enum class Reason { kNone, kStopped, kInterrupted };

  Job(store::User user, store::Message message, boost::asio::any_io_executor executor);

  // ---- from any thread ----
  const store::Id& id() const { return message_.id; }
  const store::Id& conversation() const { return message_.conversation; }
  const store::User& user() const { return user_; }
  std::shared_ptr<Jobs::Listener> listen(const std::shared_ptr<Job>& self,
                                         const boost::asio::any_io_executor& executor);
  void ask_to_stop() { asked_to_stop_ = true; }
  bool asked_to_stop() const { return asked_to_stop_; }
  // The text from byte `from` on, and whether the end is stored.
  Jobs::Listener::Update since(size_t from) const;

  // ---- on the jobs' thread ----
  // What it is made by; what was cancelled before then ends at once.
  void begin(std::unique_ptr<server::Generation> generation);
  server::Generation& generation() { return *generation_; }
  boost::asio::steady_timer& timer() { return timer_; }
  void take(std::vector<server::Piece> pieces);
  bool has_end() const { return end_.has_value(); }
  // Nothing more comes; why not, when the engine did not say.
  void ended(const std::string& error);
  bool over() const { return over_; }
  void cancel(Reason reason);
  // The message as it is now, to be stored: under way, and in the end.
  store::Message snapshot() const;
  store::Message result() const;
  int64_t tokens() const;  // that it took
  // It is stored: listeners may go.
  void let_go();

 private:
  class Listening;
  void notify();

  const store::User user_;
  const store::Message message_;  // as it began
  std::unique_ptr<server::Generation> generation_;
  boost::asio::steady_timer timer_;
  const server::Clock::time_point began_ = server::Clock::now();
  std::optional<server::AnswerEnd> end_;
  std::string error_;
  Reason reason_ = Reason::kNone;
  bool over_ = false;
  std::atomic<bool> asked_to_stop_ = false;

  mutable std::mutex mutex_;  // for what follows
  std::string text_;
  bool stored_ = false;
  std::vector<std::weak_ptr<Listening>> listeners_;
};

}  // namespace parley::app

// One client of the load generator: a connection, the request on it and what came back.
#pragma once

#include <chrono>
#include <string>

#include "cli/bench_serve.h"
#include "cli/bench_serve_http.h"

namespace parley::cli {

using LoadClock = std::chrono::steady_clock;

class LoadClient {
 public:
  enum class State { kIdle, kConnecting, kSending, kReceiving };
  enum class Outcome { kGoesOn, kDone, kRefused, kDisconnected, kFailed };

  ~LoadClient() { close(); }
  LoadClient() = default;
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Sends `bytes` on the connection of the last request if that is still open, else on a new one.
  // leave_after: text frames after which the client goes away, and leave_at: the time at which it
  // does so at the latest (−1, max: it stays).
  void begin(const ServerUrl& url, std::string bytes, bool stream, int64_t leave_after,
             LoadClock::time_point leave_at);
  // The socket can be written or read, or time has passed.
  Outcome go_on(LoadClock::time_point now, double timeout_seconds, LoadResult& result);
  void close();

  State state() const { return state_; }
  int fd() const { return fd_; }
  bool wants_write() const { return state_ == State::kConnecting || state_ == State::kSending; }
  const std::string& error() const { return error_; }  // of kFailed
  double retry_after() const { return parser_.retry_after(); }
  int status() const { return parser_.status(); }    // 0: none yet
  const std::string& body() const { return body_; }  // of what is no stream

  LoadClock::time_point wake{};  // idle until then
  bool active = false;           // a request is under way
  int fd_known = -1;             // what the poller was told
  bool write_known = false;

 private:
  void connect();
  void restart();
  Outcome fail(std::string error);
  Outcome send();
  Outcome receive(LoadClock::time_point now, LoadResult& result);
  Outcome lost();
  Outcome end(LoadClock::time_point now, LoadResult& result);
  Outcome leave(LoadResult& result);
  void take_event(std::string_view data);
  void take_body(std::string_view bytes);
  void take_text(LoadClock::time_point now, LoadResult& result);

  ServerUrl url_;
  std::string bytes_;
  bool stream_ = true;
  int64_t leave_after_ = -1;
  LoadClock::time_point leave_at_ = LoadClock::time_point::max();

  int fd_ = -1;
  State state_ = State::kIdle;
  bool reused_ = false;
  size_t sent_ = 0;
  ResponseParser parser_;
  EventScanner events_;
  std::string body_, error_;
  LoadClock::time_point start_, progress_, last_text_;
  int64_t frames_ = 0, fresh_frames_ = 0, answer_tokens_ = 0, prompt_tokens_ = 0;
  bool finished_ = false, done_event_ = false;
};

}  // namespace parley::cli

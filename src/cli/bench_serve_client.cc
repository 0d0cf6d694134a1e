#include "cli/bench_serve_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace parley::cli {
namespace {

double seconds(LoadClock::duration time) { return std::chrono::duration<double>(time).count(); }

// The answers are searched for these texts, not parsed: that happens for every token, on the
// machine that is being measured.
bool has_text(std::string_view frame) {
  constexpr std::string_view kContent = "\"content\":\"";
  const size_t at = frame.find(kContent);
  return at != std::string_view::npos && at + kContent.size() < frame.size() &&
         frame[at + kContent.size()] != '"';
}

bool has_finish_reason(std::string_view frame) {
  return frame.find("\"finish_reason\":\"") != std::string_view::npos;
}

std::string error_message(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("error") || !json["error"].is_object()) return {};
  const auto& message = json["error"]["message"];
  return message.is_string() ? message.get<std::string>().substr(0, 160) : std::string();
}

int open_socket(const ServerUrl& url, bool& connected) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found))
    base::fail("{}: {}", url.host, gai_strerror(error));
  int fd = -1;
  for (const addrinfo* a = found; a && fd < 0; a = a->ai_next) {
    fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) continue;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connected = ::connect(fd, a->ai_addr, a->ai_addrlen) == 0;
    if (connected || errno == EINPROGRESS) break;
    ::close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

}  // namespace

void LoadClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd_known = -1;
}

void LoadClient::begin(const ServerUrl& url, std::string bytes, bool stream, int64_t leave_after,
                       LoadClock::time_point leave_at) {
  url_ = url;
  bytes_ = std::move(bytes);
  stream_ = stream;
  leave_after_ = leave_after;
  leave_at_ = leave_at;
  active = true;
  start_ = LoadClock::now();
  restart();
}

void LoadClient::restart() {
  sent_ = 0;
  parser_ = {};
  events_ = {};
  body_.clear();
  error_.clear();
  progress_ = last_text_ = LoadClock::now();
  frames_ = fresh_frames_ = answer_tokens_ = prompt_tokens_ = 0;
  finished_ = done_event_ = false;
  reused_ = fd_ >= 0;
  if (reused_)
    state_ = State::kSending;
  else
    connect();
}

void LoadClient::connect() {
  bool connected = false;
  fd_ = open_socket(url_, connected);
  state_ = connected ? State::kSending : State::kConnecting;
}

LoadClient::Outcome LoadClient::fail(std::string error) {
  error_ = std::move(error);
  close();
  state_ = State::kIdle;
  return Outcome::kFailed;
}

LoadClient::Outcome LoadClient::leave(LoadResult& result) {
  result.answer_tokens += frames_;
  close();
  state_ = State::kIdle;
  return Outcome::kDisconnected;
}

LoadClient::Outcome LoadClient::go_on(LoadClock::time_point now, double timeout_seconds,
                                      LoadResult& result) {
  if (fd_ < 0) return fail("no connection");
  if (now >= leave_at_) return leave(result);
  if (seconds(now - progress_) > timeout_seconds) return fail("timeout");
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail("no connection");
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0)
      return Outcome::kGoesOn;
    state_ = State::kSending;
  }
  if (state_ == State::kSending) {
    const Outcome outcome = send();
    if (outcome != Outcome::kGoesOn) return outcome;
  }
  return receive(now, result);
}

LoadClient::Outcome LoadClient::send() {
  while (sent_ < bytes_.size()) {
    const ssize_t n = ::send(fd_, bytes_.data() + sent_, bytes_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Outcome::kGoesOn;
    if (n < 0) return lost();
    sent_ += static_cast<size_t>(n);
  }
  state_ = State::kReceiving;
  return Outcome::kGoesOn;
}

// A server may close a connection between two requests; that is nobody's fault.
LoadClient::Outcome LoadClient::lost() {
  if (!reused_ || parser_.any()) return fail("closed early");
  close();
  restart();
  return fd_ < 0 ? fail("no connection") : Outcome::kGoesOn;
}

LoadClient::Outcome LoadClient::receive(LoadClock::time_point now, LoadResult& result) {
  char buffer[16384];
  while (true) {
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) {
      if (n == 0 && parser_.push_end()) return end(now, result);
      return lost();
    }
    progress_ = now;
    try {
      parser_.push({buffer, static_cast<size_t>(n)},
                   [this](std::string_view bytes) { take_body(bytes); });
    } catch (const base::Error&) {
      return fail("malformed response");
    }
    if (parser_.done()) break;
    if (n < static_cast<ssize_t>(sizeof buffer)) break;
  }
  take_text(now, result);
  if (parser_.done()) return end(now, result);
  if (leave_after_ >= 0 && frames_ >= leave_after_) return leave(result);
  return Outcome::kGoesOn;
}

void LoadClient::take_body(std::string_view bytes) {
  if (stream_ && parser_.status() == 200)
    events_.push(bytes, [this](std::string_view data) { take_event(data); });
  else if (body_.size() < (1 << 20))
    body_ += bytes;
}

void LoadClient::take_event(std::string_view data) {
  if (done_event_) error_ = "a frame after [DONE]";
  if (data == "[DONE]") {
    done_event_ = true;
    return;
  }
  if (data.starts_with("{\"error\"")) {
    error_ = "error in the stream";
    return;
  }
  if (has_text(data)) ++fresh_frames_;
  if (has_finish_reason(data)) finished_ = true;
  if (data.find("\"usage\":{") != std::string_view::npos) body_ = data;
}

void LoadClient::take_text(LoadClock::time_point now, LoadResult& result) {
  if (fresh_frames_ == 0) return;
  if (frames_ == 0)
    result.first_token.push_back(static_cast<float>(seconds(now - start_)));
  else
    result.between.push_back(static_cast<float>(seconds(now - last_text_)));
  last_text_ = now;
  frames_ += fresh_frames_;
  result.frames += fresh_frames_;
  fresh_frames_ = 0;
}

LoadClient::Outcome LoadClient::end(LoadClock::time_point now, LoadResult& result) {
  take_text(now, result);
  const std::string error = error_;
  if (!parser_.keep_alive()) close();
  state_ = State::kIdle;
  if (parser_.status() == 429) return Outcome::kRefused;
  if (parser_.status() != 200)
    return fail(fmt::format("status {} {}", parser_.status(), error_message(body_)));
  if (!error.empty()) return fail(error);
  if (!stream_) finished_ = has_finish_reason(body_);
  if (!finished_) return fail("no finish_reason");
  if (stream_ && !done_event_) return fail("no [DONE]");
  const auto json = nlohmann::json::parse(body_, nullptr, false);
  if (!json.is_object() || !json.contains("usage") || !json["usage"].is_object())
    return fail("no usage");
  result.answer_tokens += json["usage"].value("completion_tokens", int64_t{0});
  result.prompt_tokens += json["usage"].value("prompt_tokens", int64_t{0});
  result.latency.push_back(static_cast<float>(seconds(now - start_)));
  return Outcome::kDone;
}

}  // namespace parley::cli

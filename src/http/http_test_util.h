// A client that sends exactly the bytes it is told to, and a server to send them to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/server.h"
#include "http/text.h"

namespace parley::http {

// An answer as it came; `complete`: to its end as the framing says.
struct RawAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::vector<std::string> chunks;
  bool complete = false;
};

// Parses one answer off the front of `bytes`; `head`: to a HEAD request. Throws on what is not
// HTTP. Incomplete answers leave `bytes` as it is.
inline RawAnswer parse_answer(std::string& bytes, bool head = false, bool at_end = false) {
  RawAnswer answer;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  const std::string top = bytes.substr(0, end + 2);
  if (top.rfind("HTTP/1.1 ", 0) != 0 || top.size() < 14)
    throw std::runtime_error("not an answer: " + top);
  answer.status = std::stoi(top.substr(9, 3));
  for (size_t line = top.find("\r\n") + 2; line < top.size();) {
    const size_t stop = top.find("\r\n", line), colon = top.find(": ", line);
    if (colon == std::string::npos || colon > stop) throw std::runtime_error("bad field in " + top);
    std::string name = top.substr(line, colon - line);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    answer.headers[name] = top.substr(colon + 2, stop - colon - 2);
    line = stop + 2;
  }
  size_t at = end + 4;
  const bool none = head || answer.status < 200 || answer.status == 204 || answer.status == 304;
  if (none) {
    answer.complete = true;
  } else if (answer.headers.count("content-length")) {
    const size_t length = std::stoul(answer.headers["content-length"]);
    if (bytes.size() < at + length) return answer;
    answer.body = bytes.substr(at, length);
    at += length;
    answer.complete = true;
  } else if (answer.headers.count("transfer-encoding")) {
    while (true) {
      const size_t line = bytes.find("\r\n", at);
      if (line == std::string::npos) return answer;
      const size_t length = std::stoul(bytes.substr(at, line - at), nullptr, 16);
      if (bytes.size() < line + 2 + length + 2) return answer;
      if (bytes.substr(line + 2 + length, 2) != "\r\n") throw std::runtime_error("bad chunk");
      at = line + 2 + length + 2;
      if (length == 0) break;
      answer.chunks.push_back(bytes.substr(line + 2, length));
      answer.body += answer.chunks.back();
    }
    answer.complete = true;
  } else {
    answer.body = bytes.substr(at);
    at = bytes.size();
    answer.complete = at_end;
  }
  if (answer.complete) bytes.erase(0, at);
  return answer;
}

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // With a RST, as a client that crashed.
  void reset() {
    const linger now = {1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  // Waits for something to read, or the end.
  bool readable(int milliseconds) {
    pollfd poll_for = {fd_, POLLIN, 0};
    return ::poll(&poll_for, 1, milliseconds) > 0;
  }
  // What comes next, at most `milliseconds` from now: an incomplete answer when it ends before.
  RawAnswer read(bool head = false, int milliseconds = 5000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (true) {
      RawAnswer answer = parse_answer(bytes_, head, ended_);
      const auto left = until - std::chrono::steady_clock::now();
      if (answer.complete || ended_ || left.count() <= 0) return answer;
      if (readable(static_cast<int>(left / std::chrono::milliseconds(1)) + 1)) receive();
    }
  }
  // Whether the server closes within that time; what it sends before is kept.
  bool closes(int milliseconds = 5000) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (!ended_) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left.count() <= 0) return false;
      if (readable(static_cast<int>(left / std::chrono::milliseconds(1)) + 1)) receive();
    }
    return true;
  }
  void receive() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0)
      ended_ = true;
    else
      bytes_.append(buffer, static_cast<size_t>(n));
  }
  RawAnswer ask(std::string_view request, bool head = false) {
    send(request);
    return read(head);
  }
  const std::string& unread() const { return bytes_; }

 private:
  int fd_ = -1;
  bool ended_ = false;
  std::string bytes_;
};

inline std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more) + "\r\n";
}

inline std::string post(std::string_view target, std::string_view body,
                        std::string_view more = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

// A server whose access records can be waited for.
class TestServer {
 public:
  static ServerOptions options() {
    ServerOptions options;
    options.port = 0;
    return options;
  }
  // `keep_records` is for servers that end before they have answered millions of requests.
  explicit TestServer(Handler handler, ServerOptions server_options = options(),
                      bool keep_records = true)
      : keep_records_(keep_records), server_(std::move(server_options), hooks(std::move(handler))) {
    server_.start();
  }

  Server& server() { return server_; }
  uint16_t port() const { return server_.port(); }

  // The first `count` records, or those there are after five seconds.
  std::vector<AccessRecord> records(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(5), [&] { return records_.size() >= count; });
    return records_;
  }

 private:
  ServerHooks hooks(Handler handler) {
    ServerHooks hooks;
    hooks.handler = std::move(handler);
    hooks.error = [](int status, const std::string& message) {
      Response response;
      response.status = status;
      response.headers.set("Content-Type", "application/json");
      response.body = "{\"error\":\"" + message + "\"}";
      return response;
    };
    hooks.access = [this](const AccessRecord& record) {
      if (!keep_records_) return;
      const std::lock_guard lock(mutex_);
      records_.push_back(record);
      changed_.notify_all();
    };
    return hooks;
  }

  const bool keep_records_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<AccessRecord> records_;
  Server server_;
};

// Answers with "METHOD PATH?QUERY BODY".
inline Task echo(Exchange& exchange) {
  const Request& request = exchange.request();
  Response response;
  response.headers.set("Content-Type", "text/plain");
  response.body = request.method + " " + request.path;
  if (!request.query.empty()) response.body += "?" + request.query;
  response.body += " " + request.body;
  co_await exchange.reply(std::move(response));
}

}  // namespace parley::http

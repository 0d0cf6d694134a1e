// An HTTP/1.1 server for handlers that are coroutines: keep-alive, pipelining (answers in order),
// chunked bodies, 100-continue, HEAD, TLS, limits on everything a client can make large or slow.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/exchange.h"

namespace parley::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // or ::1, 0.0.0.0, …
  uint16_t port = 8080;               // 0: any free one
  std::string tls_certificate;        // PEM files; both or none
  std::string tls_key;
  std::vector<std::string> cors_origins;  // Access-Control-Allow-Origin; "*": any; empty: off
  // Takes X-Forwarded-For's last address as the peer when the connection comes from one of these.
  std::vector<std::string> trusted_proxies;

  int threads = 1;                           // that run the connections
  int64_t max_connections = 1024;            // more are answered 503 and closed
  int64_t max_header_bytes = 16 * 1024;      // else 431
  int64_t max_body_bytes = 8 * 1024 * 1024;  // else 413
  double header_seconds = 10;  // from the first byte to the last of the head, else 408
  double body_seconds = 60;    // from head to the body's last byte, else 408
  double idle_seconds = 75;    // between requests
  double write_seconds = 60;   // without progress of a write
};

// A finished exchange, for access logs and metrics.
struct AccessRecord {
  std::string id, peer, method, path, user_agent;
  int status = 0;                                 // 499: the client went away first
  int64_t request_bytes = 0, response_bytes = 0;  // bodies
  double seconds = 0;                             // from the request's last byte to the end
  std::vector<std::pair<std::string, std::string>> notes;
};

struct ServerHooks {
  Handler handler;
  // The body of errors the server itself makes (400, 408, 413, 431, 500, 503), so that they look
  // like the handler's own. Must set Content-Type.
  std::function<Response(int status, const std::string& message)> error;
  std::function<void(const AccessRecord&)> access;  // called on any of the server's threads
};

class Server {
 public:
  // Binds and listens. Error when it cannot, naming address and port, or the TLS file.
  Server(ServerOptions options, ServerHooks hooks);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"

  // Serves on its own threads; returns at once.
  void start();
  // Takes no more connections, and no more requests on those there are (Connection: close);
  // waits up to `seconds` for the exchanges under way, then closes what is left. True when all of
  // them ended by themselves.
  bool drain(double seconds);
  // drain(0)
  void stop();

  struct Numbers {
    int64_t connections = 0, active_exchanges = 0;
    int64_t accepted = 0, refused = 0, disconnected = 0;  // since the start
  };
  Numbers numbers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::http

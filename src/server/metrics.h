// What the server counts, for Prometheus.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"
#include "server/served_model.h"

namespace parley::server {

// A finished answer to an endpoint.
struct CallRecord {
  std::string_view route;  // the pattern, never the path
  std::string_view model;  // an id of the configuration, or empty
  int status = 200;        // 499: the client left
  double seconds = 0;
  double first_token_seconds = -1;     // from the request's last byte; < 0: there was none
  double between_tokens_seconds = -1;  // mean of the answer; < 0: fewer than two
  int64_t prompt_tokens = 0, cached_tokens = 0, answer_tokens = 0;
};

// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void observe(const CallRecord& record);
  // Everything in Prometheus's text format, with the engines' and the connections' state of now.
  std::string text(const ModelRegistry& models, const http::Server::Numbers& numbers);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::server

// All endpoints: who may call them, what it counts, and how errors leave.
#pragma once

#include <functional>
#include <memory>

#include "http/exchange.h"
#include "http/server.h"
#include "server/api_keys.h"
#include "server/context.h"

namespace parley::server {

// What the API stands on; all must outlive it.
struct ApiParts {
  ModelRegistry& models;
  ApiKeys* keys = nullptr;  // none: nobody is asked for a key
  RateLimits limits{};      // of those who have none of their own
  ApiOptions options{};
  std::function<http::Server::Numbers()> numbers{};  // for /metrics
};

class Api {
 public:
  explicit Api(ApiParts parts);
  ~Api();

  // For http::ServerHooks.
  http::Task handle(http::Exchange& exchange);
  static http::Response error(int status, const std::string& message);

  // For other front doors to the same endpoints, which know their callers themselves.
  Services& services();

  // From now on /ready says no, so that a load balancer sends no more.
  void leave();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::server

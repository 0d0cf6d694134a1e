#include "server/api.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "data/token_shard.h"
#include "server/chat.h"
#include "server/completions.h"
#include "server/metrics.h"
#include "server/rate_limit.h"
#include "server/routes.h"

namespace parley::server {
namespace {

struct Route {
  std::string_view method, path;  // a path that ends with "/*" takes what follows as a name
  bool open;                      // without a key
  std::function<http::Task(Call&)> endpoint;

  bool matches(std::string_view asked) const {
    if (!path.ends_with("/*")) return asked == path;
    const std::string_view begin = path.substr(0, path.size() - 1);
    return asked.size() > begin.size() && asked.starts_with(begin);
  }
};

// What follows the last fixed part of a "/*" path.
std::string name_in(const http::Request& request, std::string_view path) {
  return request.path.substr(path.size() - 1);
}

std::string_view bearer(const http::Request& request) {
  const auto header = request.headers.find("Authorization");
  if (!header) return {};
  std::string_view value = *header;
  constexpr std::string_view kScheme = "bearer ";
  if (value.size() <= kScheme.size() ||
      !std::ranges::equal(value.substr(0, kScheme.size()), kScheme,
                          [](char a, char b) { return (a | 0x20) == b; }))
    return {};
  value.remove_prefix(kScheme.size());
  return value.substr(std::min(value.find_first_not_of(' '), value.size()));
}

// Who asks, and for what.
struct Caller {
  std::string name;  // the key's id, or the address
  RateLimits limits;
  const Route* route = nullptr;
  int64_t taken = 0;  // tokens, from the limit
};

ApiError too_much(const RateLimiter::Verdict& verdict, const RateLimits& limits) {
  const std::string what = verdict.by_tokens ? "tokens" : "requests";
  const int64_t limit = verdict.by_tokens ? limits.tokens_per_minute : limits.requests_per_minute;
  ApiError error(429,
                 verdict.never
                     ? fmt::format("The request asks for more tokens than the limit of {} a minute "
                                   "allows. Shorten the prompt or lower the most tokens.",
                                   limit)
                     : fmt::format("Rate limit reached: {} {} a minute. Please try again in {}.",
                                   limit, what, duration_text(verdict.retry_after)),
                 {}, "rate_limit_exceeded");
  error.type = what;
  error.retry_after = verdict.retry_after;
  return error;
}

}  // namespace

struct Api::Impl {
  explicit Impl(ApiParts given)
      : parts(given), pool(1), services{parts.models, grammars, pool, parts.options} {
    add_routes();
  }
  ~Impl() { pool.join(); }

  void add_routes();
  const Route& find_route(const http::Request& request) const;
  void identify(Call& call, Caller& caller) const;
  void limit(Call& call, const Caller& caller);
  http::Task answer(Call& call, Caller& caller);
  void record(const Call& call, const Caller& caller, int status);
  http::Task plain(Call& call, int status, std::string text, std::string type) const;

  ApiParts parts;
  RateLimiter limiter;
  Metrics metrics;
  GrammarCache grammars;
  boost::asio::thread_pool pool;
  Services services;
  std::vector<Route> routes;
  std::atomic<bool> leaving = false;
};

void Api::Impl::add_routes() {
  constexpr std::string_view kModel = "/v1/models/*";
  routes = {
      {"GET", "/v1/models", false, list_models},
      {"GET", kModel, false,
       [=](Call& call) { return show_model(call, name_in(call.exchange.request(), kModel)); }},
      {"POST", "/v1/completions", false, completions},
      {"POST", "/v1/chat/completions", false, chat_completions},
      {"POST", "/v1/embeddings", false, embeddings},
      {"POST", "/v1/moderations", false, moderations},
      {"POST", "/tokenize", false, tokenize},
      {"POST", "/detokenize", false, detokenize},
      {"GET", "/tokenizer_info", false, tokenizer_info},
      {"GET", "/health", true,
       [this](Call& call) { return plain(call, 200, R"({"status":"ok"})", "application/json"); }},
      {"GET", "/ready", true,
       [this](Call& call) {
         const bool ready = !leaving;
         return plain(call, ready ? 200 : 503,
                      ready ? R"({"status":"ready"})" : R"({"status":"leaving"})",
                      "application/json");
       }},
      {"GET", "/metrics", true,
       [this](Call& call) {
         const auto numbers = parts.numbers ? parts.numbers() : http::Server::Numbers{};
         return plain(call, 200, metrics.text(parts.models, numbers),
                      "text/plain; version=0.0.4; charset=utf-8");
       }},
  };
}

// Finds the key. ApiError 401 or 403.
void Api::Impl::identify(Call& call, Caller& caller) const {
  const http::Request& request = call.exchange.request();
  caller.name = request.peer;
  caller.limits = parts.limits;
  if (parts.keys) {
    const std::string_view key = bearer(request);
    if (key.empty())
      throw ApiError(401,
                     "You didn't provide an API key. Send it in an Authorization header: "
                     "Authorization: Bearer YOUR_KEY. `parley key new` makes one.");
    ApiKey found;
    switch (parts.keys->check(key, &found)) {
      case KeyStatus::kGood: break;
      case KeyStatus::kUnknown:
        throw ApiError(401, "Incorrect API key provided.", {}, "invalid_api_key");
      case KeyStatus::kDisabled:
        throw ApiError(403, "This API key has been revoked.", {}, "key_revoked");
      case KeyStatus::kExpired: throw ApiError(403, "This API key has expired.", {}, "key_expired");
    }
    caller.name = found.id;
    call.exchange.note("key", found.id);
    if (found.limits.requests_per_minute > 0)
      caller.limits.requests_per_minute = found.limits.requests_per_minute;
    if (found.limits.tokens_per_minute > 0)
      caller.limits.tokens_per_minute = found.limits.tokens_per_minute;
  }
  call.client = data::fnv1a(caller.name);
}

// Counts the request, and lets the endpoint count its tokens. ApiError 429.
void Api::Impl::limit(Call& call, const Caller& caller) {
  const RateLimiter::Verdict verdict = limiter.take_request(caller.name, caller.limits);
  limiter.describe(caller.name, caller.limits, call.headers);
  if (!verdict.allowed) throw too_much(verdict, caller.limits);
}

const Route& Api::Impl::find_route(const http::Request& request) const {
  const std::string& method = request.method;
  std::string allowed;
  for (const Route& route : routes) {
    if (!route.matches(request.path)) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) return route;
    allowed = route.method;
  }
  const std::string url = fmt::format("{} {}", method, request.path.substr(0, 200));
  if (allowed.empty())
    throw ApiError(404,
                   fmt::format("Unknown request URL: {}. docs/api.md lists the endpoints.", url),
                   {}, "unknown_url");
  throw ApiError(405, fmt::format("Not allowed: {}. Use {}.", url, allowed), {},
                 "method_not_allowed");
}

http::Task Api::Impl::plain(Call& call, int status, std::string text, std::string type) const {
  http::Response response{.status = status, .headers = {}, .body = std::move(text)};
  response.headers.set("Content-Type", type);
  response.headers.set("Cache-Control", "no-store");
  co_await call.exchange.reply(std::move(response));
}

http::Task Api::Impl::answer(Call& call, Caller& caller) {
  const Route& route = find_route(call.exchange.request());
  caller.route = &route;
  if (!route.open) {
    identify(call, caller);
    limit(call, caller);
    call.admit = [&](int64_t prompt_tokens, int64_t max_tokens) {
      const int64_t tokens = prompt_tokens + max_tokens;
      const RateLimiter::Verdict verdict = limiter.take_tokens(caller.name, caller.limits, tokens);
      limiter.describe(caller.name, caller.limits, call.headers);
      if (!verdict.allowed) throw too_much(verdict, caller.limits);
      caller.taken = tokens;
    };
  }
  co_await route.endpoint(call);
}

// The exchange is over.
void Api::Impl::record(const Call& call, const Caller& caller, int status) {
  if (caller.taken > 0)
    limiter.give_back(caller.name, caller.limits,
                      caller.taken - call.prompt_tokens - call.answer_tokens);
  if (!caller.route) {
    metrics.observe({.route = "unknown", .model = {}, .status = status});
    return;
  }
  const auto since = [&](Clock::time_point then) {
    return std::chrono::duration<double>(then - call.exchange.request().received).count();
  };
  CallRecord done{.route = caller.route->path, .model = call.model, .status = status};
  done.seconds = since(Clock::now());
  done.prompt_tokens = call.prompt_tokens;
  done.cached_tokens = call.cached_tokens;
  done.answer_tokens = call.answer_tokens;
  if (call.first_token != Clock::time_point{}) {
    done.first_token_seconds = since(call.first_token);
    if (call.answers == 1 && call.answer_tokens > 1)
      done.between_tokens_seconds = (since(call.last_token) - since(call.first_token)) /
                                    static_cast<double>(call.answer_tokens - 1);
  }
  metrics.observe(done);
  if (call.model.empty()) return;
  call.exchange.note("prompt_tokens", std::to_string(call.prompt_tokens));
  call.exchange.note("answer_tokens", std::to_string(call.answer_tokens));
}

Api::Api(ApiParts parts) : impl_(std::make_unique<Impl>(parts)) {}
Api::~Api() = default;

Services& Api::services() { return impl_->services; }

void Api::leave() { impl_->leaving = true; }

http::Response Api::error(int status, const std::string& message) {
  return error_response(ApiError(status, message));
}

http::Task Api::handle(http::Exchange& exchange) {
  Call call{.exchange = exchange, .services = impl_->services};
  Caller caller;
  std::optional<ApiError> failed;
  int status = 200;
  try {
    co_await impl_->answer(call, caller);
  } catch (const ApiError& error) {
    failed = error;
  } catch (const http::Disconnected&) {
    status = 499;  // nobody is there to be told
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", exchange.request().method, exchange.request().path, error.what());
    failed.emplace(500, "The server had an error while processing your request. Sorry about that!");
  }
  if (failed) status = failed->status;
  impl_->record(call, caller, exchange.disconnected() ? 499 : status);
  if (failed && !exchange.disconnected()) {
    if (exchange.begun()) {
      const std::string event = error_event(*failed);
      co_await exchange.write(event);
      co_await exchange.end();
    } else {
      http::Response response = error_response(*failed);
      const http::Headers headers = call.answer_headers();
      for (const auto& [name, value] : headers.fields()) response.headers.set(name, value);
      co_await exchange.reply(std::move(response));
    }
  }
}

}  // namespace parley::server

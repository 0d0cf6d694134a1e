#include "server/api.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "server/chat.h"
#include "server/completions.h"
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

}  // namespace

struct Api::Impl {
  explicit Impl(ApiParts given)
      : parts(given), pool(1), services{parts.models, grammars, pool, parts.options} {
    add_routes();
  }
  ~Impl() { pool.join(); }

  void add_routes();
  const Route& find_route(const http::Request& request) const;
  http::Task answer(Call& call);
  http::Task plain(Call& call, int status, std::string text, std::string type) const;

  ApiParts parts;
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
  };
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

http::Task Api::Impl::answer(Call& call) {
  const Route& route = find_route(call.exchange.request());
  co_await route.endpoint(call);
}

Api::Api(ApiParts parts) : impl_(std::make_unique<Impl>(parts)) {}
Api::~Api() = default;

void Api::leave() { impl_->leaving = true; }

http::Response Api::error(int status, const std::string& message) {
  return error_response(ApiError(status, message));
}

http::Task Api::handle(http::Exchange& exchange) {
  Call call{.exchange = exchange, .services = impl_->services};
  std::optional<ApiError> failed;
  try {
    co_await impl_->answer(call);
  } catch (const ApiError& error) {
    failed = error;
  } catch (const http::Disconnected&) {
    // Nobody is there to be told.
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", exchange.request().method, exchange.request().path, error.what());
    failed.emplace(500, "The server had an error while processing your request. Sorry about that!");
  }
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

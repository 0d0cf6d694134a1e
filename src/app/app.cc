#include "app/app.h"

#include <algorithm>
#include <array>

#include "app/guard.h"
#include "app/jobs.h"
#include "app/origin.h"
#include "app/router.h"
#include "app/sessions.h"
#include "app/web_files.h"
#include "base/log.h"

namespace parley::app {
namespace {

namespace asio = boost::asio;

constexpr size_t kPoolThreads = 8;  // they wait for the database, mostly
constexpr std::string_view kApi = "/app/api/";

}  // namespace

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (auto* part : {session_routes, account_routes, conversation_routes, transfer_routes,
                     message_routes, memory_routes, document_routes, preset_routes, feedback_routes,
                     playground_routes, training_routes})
    for (Route& route : part()) all.push_back(std::move(route));
  return all;
}

struct App::Impl {
  Impl(AppOptions given, server::ModelRegistry& models, server::Services& api,
       std::span<const char> pack)
      : options(std::move(given)),
        store(store::Store::open(options.database)),
        files(options.web, pack),
        router(all_routes()),
        jobs({.store = *store, .options = options, .pool = pool}),
        services{.store = *store,
                 .models = models,
                 .api = api,
                 .pool = pool,
                 .jobs = jobs,
                 .guard = guard,
                 .options = options} {}

  http::Task answer(Call& call);
  http::Task file(Call& call) const;
  http::Task fail(Call& call, const ApiError& error) const;
  void clean();

  // The jobs end first, which takes the pool; then everything that blocks.
  struct Pool : asio::thread_pool {
    using asio::thread_pool::thread_pool;
    ~Pool() { join(); }
  };
  const AppOptions options;
  std::unique_ptr<store::Store> store;
  WebFiles files;
  Router router;
  Guard guard;
  Pool pool{kPoolThreads};
  Jobs jobs;
  Services services;
  std::atomic<store::Time> cleaned = 0;
};

http::Task App::Impl::file(Call& call) const {
  const http::Request& request = call.exchange.request();
  if (request.method != "GET" && request.method != "HEAD")
    throw ApiError(405,
                   fmt::format("Not allowed: {} {}. Use GET.", request.method.substr(0, 20),
                               request.path.substr(0, 200)),
                   {}, "method_not_allowed");
  http::Response response = files.get(request);
  co_await call.exchange.reply(std::move(response));
}

// Once an hour, by whoever comes by.
void App::Impl::clean() {
  constexpr store::Time kHour = 3'600'000;
  store::Time last = cleaned;
  const store::Time now = store::now();
  if (now - last < kHour || !cleaned.compare_exchange_strong(last, now)) return;
  store->remove_expired_sessions();
}

http::Task App::Impl::answer(Call& call) {
  const http::Request& request = call.exchange.request();
  check_host(options, request);
  if (!request.path.starts_with(kApi)) {
    co_await file(call);
    co_return;
  }
  const Route& route = router.find(request.method, request.path, call.parts);
  if (request.method != "GET" && request.method != "HEAD") check_origin(options, request);
  auto look = [&] {
    clean();
    find_session(call);
  };
  co_await call.blocking(look);
  if (!call.user.id.empty()) call.exchange.note("user", call.user.id);
  check_access(call, route.access);
  co_await route.endpoint(call);
}

http::Task App::Impl::fail(Call& call, const ApiError& error) const {
  if (call.exchange.begun()) {
    const std::string event = server::error_event(error);
    co_await call.exchange.write(event);
    co_await call.exchange.end();
    co_return;
  }
  http::Response response = server::error_response(error);
  for (const auto& [name, value] : call.headers.fields()) response.headers.set(name, value);
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_await call.exchange.reply(std::move(response));
}

App::App(AppOptions options, server::ModelRegistry& models, server::Services& api,
         std::span<const char> pack)
    : impl_(std::make_unique<Impl>(std::move(options), models, api, pack)) {}

App::~App() = default;

bool App::owns(std::string_view method, std::string_view path) {
  if (path.starts_with("/app/")) return true;
  if (method != "GET" && method != "HEAD") return false;
  // The endpoints of server/api.h.
  static constexpr std::array<std::string_view, 6> kOthers = {
      "/tokenize", "/detokenize", "/tokenizer_info", "/health", "/ready", "/metrics"};
  return path != "/v1" && !path.starts_with("/v1/") &&
         std::ranges::find(kOthers, path) == kOthers.end();
}

void App::drain(double seconds) { impl_->jobs.drain(seconds); }

http::Task App::handle(http::Exchange& exchange) {
  Call call{.exchange = exchange, .services = impl_->services};
  std::optional<ApiError> failed;
  try {
    co_await impl_->answer(call);
  } catch (const ApiError& error) {
    failed = error;
  } catch (const http::Disconnected&) {  // nobody is there to be told
  } catch (const store::Conflict& error) {
    failed.emplace(409, error.what(), "", "conflict");
  } catch (const std::exception& error) {
    spdlog::error("{} {}: {}", exchange.request().method, exchange.request().path, error.what());
    failed.emplace(500,
                   "The server had an error while processing your request. Its log says more.");
  }
  if (failed && !exchange.disconnected()) {
    try {
      co_await impl_->fail(call, *failed);
    } catch (const http::Disconnected&) {
    }
  }
}

}  // namespace parley::app

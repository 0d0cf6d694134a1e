#include "app/training.h"

namespace parley::app {
namespace {

constexpr size_t kMostPoints = 2000, kMostNew = 5000;

ApiError not_configured() {
  return {404,
          "This server shows no training runs. Start `parley serve` with --runs DIR.",
          {},
          "not_configured"};
}

RunFolder folder_of(const Call& call) {
  if (call.services.options.runs.empty()) throw not_configured();
  return RunFolder(call.services.options.runs);
}

http::Task list_runs(Call& call) {
  if (call.services.options.runs.empty()) {
    const Json none = {{"configured", false}, {"runs", Json::array()}};
    co_await call.reply(none);
    co_return;
  }
  auto read = [&] { return Json({{"configured", true}, {"runs", folder_of(call).runs()}}); };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

http::Task show_metrics(Call& call) {
  const int64_t after = call.number("after", -1, -1, INT64_MAX);
  auto read = [&] {
    return folder_of(call).metrics(call.parts[0], after, after < 0 ? kMostPoints : kMostNew);
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

http::Task show_samples(Call& call) {
  auto read = [&] { return Json({{"markdown", folder_of(call).samples(call.parts[0])}}); };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

http::Task list_winrates(Call& call) {
  if (call.services.options.runs.empty()) {
    const Json none = {{"tables", Json::array()}};
    co_await call.reply(none);
    co_return;
  }
  auto read = [&] { return Json({{"tables", folder_of(call).winrates()}}); };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

}  // namespace

std::vector<Route> training_routes() {
  return {
      {"GET", "/app/api/runs", Access::kUser, list_runs},
      {"GET", "/app/api/runs/{name*}/metrics", Access::kUser, show_metrics},
      {"GET", "/app/api/runs/{name*}/samples", Access::kUser, show_samples},
      {"GET", "/app/api/winrates", Access::kUser, list_winrates},
  };
}

}  // namespace parley::app

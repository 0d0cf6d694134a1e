#include "app/call.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace parley::app {
namespace {

// A name as it may stand between quotation marks in a header: everything else becomes "_".
std::string header_name(std::string_view name) {
  std::string safe;
  for (const char c : name) {
    const bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\' && c != '/' && c != '%';
    safe += plain ? c : '_';
  }
  return safe;
}

// RFC 5987: any name, percent-encoded.
std::string encoded_name(std::string_view name) {
  std::string encoded;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

constexpr store::Time kQuotaDay = 86'400'000;

}  // namespace

Json Call::body() const { return server::parse_body(exchange.request().body); }

std::string Call::text(std::string_view name) const {
  return exchange.request().parameter(name).value_or("");
}

int64_t Call::number(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const {
  const auto given = exchange.request().parameter(name);
  if (!given || given->empty()) return otherwise;
  int64_t value = 0;
  const char* const last = given->data() + given->size();
  const auto [end, error] = std::from_chars(given->data(), last, value);
  if (error == std::errc::result_out_of_range && end == last)
    return given->front() == '-' ? least : most;
  if (error != std::errc() || end != last)
    server::bad_request(std::string(name), fmt::format("'{}' must be an integer, but it is '{}'.",
                                                       name, given->substr(0, 100)));
  return std::clamp(value, least, most);
}

http::Task Call::reply(const Json& json, int status) {
  http::Response response{.status = status, .headers = headers, .body = server::dump(json)};
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_await exchange.reply(std::move(response));
}

http::Task Call::reply_file(std::string bytes, std::string_view type, std::string_view name) {
  http::Response response{.status = 200, .headers = headers, .body = std::move(bytes)};
  response.headers.set("Content-Type", type);
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Content-Disposition",
                       fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}",
                                   header_name(name), encoded_name(name)));
  co_await exchange.reply(std::move(response));
}

std::string day_of(store::Time time) {
  const std::time_t seconds = time / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

void check_quota(store::Store& store, const AppOptions& options, const store::User& user) {
  const int64_t limit = user.daily_tokens > 0 ? user.daily_tokens : options.daily_tokens;
  if (limit <= 0) return;
  const store::Time now = store::now();
  if (store.usage(user.id, day_of(now)) < limit) return;
  const store::Time reset = (now / kQuotaDay + 1) * kQuotaDay;
  const int64_t minutes = (reset - now) / 60'000 + 1;
  ApiError error(429,
                 fmt::format("Your {} tokens of today are used up. The count begins anew at 00:00 "
                             "UTC, in {} h {} min.",
                             limit, minutes / 60, minutes % 60),
                 {}, "quota");
  error.retry_after = static_cast<double>(reset - now) / 1000;
  throw error;
}

void count_tokens(store::Store& store, const store::User& user, int64_t tokens) {
  if (tokens > 0) store.add_usage(user.id, day_of(store::now()), tokens);
}

std::shared_ptr<server::ServedModel> find_model(const server::ModelRegistry& models,
                                                const std::string& name) {
  auto found = models.find(name);
  if (!found && name.empty()) {
    const auto all = models.all();
    if (!all.empty()) found = all.front();
  }
  if (!found)
    throw ApiError(404,
                   fmt::format("The model `{}` is not served here any more. Choose another one.",
                               name.substr(0, 200)),
                   "model", "model_not_found");
  return found;
}

ApiError not_found(std::string_view what) {
  return {404, fmt::format("There is no such {}.", what), {}, "not_found"};
}

}  // namespace parley::app

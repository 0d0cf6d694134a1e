#include "server/api_error.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace parley::server {
namespace {

using Json = nlohmann::ordered_json;

std::string error_body(const ApiError& error) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const Json body = {{"error",
                      {{"message", error.what()},
                       {"type", error.type.empty() ? error_type(error.status) : error.type},
                       {"param", or_null(error.param)},
                       {"code", or_null(error.code)}}}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void bad_request(std::string param, std::string message, std::string code) {
  throw ApiError(400, std::move(message), std::move(param), std::move(code));
}

ApiError queue_full() {
  ApiError error(429, "The server has as many requests waiting as it takes. Retry later.", {},
                 "rate_limit_exceeded");
  error.retry_after = 1;
  return error;
}

ApiError shutting_down() {
  ApiError error(503, "The server is shutting down. Retry with another one.", {}, "shutdown");
  error.retry_after = 1;
  return error;
}

ApiError timed_out() {
  return {503, "The request took longer than this server allows.", {}, "timeout"};
}

std::string_view error_type(int status) {
  switch (status) {
    case 403: return "permission_error";
    case 429: return "requests";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

http::Response error_response(const ApiError& error) {
  http::Response response{.status = error.status, .headers = {}, .body = error_body(error)};
  response.headers.set("Content-Type", "application/json");
  if (error.retry_after > 0) {
    response.headers.set("Retry-After", std::to_string(std::lround(std::ceil(error.retry_after))));
    response.headers.set("Retry-After-Ms", std::to_string(std::lround(1000 * error.retry_after)));
  }
  if (error.should_retry) response.headers.set("X-Should-Retry", "true");
  if (error.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

std::string error_event(const ApiError& error) { return "data: " + error_body(error) + "\n\n"; }

}  // namespace parley::server

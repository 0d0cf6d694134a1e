// What a request did wrong, as OpenAI's API says it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace parley::server {

// Becomes {"error": {"message", "type", "param", "code"}} with an HTTP status, which the SDKs turn
// into their exceptions. Empty `param` and `code` are null.
class ApiError : public base::Error {
 public:
  ApiError(int http_status, std::string message, std::string error_param = {},
           std::string error_code = {})
      : Error(message),
        status(http_status),
        param(std::move(error_param)),
        code(std::move(error_code)) {}

  int status;
  std::string param, code;
  std::string type{};         // empty: by the status
  double retry_after = 0;     // seconds; 0: not said
  bool should_retry = false;  // x-should-retry: true, whatever the status
};

// 400, with the parameter it is about.
[[noreturn]] void bad_request(std::string param, std::string message, std::string code = {});

// What happens to any request: the queue is full (429), the server ends (503), the time limit
// (503).
ApiError queue_full();
ApiError shutting_down();
ApiError timed_out();

// The type that goes with a status: invalid_request_error, server_error, ….
std::string_view error_type(int status);

http::Response error_response(const ApiError& error);
// An event of a stream that has begun: `data: {"error": …}` and a blank line.
std::string error_event(const ApiError& error);

}  // namespace parley::server

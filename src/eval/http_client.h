// Requests to web services, with time-outs and patience.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::eval {

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{120'000};  // of one attempt, from its start to its end
  int retries = 5;                             // after the first attempt
  std::chrono::milliseconds backoff{1'000};    // before the first retry; doubles each time
  std::chrono::milliseconds max_backoff{60'000};
  size_t max_bytes = 16 << 20;  // of an answer
};

struct HttpResponse {
  int status = 0;    // 200, 404, …
  std::string body;  // as it came
  int attempts = 1;  // how many it took
};

// One connection, kept open between requests. Not for several threads at once; each may have
// its own.
class HttpClient {
 public:
  explicit HttpClient(const HttpOptions& options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // POSTs `body` to an http or https address with these headers ("Name: value"). Answers 408,
  // 425, 429 and 5xx, broken connections and time-outs are tried again after the back-off, or as
  // long as Retry-After says (at most max_backoff). Redirects are not followed: a key in the
  // headers goes to the named host only. Returns any other answer; Error, naming the address
  // without its query, when the attempts are used up, the answer is too large, the address is
  // malformed, or the user interrupts.
  HttpResponse post(const std::string& url, const std::vector<std::string>& headers,
                    std::string_view body);

 private:
  struct Attempt;
  Attempt attempt(const std::string& url, const void* headers, std::string_view body);
  void wait(std::chrono::milliseconds time) const;

  HttpOptions options_;
  void* curl_;  // CURL*
};

}  // namespace parley::eval

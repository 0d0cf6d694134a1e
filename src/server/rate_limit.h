// Token buckets: how many requests and tokens a caller may use in a minute.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "http/message.h"
#include "server/api_keys.h"

namespace parley::server {

// Thread-safe. Forgets callers that have not been seen for ten minutes.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  struct Verdict {
    bool allowed = true;
    bool by_tokens = false;  // what was too much
    bool never = false;      // the request alone is more than a minute's worth
    double retry_after = 0;  // seconds
  };
  // Takes one request.
  Verdict take_request(const std::string& caller, const RateLimits& limits,
                       Clock::time_point now = Clock::now());
  // Takes so many tokens (prompt, and the most an answer may have), before they are made.
  Verdict take_tokens(const std::string& caller, const RateLimits& limits, int64_t tokens,
                      Clock::time_point now = Clock::now());
  // Gives back what was taken and not used.
  void give_back(const std::string& caller, const RateLimits& limits, int64_t tokens);
  // x-ratelimit-{limit,remaining,reset}-{requests,tokens}, for the limits there are.
  void describe(const std::string& caller, const RateLimits& limits, http::Headers& headers,
                Clock::time_point now = Clock::now());

 private:
  // Fills evenly up to `limit` in a minute.
  struct Bucket {
    double level = 0;
    bool fresh = true;
    void fill(int64_t limit, double seconds);
  };
  struct Caller {
    Bucket requests, tokens;
    Clock::time_point seen{};
  };
  Caller& caller(const std::string& name, const RateLimits& limits, Clock::time_point now);
  void forget_idle(Clock::time_point now);

  std::mutex mutex_;
  std::unordered_map<std::string, Caller> callers_;
  Clock::time_point cleaned_{};
};

// As OpenAI writes durations: "8ms", "1.5s", "6m0s".
std::string duration_text(double seconds);

}  // namespace parley::server

#include "server/rate_limit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace parley::server {
namespace {

constexpr double kWindow = 60;  // seconds
constexpr std::chrono::minutes kIdle{10};

double wait_for(double missing, int64_t limit) {
  return missing / static_cast<double>(limit) * kWindow;
}

}  // namespace

void RateLimiter::Bucket::fill(int64_t limit, double seconds) {
  const auto top = static_cast<double>(limit);
  level = fresh ? top : std::min(top, level + top * seconds / kWindow);
  fresh = false;
}

RateLimiter::Caller& RateLimiter::caller(const std::string& name, const RateLimits& limits,
                                         Clock::time_point now) {
  forget_idle(now);
  Caller& found = callers_[name];
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - found.seen).count());
  if (limits.requests_per_minute > 0) found.requests.fill(limits.requests_per_minute, seconds);
  if (limits.tokens_per_minute > 0) found.tokens.fill(limits.tokens_per_minute, seconds);
  found.seen = std::max(now, found.seen);
  return found;
}

void RateLimiter::forget_idle(Clock::time_point now) {
  if (now < cleaned_ + kIdle) return;
  cleaned_ = now;
  std::erase_if(callers_, [&](const auto& entry) { return entry.second.seen + kIdle < now; });
}

RateLimiter::Verdict RateLimiter::take_request(const std::string& name, const RateLimits& limits,
                                               Clock::time_point now) {
  if (limits.requests_per_minute <= 0) return {};
  const std::lock_guard lock(mutex_);
  Bucket& bucket = caller(name, limits, now).requests;
  if (bucket.level < 1)
    return {false, false, false, wait_for(1 - bucket.level, limits.requests_per_minute)};
  bucket.level -= 1;
  return {};
}

RateLimiter::Verdict RateLimiter::take_tokens(const std::string& name, const RateLimits& limits,
                                              int64_t tokens, Clock::time_point now) {
  if (limits.tokens_per_minute <= 0) return {};
  const std::lock_guard lock(mutex_);
  Bucket& bucket = caller(name, limits, now).tokens;
  const auto wanted = static_cast<double>(tokens);
  if (tokens > limits.tokens_per_minute) return {false, true, true, 0};
  if (bucket.level < wanted)
    return {false, true, false, wait_for(wanted - bucket.level, limits.tokens_per_minute)};
  bucket.level -= wanted;
  return {};
}

void RateLimiter::give_back(const std::string& name, const RateLimits& limits, int64_t tokens) {
  if (limits.tokens_per_minute <= 0 || tokens <= 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = callers_.find(name);
  if (found == callers_.end()) return;
  double& level = found->second.tokens.level;
  level =
      std::min(level + static_cast<double>(tokens), static_cast<double>(limits.tokens_per_minute));
}

void RateLimiter::describe(const std::string& name, const RateLimits& limits,
                           http::Headers& headers, Clock::time_point now) {
  if (limits.requests_per_minute <= 0 && limits.tokens_per_minute <= 0) return;
  const std::lock_guard lock(mutex_);
  Caller& found = caller(name, limits, now);
  const auto tell = [&](std::string_view what, const Bucket& bucket, int64_t limit) {
    if (limit <= 0) return;
    headers.set(fmt::format("x-ratelimit-limit-{}", what), std::to_string(limit));
    headers.set(fmt::format("x-ratelimit-remaining-{}", what),
                std::to_string(static_cast<int64_t>(bucket.level)));
    headers.set(fmt::format("x-ratelimit-reset-{}", what),
                duration_text(wait_for(static_cast<double>(limit) - bucket.level, limit)));
  };
  tell("requests", found.requests, limits.requests_per_minute);
  tell("tokens", found.tokens, limits.tokens_per_minute);
}

std::string duration_text(double seconds) {
  if (seconds < 1) return fmt::format("{}ms", std::lround(seconds * 1000));
  if (seconds < 60) {
    // At most three decimals, none that are zero.
    std::string text = fmt::format("{:.3f}", seconds);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + "s";
  }
  const auto whole = static_cast<int64_t>(std::lround(seconds));
  return fmt::format("{}m{}s", whole / 60, whole % 60);
}

}  // namespace parley::server

// So many attempts in so much time.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

namespace parley::app {

// Counts by key (a name, an address). Thread-safe; forgets what is older than the window.
class Throttle {
 public:
  using Clock = std::chrono::steady_clock;

  Throttle(size_t most, std::chrono::seconds window) : most_(most), window_(window) {}

  // Counts an attempt. Seconds until the next one is allowed; 0: this one is.
  double take(const std::string& key, Clock::time_point now = Clock::now());
  // The last attempt was a good one: it does not count.
  void forgive(const std::string& key);

 private:
  void forget(Clock::time_point now);

  const size_t most_;
  const std::chrono::seconds window_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::deque<Clock::time_point>> attempts_;
  Clock::time_point cleaned_{};
};

}  // namespace parley::app

#include "app/throttle.h"

namespace parley::app {

double Throttle::take(const std::string& key, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  forget(now);
  auto& times = attempts_[key];
  while (!times.empty() && times.front() + window_ <= now) times.pop_front();
  if (times.size() >= most_)
    return std::chrono::duration<double>(times.front() + window_ - now).count();
  times.push_back(now);
  return 0;
}

void Throttle::forgive(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = attempts_.find(key);
  if (found == attempts_.end() || found->second.empty()) return;
  found->second.pop_back();
  if (found->second.empty()) attempts_.erase(found);
}

// Now and then all that is old, so that keys nobody uses again do not stay.
void Throttle::forget(Clock::time_point now) {
  if (now < cleaned_ + window_ / 4) return;
  cleaned_ = now;
  std::erase_if(attempts_, [&](const auto& entry) {
    return entry.second.empty() || entry.second.back() + window_ <= now;
  });
}

}  // namespace parley::app

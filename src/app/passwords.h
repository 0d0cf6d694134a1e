// Passwords: argon2id, as PHC strings.
#pragma once

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <string_view>

#include "server/api_error.h"

namespace parley::app {

constexpr size_t kLeastPassword = 8;    // characters
constexpr size_t kMostPassword = 1024;  // bytes

// ApiError 400 `weak_password` when it is too short or too long.
void require_good_password(std::string_view password);

// About 40 ms and 32 MiB each. Error when there is no memory.
std::string hash_password(std::string_view password);
// An empty or odd hash fits nothing, in the same time as a good one.
bool check_password(const std::string& hash, std::string_view password);

// Hashing takes memory and time: it has two threads of its own, and a bounded queue.
class PasswordQueue {
 public:
  ~PasswordQueue() { pool_.join(); }

  // Runs `work` there, and comes back. ApiError 503 `busy` when too many wait.
  template <typename Work>
  auto run(Work work) -> boost::asio::awaitable<decltype(work())> {
    using Result = decltype(work());
    const Place place(waiting_);
    auto there = [](Work job) -> boost::asio::awaitable<Result> { co_return job(); };
    co_return co_await boost::asio::co_spawn(pool_, there(std::move(work)),
                                             boost::asio::use_awaitable);
  }

 private:
  static constexpr int kMost = 32;
  struct Place {
    explicit Place(std::atomic<int>& counter) : count(counter) {
      if (++count <= kMost) return;
      --count;
      server::ApiError error(503, "Too many people log in at once. Try again in a moment.", {},
                             "busy");
      error.retry_after = 1;
      throw error;
    }
    ~Place() { --count; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    std::atomic<int>& count;
  };

  std::atomic<int> waiting_ = 0;
  boost::asio::thread_pool pool_{2};
};

}  // namespace parley::app

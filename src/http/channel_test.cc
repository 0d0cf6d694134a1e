#include "http/channel.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace parley::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Channel, EverythingArrivesInOrderOfItsThread) {
  constexpr int kThreads = 4, kEach = 20000;
  asio::io_context io(1);
  Channel<std::pair<int, int>> channel(io.get_executor());
  std::vector<int> next(kThreads, 0);
  int total = 0;
  const auto consume = [&]() -> asio::awaitable<void> {
    while (true) {
      const auto values = co_await channel.pop_all();
      if (values.empty()) co_return;
      for (const auto& [thread, value] : values) {
        EXPECT_EQ(value, next[thread]++);
        ++total;
      }
    }
  };
  asio::co_spawn(io, consume(), asio::detached);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&channel, t] {
      for (int i = 0; i < kEach; ++i) channel.push({t, i});
    });
  std::thread closer([&] {
    for (std::thread& thread : threads) thread.join();
    channel.close();
  });
  io.run();
  closer.join();
  EXPECT_EQ(total, kThreads * kEach);
}

TEST(Channel, GivesUpAtATime) {
  asio::io_context io(1);
  Channel<int> channel(io.get_executor());
  size_t first = 9, second = 0;
  const auto began = steady_clock::now();
  const auto consume = [&]() -> asio::awaitable<void> {
    first = (co_await channel.pop_all(began + milliseconds(50))).size();
    channel.push(1);
    channel.push(2);
    second = (co_await channel.pop_all(began)).size();
  };
  asio::co_spawn(io, consume(), asio::detached);
  io.run();
  EXPECT_EQ(first, 0u);
  EXPECT_GE(steady_clock::now() - began, milliseconds(50));
  EXPECT_EQ(second, 2u);
}

TEST(Channel, AfterTheEnd) {
  asio::io_context io(1);
  Channel<int> channel(io.get_executor());
  channel.push(1);
  channel.close();
  channel.push(2);
  std::vector<size_t> sizes;
  const auto consume = [&]() -> asio::awaitable<void> {
    sizes.push_back((co_await channel.pop_all()).size());
    sizes.push_back((co_await channel.pop_all()).size());
  };
  asio::co_spawn(io, consume(), asio::detached);
  io.run();
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 0}));
}

TEST(Channel, OutlivesTheContextOfItsConsumer) {
  auto io = std::make_unique<asio::io_context>(1);
  Channel<int> channel(io->get_executor());
  const auto consume = [&]() -> asio::awaitable<void> { co_await channel.pop_all(); };
  asio::co_spawn(*io, consume(), asio::detached);
  io->poll();
  io.reset();  // destroys the coroutine where it waits
  channel.push(1);
  channel.close();
}

}  // namespace
}  // namespace parley::http

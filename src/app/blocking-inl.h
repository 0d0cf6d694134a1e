#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace parley::app {

template <typename Work>
auto Call::blocking(Work work) const -> boost::asio::awaitable<decltype(work())> {
  using Result = decltype(work());
  auto elsewhere = [](Work job) -> boost::asio::awaitable<Result> { co_return job(); };
  co_return co_await boost::asio::co_spawn(services.pool, elsewhere(std::move(work)),
                                           boost::asio::use_awaitable);
}

}  // namespace parley::app

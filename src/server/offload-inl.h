#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace parley::server {

template <typename Work>
auto offload(const Services& services, bool small, Work work)
    -> boost::asio::awaitable<decltype(work())> {
  using Result = decltype(work());
  if (small) co_return work();
  auto elsewhere = [](Work job) -> boost::asio::awaitable<Result> { co_return job(); };
  co_return co_await boost::asio::co_spawn(services.pool, elsewhere(std::move(work)),
                                           boost::asio::use_awaitable);
}

}  // namespace parley::server

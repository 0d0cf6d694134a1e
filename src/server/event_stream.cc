#include "server/event_stream.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"

namespace parley::server {
namespace {

constexpr std::chrono::milliseconds kFrameGap{5};

}  // namespace

EventStream::EventStream(Call& call, const Json& head, bool include_usage)
    : call_(call), head_(dump(head)), include_usage_(include_usage) {
  head_.back() = ',';
}

void EventStream::add(std::string_view choice) {
  frames_.append("data: ").append(head_).append("\"choices\":[").append(choice);
  frames_.append(include_usage_ ? "],\"usage\":null}\n\n" : "]}\n\n");
}

http::Task EventStream::send() {
  if (frames_.empty()) co_return;
  if (!begun_) {
    co_await call_.begin_events();
    begun_ = true;
  }
  const Clock::time_point now = Clock::now();
  if (now < sent_ + kFrameGap) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, sent_ + kFrameGap);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  sent_ = Clock::now();
  const std::string frames = std::exchange(frames_, {});
  co_await call_.exchange.write(frames);
}

http::Task EventStream::finish(const Json& usage) {
  if (include_usage_)
    frames_ += "data: " + head_ + "\"choices\":[],\"usage\":" + dump(usage) + "}\n\n";
  frames_ += "data: [DONE]\n\n";
  co_await send();
  co_await call_.exchange.end();
}

void fail_on_error(const Piece& piece) {
  if (!piece.end) return;
  if (piece.end->reason == infer::FinishReason::kCancelled)
    throw http::Disconnected("the answer was cancelled");
  if (piece.end->reason != infer::FinishReason::kError) return;
  spdlog::error("an answer failed: {}", piece.end->error);
  throw ApiError(500, fmt::format("The model failed: {}", piece.end->error), {}, "model_error");
}

}  // namespace parley::server

#include "app/stream.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "app/conversations.h"
#include "app/jobs.h"

namespace parley::app {
namespace {

namespace asio = boost::asio;
using server::Clock;

constexpr std::chrono::seconds kKeepAlive{15};
constexpr std::chrono::milliseconds kEventGap{20};  // faster is not seen
constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::seconds kStopElsewhere{10};
constexpr std::chrono::milliseconds kStopPoll{200};
constexpr store::Time kSilent = 3'000;       // who writes stores a piece twice a second
constexpr std::chrono::seconds kCatchUp{3};  // until the store has what a reader has

std::string event_text(const Json& json) { return "data: " + server::dump(json) + "\n\n"; }

http::Task pause(Clock::duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

// Sends what comes, and a sign of life where nothing does.
class Writer {
 public:
  Writer(Call& call, int64_t from) : exchange_(call.exchange), deltas_(from) {}

  http::Task text(const std::string& text) {
    const std::string event = deltas_.next(text);
    if (!event.empty()) {
      co_await send(event);
    } else if (Clock::now() >= sent_ + kKeepAlive) {
      const std::string comment = ": keep-alive\n\n";
      co_await send(comment);
    }
  }
  http::Task send(const std::string& event) {
    sent_ = Clock::now();
    co_await exchange_.write(event);
  }
  Clock::time_point next_sign() const { return sent_ + kKeepAlive; }

 private:
  http::Exchange& exchange_;
  Deltas deltas_;
  Clock::time_point sent_ = Clock::now();
};

// An answer under way here.
http::Task follow(Call& call, Writer& writer, Jobs::Listener& listener) {
  while (true) {
    const Jobs::Listener::Update update = co_await listener.next(writer.next_sign());
    if (call.exchange.disconnected()) throw http::Disconnected("gone");
    co_await writer.text(update.text);
    if (update.done) co_return;
    co_await pause(kEventGap);
  }
}

// What another server writes, or nobody any more.
http::Task follow_store(Call& call, Writer& writer, const store::Id& id, int64_t from) {
  size_t at = 0;
  const auto began = Clock::now();
  while (true) {
    auto read = [&] { return own_message(call.services, call.user, id); };
    const store::Message message = co_await call.blocking(read);
    if (call.exchange.disconnected()) throw http::Disconnected("gone");
    if (at == 0 && message.status == "streaming" && utf16_length(message.content) < from &&
        Clock::now() < began + kCatchUp) {  // who comes from its server may be ahead of the store
      co_await pause(kStopPoll);
      continue;
    }
    // An answer that begins anew elsewhere may be shorter for a moment.
    const std::string fresh = message.content.substr(std::min(at, message.content.size()));
    at = std::max(at, message.content.size());
    co_await writer.text(fresh);
    if (message.status != "streaming") co_return;
    co_await pause(kPoll);
  }
}

}  // namespace

int64_t utf16_length(std::string_view utf8) {
  int64_t length = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;
    length += byte >= 0xF0 ? 2 : 1;
  }
  return length;
}

std::string Deltas::next(std::string_view text) {
  if (std::exchange(first_, false)) {
    const int64_t all = utf16_length(text);
    if (from_ > all) {
      at_ = all;
      return event_text({{"type", "reset"}, {"text", text}});
    }
    size_t skipped = 0;
    while (at_ < from_) {
      size_t end = skipped + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      const int64_t units = utf16_length(text.substr(skipped, end - skipped));
      if (at_ + units > from_) break;  // in the middle of a pair: the whole pair again
      at_ += units;
      skipped = end;
    }
    text.remove_prefix(skipped);
  }
  if (text.empty()) return {};
  const int64_t offset = std::exchange(at_, at_ + utf16_length(text));
  return event_text({{"type", "delta"}, {"offset", offset}, {"text", text}});
}

http::Task stream_message(Call& call) {
  const store::Id id = call.parts[0];
  const int64_t from = call.number("from", 0, 0, INT64_C(1) << 40);
  auto read = [&] { return own_message(call.services, call.user, id); };
  co_await call.blocking(read);

  const auto executor = co_await asio::this_coro::executor;
  const std::shared_ptr<Jobs::Listener> listener = call.services.jobs.listen(id, executor);
  http::Response head{.status = 200, .headers = call.headers, .body = {}};
  head.headers.set("Content-Type", "text/event-stream; charset=utf-8");
  head.headers.set("Cache-Control", "no-store");
  head.headers.set("X-Accel-Buffering", "no");  // nginx passes pieces on at once
  co_await call.exchange.begin(std::move(head));
  Writer writer(call, from);
  if (listener) {
    call.exchange.on_disconnect([listener] { listener->wake(); });
    co_await follow(call, writer, *listener);
  } else {
    co_await follow_store(call, writer, id, from);
  }
  auto result = [&] {
    const auto message = own_message(call.services, call.user, id);
    return messages_json(call.services.store, {message})[0];
  };
  const Json message = co_await call.blocking(result);
  const std::string done = event_text({{"type", "done"}, {"message", message}});
  co_await writer.send(done);
  co_await call.exchange.end();
}

http::Task stop_elsewhere(Call& call, const store::Id& id) {
  // The other server sees it when it stores its next piece, and then stores all there is.
  const auto until = Clock::now() + kStopElsewhere;
  auto ask = [&] { return call.services.store.ask_to_stop(id, store::now() - kSilent); };
  while (Clock::now() < until) {
    const bool streaming = co_await call.blocking(ask);
    if (!streaming) co_return;
    co_await pause(kStopPoll);
  }
}

}  // namespace parley::app

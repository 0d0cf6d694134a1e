#include "http/connection.h"

#include <openssl/rand.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "http/connection_exchange.h"
#include "http/cors.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;

// What clients may send ahead of their answers, beside one read.
constexpr size_t kMaxPipelined = 64 * 1024;
// For clients to read the last answer and close, before the connection is torn down.
constexpr auto kLinger = std::chrono::seconds(2);
constexpr size_t kMaxLingerBytes = 16 * 1024 * 1024;

Clock::duration seconds(double count) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
}

Clock::time_point in_seconds(double count) { return Clock::now() + seconds(count); }

std::string make_request_id() {
  unsigned char bytes[16];
  PARLEY_CHECK(RAND_bytes(bytes, sizeof bytes) == 1, "no random numbers");
  std::string id = "req_";
  for (const unsigned char byte : bytes) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

}  // namespace

Shared::Shared(ServerOptions server_options, ServerHooks server_hooks)
    : options(std::move(server_options)),
      hooks(std::move(server_hooks)),
      proxies(options.trusted_proxies) {
  if (options.tls_certificate.empty() != options.tls_key.empty())
    base::fail("TLS needs a certificate and its key; give both or none");
  if (!options.tls_certificate.empty())
    tls = make_tls_context(options.tls_certificate, options.tls_key);
}

void Shared::count(int64_t& number, int64_t by) {
  const std::lock_guard lock(mutex);
  number += by;
  changed.notify_all();
}

Connection::Connection(asio::ip::tcp::socket socket, asio::ip::address peer, Shared& shared,
                       bool refused)
    : shared_(shared),
      transport_(std::move(socket), shared.tls ? &*shared.tls : nullptr),
      peer_(std::move(peer)),
      refused_(refused),
      signal_(transport_.executor()),
      close_timer_(transport_.executor()) {
  shared_.count(shared_.numbers.connections, 1);
  if (refused_) shared_.count(shared_.refusing, 1);
}

Connection::~Connection() {
  set_busy(false);
  if (refused_) shared_.count(shared_.refusing, -1);
  shared_.count(shared_.numbers.connections, -1);
}

void Connection::set_busy(bool busy) {
  if (busy == busy_) return;
  busy_ = busy;
  shared_.count(shared_.busy, busy ? 1 : -1);
}

void Connection::close() {
  if (closed_) return;
  closed_ = ended_ = true;
  transport_.close();
  signal_.cancel();
  close_timer_.cancel();
  if (exchange_) exchange_->client_gone();
}

void Connection::close_after(Clock::duration time) {
  close_timer_.expires_after(time);
  close_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->close_timer_.expiry() <= Clock::now()) self->close();
  });
}

// The socket counts as writable again only when a good part of its buffer is free: what the client
// took in the meantime shows in what is `queued`.
void Connection::close_unless_taken(Clock::duration time, int64_t queued) {
  close_timer_.expires_after(time);
  close_timer_.async_wait(
      [self = shared_from_this(), time, queued](const boost::system::error_code& error) {
        if (error || self->closed_ || self->close_timer_.expiry() > Clock::now()) return;
        const int64_t left = self->transport_.queued();
        if (left < queued)
          self->close_unless_taken(time, left);
        else
          self->close();
      });
}

void Connection::shut_down(bool now) {
  asio::post(transport_.executor(), [self = shared_from_this(), now] {
    if (now)
      self->close();
    else
      self->signal_.cancel();
  });
}

// ---- reading ----

// One read is under way whenever the connection wants bytes, or has a handler to tell that the
// client left; so the bytes of the next request are never lost.
void Connection::start_reading() {
  if (reading_ || ended_) return;
  reading_ = true;
  transport_.read_some(chunk_, [self = shared_from_this()](const auto& error, size_t n) {
    self->on_read(error, n);
  });
}

void Connection::on_read(const boost::system::error_code& error, size_t n) {
  reading_ = false;
  buffer_.append(chunk_.data(), n);
  if (error) ended_ = true;
  signal_.cancel();
  if (!exchange_) return;
  if (ended_)
    exchange_->client_gone();
  else if (buffer_.size() < kMaxPipelined)
    start_reading();
}

Task Connection::wait(Clock::time_point deadline) {
  start_reading();
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  signal_.expires_at(deadline);
  co_await signal_.async_wait(token);
}

// False: there is none, and the connection ends without a word.
asio::awaitable<bool> Connection::wait_for_request() {
  const Clock::time_point deadline = in_seconds(shared_.options.idle_seconds);
  while (true) {
    // Empty lines before a request are the end of a careless client's body (RFC 9112, 2.2).
    const size_t begin = buffer_.find_first_not_of("\r\n");
    buffer_.erase(0, begin);
    if (!buffer_.empty()) co_return true;
    if (ended_ || shared_.draining || Clock::now() >= deadline) co_return false;
    co_await wait(deadline);
  }
}

// Until the head (the whole request) is parsed or refused.
Task Connection::read_until(RequestParser& parser, bool whole, Clock::time_point deadline) {
  while (true) {
    buffer_.erase(0, parser.put(buffer_));
    if (parser.refusal() || (whole ? parser.done() : parser.head_done())) co_return;
    if (closed_) co_return;
    if (ended_) {
      refusal_ = {400, "the request ends in its middle"};
      co_return;
    }
    if (Clock::now() >= deadline) {
      refusal_ = {408, whole ? "the body of the request took too long"
                             : "the head of the request took too long"};
      co_return;
    }
    const size_t had = buffer_.size();
    while (buffer_.size() == had && !ended_ && Clock::now() < deadline) co_await wait(deadline);
  }
}

// False: the connection broke. Otherwise the request is whole, or refused.
asio::awaitable<bool> Connection::read_request(RequestParser& parser) {
  co_await read_until(parser, /*whole=*/false, in_seconds(shared_.options.header_seconds));
  if (closed_) co_return false;
  if (parser.refusal() || refusal_) co_return true;
  if (parser.expects_continue() && !parser.done() && buffer_.empty()) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await write(go_on);
  }
  co_await read_until(parser, /*whole=*/true, in_seconds(shared_.options.body_seconds));
  co_return !closed_;
}

// ---- writing ----

Task Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (closed_) throw Disconnected("the connection is closed");
    close_unless_taken(seconds(shared_.options.write_seconds), transport_.queued());
    boost::system::error_code error;
    const size_t n = co_await transport_.write_some(bytes, error);
    close_timer_.expires_at(Clock::time_point::max());
    if (error) {
      close();
      throw Disconnected("the client has gone: " + error.message());
    }
    bytes.remove_prefix(n);
  }
}

// Closing with unread bytes resets the connection, and the client may lose the answer it was about
// to read: so say that nothing more comes, and read on for a moment.
Task Connection::linger() {
  if (closed_) co_return;
  const Clock::time_point deadline = Clock::now() + kLinger;
  close_after(kLinger);
  co_await transport_.end_writing();
  size_t dropped = 0;
  while (!ended_ && Clock::now() < deadline && dropped < kMaxLingerBytes) {
    dropped += buffer_.size();
    buffer_.clear();
    co_await wait(deadline);
  }
}

// ---- requests ----

Task Connection::run() {
  try {
    co_await serve();
  } catch (const Disconnected&) {
  } catch (const std::exception& error) {
    spdlog::error("connection of {}: {}", peer_.to_string(), error.what());
  }
  close();
}

Task Connection::serve() {
  if (transport_.secure()) {
    close_after(seconds(shared_.options.header_seconds));
    const auto error = co_await transport_.handshake();
    close_timer_.expires_at(Clock::time_point::max());
    if (error || closed_) co_return;
  }
  if (refused_) {
    const Refusal refusal = {503, "the server has too many connections; try again later"};
    Request request;
    co_await refuse(refusal, request);
    co_await linger();
    co_return;
  }
  while (co_await wait_for_request()) {
    set_busy(true);
    const bool keep_alive = co_await serve_request();
    set_busy(false);
    if (!keep_alive) {
      co_await linger();
      co_return;
    }
  }
}

// Whether another request may follow.
asio::awaitable<bool> Connection::serve_request() {
  RequestParser parser(shared_.options.max_header_bytes, shared_.options.max_body_bytes);
  refusal_.reset();
  const bool read = co_await read_request(parser);
  if (!read) co_return false;
  const std::optional<Refusal> refusal = parser.refusal() ? parser.refusal() : refusal_;
  if (refusal) {
    co_await refuse(*refusal, parser.request());
    co_return false;
  }
  co_return co_await answer(parser);
}

// The server's own answer to what is not a request.
Task Connection::refuse(const Refusal& refusal, const Request& parsed) {
  Request request = parsed;
  request.id = make_request_id();
  request.peer = shared_.proxies.client(peer_, request.headers);
  request.received = Clock::now();
  ConnectionExchange::Options options;
  options.keep_alive = false;
  ConnectionExchange exchange(*this, shared_, request, options);
  try {
    co_await send_error(exchange, refusal.status, refusal.message);
  } catch (const Disconnected&) {
  }
  finish(exchange);
}

Task Connection::send_error(ConnectionExchange& exchange, int status, const std::string& message) {
  Response response;
  if (shared_.hooks.error) {
    response = shared_.hooks.error(status, message);
  } else {
    response.headers.set("Content-Type", "text/plain; charset=utf-8");
    response.body = message + "\n";
  }
  response.status = status;
  co_await exchange.reply(std::move(response));
}

asio::awaitable<bool> Connection::answer(RequestParser& parser) {
  Request request = parser.release();
  request.received = Clock::now();
  request.id = make_request_id();
  request.peer = shared_.proxies.client(peer_, request.headers);
  ConnectionExchange::Options options;
  options.keep_alive = parser.keep_alive();
  options.http_1_0 = parser.http_1_0();
  ConnectionExchange exchange(*this, shared_, request, options);

  const bool preflight = !shared_.options.cors_origins.empty() && is_preflight(request);
  if (preflight || request.path == "*") {
    Response response;
    response.status = 204;
    if (preflight) response = preflight_answer(request);
    co_await exchange.reply(std::move(response));
  } else {
    co_await run_handler(exchange);
  }
  finish(exchange);
  co_return exchange.complete() && exchange.keeps_alive();
}

Task Connection::run_handler(ConnectionExchange& exchange) {
  shared_.count(shared_.numbers.active_exchanges, 1);
  exchange_ = &exchange;
  if (ended_)
    exchange.client_gone();
  else if (buffer_.size() < kMaxPipelined)
    start_reading();
  bool client_left = false;
  try {
    co_await shared_.hooks.handler(exchange);
  } catch (const Disconnected&) {
    client_left = true;
  } catch (const std::exception& error) {
    spdlog::error("{} {} {}: {}", exchange.request().id, exchange.request().method,
                  exchange.request().path, error.what());
  }
  exchange_ = nullptr;
  exchange.handler_ended();
  shared_.count(shared_.numbers.active_exchanges, -1);
  if (exchange.begun()) {
    // An answer without its end must not look like a whole one.
    if (!exchange.complete()) close();
    co_return;
  }
  exchange.close_after();
  if (client_left || exchange.disconnected()) co_return;
  const std::string message = "the server failed to answer this request";
  try {
    co_await send_error(exchange, 500, message);
  } catch (const Disconnected&) {
  }
}

void Connection::finish(const ConnectionExchange& exchange) {
  const AccessRecord record = exchange.record();
  if (record.status == 499) shared_.count(shared_.numbers.disconnected, 1);
  if (shared_.hooks.access) shared_.hooks.access(record);
}

}  // namespace parley::http

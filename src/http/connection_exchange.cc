#include "http/connection_exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/cors.h"
#include "http/response_head.h"

namespace parley::http {
namespace {

constexpr size_t kMaxClientId = 128;

// What may stand in a header and a log as it is.
bool is_safe_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxClientId &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '=';
         });
}

}  // namespace

ConnectionExchange::ConnectionExchange(Connection& connection, const Shared& shared,
                                       const Request& request, Options options)
    : connection_(connection),
      shared_(shared),
      request_(request),
      options_(options),
      head_only_(request.method == "HEAD") {
  const auto id = request.headers.find("X-Request-Id");
  if (!id || !is_safe_id(*id)) return;
  client_id_ = *id;
  note("client_request_id", client_id_);
}

std::string ConnectionExchange::head(Response& response, bool whole) {
  PARLEY_CHECK(!begun_, "an exchange has one answer");
  begun_ = true;
  status_ = response.status;
  if (shared_.draining) options_.keep_alive = false;
  add_cors(shared_.options.cors_origins, request_, response.headers);
  HeadOptions options;
  options.request_id = client_id_.empty() ? std::string_view(request_.id) : client_id_;
  options.http_1_0 = options_.http_1_0;
  if (!has_body(response.status)) {
    options.framing = Framing::kNone;
  } else if (whole) {
    options.length = static_cast<int64_t>(response.body.size());
  } else if (options_.http_1_0) {
    options.framing = Framing::kUntilClose;
    options_.keep_alive = false;
  } else {
    options.framing = Framing::kChunked;
    chunked_ = true;
  }
  options.close = !options_.keep_alive;
  return response_head(response.status, response.headers, options);
}

Task ConnectionExchange::send(std::string_view bytes) {
  try {
    co_await connection_.write(bytes);
  } catch (const Disconnected&) {
    failed_ = true;
    throw;
  }
}

Task ConnectionExchange::reply(Response response) {
  std::string bytes = head(response, /*whole=*/true);
  const bool body = has_body(response.status) && !head_only_;
  if (body) {
    bytes += response.body;
    response_bytes_ = static_cast<int64_t>(response.body.size());
  }
  co_await send(bytes);
  complete_ = true;
}

Task ConnectionExchange::begin(Response response) {
  if (gone_) throw Disconnected("the client has gone");
  const std::string head_bytes = head(response, /*whole=*/false);
  streaming_ = true;
  if (!has_body(response.status) || head_only_ || response.body.empty()) {
    co_await send(head_bytes);
    co_return;
  }
  response_bytes_ += static_cast<int64_t>(response.body.size());
  std::string bytes = head_bytes;
  if (chunked_) bytes += fmt::format("{:x}\r\n", response.body.size());
  bytes += response.body;
  if (chunked_) bytes += "\r\n";
  co_await send(bytes);
}

Task ConnectionExchange::write(std::string_view piece) {
  PARLEY_CHECK(streaming_ && !complete_, "write() stands between begin() and end()");
  if (gone_) {
    failed_ = true;
    throw Disconnected("the client has gone");
  }
  // An empty chunk would end the answer.
  if (piece.empty() || head_only_ || !has_body(status_)) co_return;
  response_bytes_ += static_cast<int64_t>(piece.size());
  if (!chunked_) {
    co_await send(piece);
    co_return;
  }
  std::string bytes = fmt::format("{:x}\r\n", piece.size());
  bytes.append(piece).append("\r\n");
  co_await send(bytes);
}

Task ConnectionExchange::end() {
  PARLEY_CHECK(streaming_ && !complete_, "end() comes once, after begin()");
  if (chunked_ && !head_only_) {
    const std::string last = "0\r\n\r\n";
    co_await send(last);
  }
  complete_ = true;
}

void ConnectionExchange::on_disconnect(std::function<void()> callback) {
  if (gone_)
    callback();
  else
    callback_ = std::move(callback);
}

void ConnectionExchange::note(std::string_view key, std::string_view value) {
  notes_.emplace_back(std::string(key), std::string(value));
}

void ConnectionExchange::client_gone() {
  if (gone_) return;
  gone_ = true;
  if (const auto callback = std::exchange(callback_, nullptr)) callback();
}

AccessRecord ConnectionExchange::record() const {
  AccessRecord record;
  record.id = request_.id;
  record.peer = request_.peer;
  record.method = request_.method;
  record.path = request_.path;
  record.user_agent = std::string(request_.headers.find("User-Agent").value_or(""));
  // A client that left before its answer was complete, whatever that would have been.
  record.status = failed_ || (gone_ && !complete_) ? 499 : status_;
  record.request_bytes = static_cast<int64_t>(request_.body.size());
  record.response_bytes = response_bytes_;
  record.seconds = std::chrono::duration<double>(Clock::now() - request_.received).count();
  record.notes = notes_;
  return record;
}

}  // namespace parley::http

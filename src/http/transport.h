// A TCP connection, plain or under TLS.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace parley::http {

// A server's context from PEM files: TLS 1.2 or newer, http/1.1 by ALPN. Error naming the file.
boost::asio::ssl::context make_tls_context(const std::string& certificate, const std::string& key);

// Everything runs on the executor of the socket, a strand. One read and one write may be under way
// at a time. Errors come as error codes; the end of the stream is one.
class Transport {
 public:
  using ErrorCode = boost::system::error_code;

  // `tls` null: plain.
  Transport(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

  bool secure() const { return tls_.has_value(); }
  auto executor() { return socket_.get_executor(); }

  boost::asio::awaitable<ErrorCode> handshake();
  // At least a byte into `buffer`.
  void read_some(std::span<char> buffer, std::function<void(ErrorCode, size_t)> done);
  // At least a byte of `bytes`; returns how many.
  boost::asio::awaitable<size_t> write_some(std::string_view bytes, ErrorCode& error);
  // Bytes written that the other side has not acknowledged.
  int64_t queued();
  // Says that nothing more will be written; under TLS waits for the other side's word.
  boost::asio::awaitable<void> end_writing();
  // What is under way ends with an error.
  void close();

 private:
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
};

}  // namespace parley::http

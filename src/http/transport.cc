#include "http/transport.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/error.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;

// The first protocol of the client's list that is ours, else none is agreed on.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
  static const unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* out = nullptr;
  if (SSL_select_next_proto(&out, chosen_length, kOurs, sizeof kOurs - 1, offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

// Without the file's owner at the keyboard, an encrypted key cannot be read.
int no_password(char*, int, int, void*) { return 0; }

}  // namespace

asio::ssl::context make_tls_context(const std::string& certificate, const std::string& key) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
                      SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_default_passwd_cb(context.native_handle(), no_password);
  boost::system::error_code error;
  context.use_certificate_chain_file(certificate, error);
  if (error)
    base::fail("{}: not a certificate chain in PEM form ({})", certificate, error.message());
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  if (error)
    base::fail("{}: not the unencrypted private key of {} in PEM form ({})", key, certificate,
               error.message());
  SSL_CTX_set_alpn_select_cb(context.native_handle(), select_protocol, nullptr);
  return context;
}

Transport::Transport(asio::ip::tcp::socket socket, asio::ssl::context* tls)
    : socket_(std::move(socket)) {
  if (tls) tls_.emplace(socket_, *tls);
}

asio::awaitable<Transport::ErrorCode> Transport::handshake() {
  ErrorCode error;
  if (tls_) {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await tls_->async_handshake(asio::ssl::stream_base::server, token);
  }
  co_return error;
}

void Transport::read_some(std::span<char> buffer, std::function<void(ErrorCode, size_t)> done) {
  const asio::mutable_buffer into(buffer.data(), buffer.size());
  if (tls_)
    tls_->async_read_some(into, std::move(done));
  else
    socket_.async_read_some(into, std::move(done));
}

asio::awaitable<size_t> Transport::write_some(std::string_view bytes, ErrorCode& error) {
  const asio::const_buffer from(bytes.data(), bytes.size());
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (tls_) co_return co_await tls_->async_write_some(from, token);
  co_return co_await socket_.async_write_some(from, token);
}

int64_t Transport::queued() {
  int bytes = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

asio::awaitable<void> Transport::end_writing() {
  ErrorCode ignored;
  if (tls_) {
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await tls_->async_shutdown(token);
  }
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Transport::close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace parley::http

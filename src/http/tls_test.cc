// The server under TLS, with a certificate made for the occasion.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "base/files.h"
#include "http/http_test_util.h"
#include "http/server.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

// A folder with certificate.pem and key.pem, for localhost.
class Files {
 public:
  Files() {
    std::string name = ::testing::TempDir() + "parley-tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    FILE* out = std::fopen(this->certificate().c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    out = std::fopen(this->key().c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Files() { fs::remove_all(folder_); }
  std::string certificate() const { return folder_ / "certificate.pem"; }
  std::string key() const { return folder_ / "key.pem"; }

  ServerOptions options() const {
    ServerOptions options = TestServer::options();
    options.tls_certificate = certificate();
    options.tls_key = key();
    return options;
  }

 private:
  fs::path folder_;
};

int connect_to(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot connect");
  return fd;
}

class TlsClient {
 public:
  explicit TlsClient(uint16_t port, int max_version = 0)
      : context_(SSL_CTX_new(TLS_client_method())), fd_(connect_to(port)) {
    if (max_version) {
      SSL_CTX_set_security_level(context_, 0);
      SSL_CTX_set_max_proto_version(context_, max_version);
    }
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_, protocols, sizeof protocols - 1);
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    ::close(fd_);
    SSL_CTX_free(context_);
  }

  bool connected() const { return connected_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned int length = 0;
    SSL_get0_alpn_selected(ssl_, &name, &length);
    return std::string(reinterpret_cast<const char*>(name), length);
  }
  void send(const std::string& bytes) { SSL_write(ssl_, bytes.data(), bytes.size()); }
  RawAnswer read() {
    while (true) {
      RawAnswer answer = parse_answer(bytes_, false, ended_);
      if (answer.complete || ended_) return answer;
      char buffer[16384];
      const int n = SSL_read(ssl_, buffer, sizeof buffer);
      if (n > 0) {
        bytes_.append(buffer, n);
      } else {
        ended_ = true;
        clean_ = SSL_get_error(ssl_, n) == SSL_ERROR_ZERO_RETURN;
      }
    }
  }
  // Whether the server ended the connection in TLS's own way.
  bool closes_cleanly() {
    read();
    return clean_;
  }

 private:
  SSL_CTX* context_;
  int fd_;
  SSL* ssl_ = nullptr;
  bool connected_ = false, ended_ = false, clean_ = false;
  std::string bytes_;
};

TEST(Tls, Requests) {
  const Files files;
  TestServer server(echo, files.options());
  EXPECT_EQ(server.server().url().substr(0, 8), "https://");
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.protocol(), "http/1.1");
  client.send(get("/a"));
  EXPECT_EQ(client.read().body, "GET /a ");
  const std::string body(3 << 20, 'x');
  client.send(post("/b", body) + get("/c"));
  EXPECT_EQ(client.read().body, "POST /b " + body);
  EXPECT_EQ(client.read().body, "GET /c ");
  client.send(get("/last", "Connection: close\r\n"));
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.closes_cleanly());
}

TEST(Tls, OldVersionsAreRefused) {
  const Files files;
  TestServer server(echo, files.options());
  EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).connected());
  EXPECT_TRUE(TlsClient(server.port(), TLS1_2_VERSION).connected());
}

TEST(Tls, HandlersHearThatTheClientLeft) {
  const Files files;
  std::atomic<int> left = 0;
  TestServer server(
      [&](Exchange& exchange) -> Task {
        Response response;
        co_await exchange.begin(std::move(response));
        const auto executor = co_await asio::this_coro::executor;
        exchange.on_disconnect([&] { ++left; });
        for (int i = 0; i < 100; ++i) {
          asio::steady_timer timer(executor, std::chrono::milliseconds(20));
          co_await timer.async_wait(asio::use_awaitable);
          co_await exchange.write("piece");
        }
      },
      files.options());
  {
    TlsClient client(server.port());
    client.send(get("/"));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  const auto records = server.records(1);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].status, 499);
  EXPECT_EQ(left, 1);
  EXPECT_LT(records[0].seconds, 1.0);
}

TEST(Tls, ThoseWhoDoNotSpeakIt) {
  const Files files;
  ServerOptions options = files.options();
  options.header_seconds = 0.3;
  TestServer server(echo, options);
  RawClient plain(server.port());
  plain.send(get("/"));
  EXPECT_TRUE(plain.closes(2000));
  RawClient silent(server.port());
  silent.send("\x16\x03\x01");
  EXPECT_TRUE(silent.closes(2000));
  TlsClient client(server.port());
  client.send(get("/still-there"));
  EXPECT_EQ(client.read().status, 200);
}

TEST(Tls, FilesThatAreNotWhatTheySay) {
  const Files files;
  ServerOptions options = files.options();
  options.tls_key.clear();
  EXPECT_THROW(TestServer(echo, options), base::Error);
  options = files.options();
  std::swap(options.tls_key, options.tls_certificate);
  EXPECT_THROW(TestServer(echo, options), base::Error);
  options = files.options();
  options.tls_key = "/nowhere/key.pem";
  EXPECT_THROW(TestServer(echo, options), base::Error);
  const Files other;
  options = files.options();
  options.tls_key = other.key();
  EXPECT_THROW(TestServer(echo, options), base::Error);
}

}  // namespace
}  // namespace parley::http

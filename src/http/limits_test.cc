// What careless and hostile clients see.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/random.h"
#include "http/http_test_util.h"
#include "http/server.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

ServerOptions strict() {
  ServerOptions options = TestServer::options();
  options.max_header_bytes = 2048;
  options.max_body_bytes = 5000;
  options.header_seconds = options.body_seconds = 0.3;
  options.idle_seconds = 0.5;
  options.write_seconds = 0.3;
  return options;
}

// The answer ends the connection and has the error hook's body.
void expect_refused(const TestServer& server, const std::string& bytes, int status) {
  SCOPED_TRACE(bytes.substr(0, 200));
  RawClient client(server.port());
  client.send(bytes);
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.status, status);
  EXPECT_EQ(answer.body.substr(0, 10), "{\"error\":\"");
  EXPECT_EQ(answer.headers.count("x-request-id"), 1u);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(client.closes());
  EXPECT_EQ(client.unread(), "");
}

TEST(Limits, MalformedRequestsAre400) {
  const TestServer server(echo, strict());
  const std::string end = "\r\nHost: t\r\n\r\n", host = "Host: t\r\n";
  using namespace std::string_literals;
  for (const std::string& bytes : {
           "GARBAGE" + end,
           "GET" + end,
           "GET /" + end,
           "GET  / HTTP/1.1" + end,
           "GET /  HTTP/1.1" + end,
           "GET / HTTP/1.1 x" + end,
           "GET / HTTP/9.9" + end,
           "GET / HTTP/2.0" + end,
           "GET / http/1.1" + end,
           "GET /\x01 HTTP/1.1" + end,
           "GET /\0 HTTP/1.1"s + end,
           "GET /%zz HTTP/1.1" + end,
           "GET /%4 HTTP/1.1" + end,
           "GET /% HTTP/1.1" + end,
           "GET /%00 HTTP/1.1" + end,
           "GET /%0d%0a HTTP/1.1" + end,
           "GET relative HTTP/1.1" + end,
           "GET ftp://h/ HTTP/1.1" + end,
           "GET * HTTP/1.1" + end,
           "CONNECT h:443 HTTP/1.1" + end,
           "G(T / HTTP/1.1" + end,
           " GET / HTTP/1.1" + end,
           "GET / HTTP/1.1\r\n\r\n"s,
           "GET / HTTP/1.1\r\n" + host + host + "\r\n",
           "GET / HTTP/1.1\r\n" + host + "No colon\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + ": no name\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Sp ace: x\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Space : x\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "A: \0\r\n\r\n"s,
           "GET / HTTP/1.1\r\n" + host + "A: x\rB: y\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "A: \x7f\r\n\r\n",
           post("/", "ab", "Content-Length: 3\r\n"),
           post("/", "ab", "Transfer-Encoding: chunked\r\n"),
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x1\r\n\r\na",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 1 1\r\n\r\na",
           "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host +
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\n" + host +
               "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
           "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;" +
               std::string(4000, 'x'),
       })
    expect_refused(server, bytes, 400);
}

TEST(Limits, TooMuch) {
  const TestServer server(echo, strict());
  const std::string host = "Host: t\r\n";
  expect_refused(server, get("/", "A: " + std::string(3000, 'a') + "\r\n"), 431);
  expect_refused(server, get("/" + std::string(3000, 'a')), 431);
  expect_refused(server, std::string(100000, 'a'), 431);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "A: b\r\n";
  expect_refused(server, get("/", many), 431);
  expect_refused(server, post("/", std::string(5001, 'a')), 413);
  expect_refused(server, post("/", std::string(1000000, 'a')), 413);
  // Before the client sends the body in vain.
  expect_refused(
      server, "POST / HTTP/1.1\r\n" + host + "Content-Length: 5001\r\nExpect: 100-continue\r\n\r\n",
      413);
  std::string chunked = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 6; ++i) chunked += "3e8\r\n" + std::string(1000, 'a') + "\r\n";
  expect_refused(server, chunked, 413);
  RawClient client(server.port());
  EXPECT_EQ(client.ask(post("/", std::string(5000, 'a'))).status, 200);
}

TEST(Limits, EndInTheMiddleIs400) {
  const TestServer server(echo, strict());
  for (const std::string bytes : {"G", "GET / HTTP/1.1\r\nHost: t\r\n",
                                  "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc"}) {
    RawClient client(server.port());
    client.send(bytes);
    client.half_close();
    EXPECT_EQ(client.read().status, 400) << bytes;
    EXPECT_TRUE(client.closes());
  }
}

TEST(Limits, SlowClientsAre408) {
  const TestServer server(echo, strict());
  for (const std::string start :
       {"GET / HTTP/1.1\r\nA: ", "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4000\r\n\r\n"}) {
    RawClient client(server.port());
    const auto began = steady_clock::now();
    client.send(start);
    // A byte now and then buys no time.
    while (!client.readable(40) && steady_clock::now() - began < milliseconds(3000))
      client.send("x");
    EXPECT_EQ(client.read().status, 408);
    EXPECT_TRUE(client.closes());
    EXPECT_LT(steady_clock::now() - began, milliseconds(1500));
  }
}

TEST(Limits, IdleConnectionsAreClosedWithoutAWord) {
  const TestServer server(echo, strict());
  RawClient fresh(server.port()), used(server.port());
  used.ask(get("/"));
  EXPECT_TRUE(fresh.closes(2000));
  EXPECT_TRUE(used.closes(2000));
  EXPECT_EQ(fresh.unread() + used.unread(), "");
}

TEST(Limits, ReadersThatTakeNothingAreGivenUp) {
  std::atomic<int> thrown = 0;
  TestServer server(
      [&](Exchange& exchange) -> Task {
        const std::string big(1 << 20, 'b');
        Response response;
        co_await exchange.begin(std::move(response));
        try {
          for (int i = 0; i < 16; ++i) co_await exchange.write(big);
        } catch (const Disconnected&) {
          ++thrown;
          throw;
        }
        co_await exchange.end();
      },
      strict());
  RawClient client(server.port(), /*receive_buffer=*/4096);
  client.send(get("/"));
  const auto records = server.records(1);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].status, 499);
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(server.server().numbers().disconnected, 1);
  // One that reads slowly, but reads, gets everything.
  RawClient slow(server.port(), /*receive_buffer=*/4096);
  slow.send(get("/", "Connection: close\r\n"));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(milliseconds(50));
    slow.receive();
  }
  EXPECT_TRUE(slow.closes());
  EXPECT_EQ(slow.read().body.size(), size_t{16} << 20);
}

TEST(Limits, TooManyConnectionsAre503) {
  ServerOptions options = strict();
  options.max_connections = 3;
  options.idle_seconds = 30;
  TestServer server(echo, options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    EXPECT_EQ(clients.back()->ask(get("/")).status, 200);
  }
  RawClient refused(server.port());
  EXPECT_EQ(refused.ask(get("/")).status, 503);
  EXPECT_TRUE(refused.closes());
  EXPECT_EQ(server.server().numbers().refused, 1);
  clients.pop_back();
  for (int i = 0; i < 100; ++i) {
    RawClient again(server.port());
    if (again.ask(get("/")).status == 200) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
  FAIL() << "the place of a closed connection was not given to another";
}

// Waits until the client has left, or five seconds.
Task wait_for_disconnect(Exchange& exchange, std::atomic<int>& left) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::seconds(5));
  exchange.on_disconnect([&] {
    ++left;
    timer.cancel();
  });
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await timer.async_wait(token);
}

TEST(Limits, HandlersHearThatTheClientLeft) {
  std::atomic<int> left = 0;
  TestServer server([&](Exchange& exchange) -> Task {
    if (exchange.request().path == "/stream") {
      Response response;
      co_await exchange.begin(std::move(response));
      co_await exchange.write("first");
    }
    co_await wait_for_disconnect(exchange, left);
  });
  const auto began = steady_clock::now();
  for (const char* path : {"/wait", "/stream"}) {
    for (const bool reset : {false, true}) {
      RawClient client(server.port());
      // A pipelined request behind it changes nothing.
      client.send(get(path) + get("/next"));
      std::this_thread::sleep_for(milliseconds(50));
      if (reset)
        client.reset();
      else
        client.close();
    }
  }
  const auto records = server.records(4);
  ASSERT_GE(records.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(records[i].status, 499);
  EXPECT_GE(left, 4);
  EXPECT_LT(steady_clock::now() - began, milliseconds(2000));
}

TEST(Limits, HalfClosedClientsStillGetTheirReply) {
  TestServer server(echo);
  for (int i = 0; i < 50; ++i) {
    RawClient client(server.port());
    client.send(get("/a") + get("/b"));
    client.half_close();
    EXPECT_EQ(client.read().body, "GET /a ");
    EXPECT_EQ(client.read().body, "GET /b ");
    EXPECT_TRUE(client.closes());
  }
}

TEST(Limits, RandomBytesNeitherCrashNorHang) {
  const TestServer server(echo, strict());
  const base::Philox random(17, 0);
  uint64_t position = 0;
  const auto draw = [&](uint64_t below) {
    return static_cast<size_t>(random.uniform(position++) * static_cast<double>(below));
  };
  const std::string seeds[] = {
      get("/a?b=c", "Expect: 100-continue\r\nConnection: keep-alive\r\n"),
      post("/x", "a body of some length", "X: y\r\n"),
      "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      get("/1") + post("/2", "22") + get("/3")};
  using namespace std::string_literals;
  const std::string special = "\r\n\0 :%/\x80\xff,;0a"s;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = seeds[draw(4)];
    for (size_t edits = 1 + draw(4); edits > 0; --edits) {
      const size_t at = draw(bytes.size()), kind = draw(3);
      const char c = draw(2) == 0 ? special[draw(special.size())] : static_cast<char>(draw(256));
      if (kind == 0) bytes[at] = c;
      if (kind == 1) bytes.insert(at, 1 + draw(3), c);
      if (kind == 2 && bytes.size() > 1) bytes.erase(at, 1 + draw(3));
    }
    RawClient client(server.port());
    client.send(bytes);
    client.half_close();
    while (true) {
      const RawAnswer answer = client.read();
      if (!answer.complete) break;
      EXPECT_TRUE(answer.status == 100 || answer.status == 200 || answer.status == 204 ||
                  (answer.status >= 400 && answer.status < 500))
          << answer.status;
    }
    ASSERT_TRUE(client.closes()) << bytes;
    EXPECT_EQ(client.unread(), "") << bytes;
  }
}

TEST(Limits, NoFileDescriptorsLeft) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs file descriptors itself, to look at what it checks";
#endif
  TestServer server(echo);
  std::vector<int> taken;
  for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) {
    taken.push_back(fd);
    if (taken.size() > 100000) break;
  }
  ::close(taken.back());
  taken.pop_back();
  RawClient client(server.port());  // takes the last one
  client.send(get("/"));
  EXPECT_FALSE(client.readable(150));
  for (const int fd : taken) ::close(fd);
  EXPECT_EQ(client.read().status, 200);
}

TEST(Drain, WaitsForWhatIsUnderWay) {
  TestServer server([](Exchange& exchange) -> Task {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, milliseconds(300));
    co_await timer.async_wait(asio::use_awaitable);
    co_await echo(exchange);
  });
  RawClient busy(server.port()), idle(server.port());
  busy.send(get("/busy") + get("/too-late"));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_TRUE(server.server().drain(5));
  const RawAnswer answer = busy.read();
  EXPECT_EQ(answer.body, "GET /busy ");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(busy.closes());
  EXPECT_EQ(busy.unread(), "");
  EXPECT_TRUE(idle.closes());
  EXPECT_THROW(RawClient(server.port()), std::runtime_error);
  EXPECT_EQ(server.server().numbers().connections, 0);
}

TEST(Drain, EndsWhatTakesTooLong) {
  std::atomic<int> left = 0;
  TestServer server([&](Exchange& exchange) { return wait_for_disconnect(exchange, left); });
  RawClient busy(server.port());
  busy.send(get("/busy"));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_FALSE(server.server().drain(0.1));
  EXPECT_TRUE(busy.closes());
  EXPECT_EQ(left, 1);
}

TEST(Drain, HandlersThatHearNothingDieWithTheServer) {
  auto witness = std::make_shared<int>();
  {
    TestServer server([witness](Exchange&) -> Task {
      const auto held = witness;
      const auto executor = co_await asio::this_coro::executor;
      asio::steady_timer timer(executor, std::chrono::hours(1));
      co_await timer.async_wait(asio::use_awaitable);
    });
    RawClient client(server.port());
    client.send(get("/"));
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(server.server().numbers().active_exchanges, 1);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Drain, ServersThatNeverStarted) {
  ServerHooks hooks;
  hooks.handler = echo;
  Server server(TestServer::options(), hooks);
  EXPECT_TRUE(server.drain(1));
}

TEST(Drain, WhileClientsComeAndGo) {
  for (int round = 0; round < 5; ++round) {
    ServerOptions options = TestServer::options();
    options.threads = 2;
    auto server = std::make_unique<TestServer>(echo, options);
    std::atomic<bool> stop = false;
    std::vector<std::thread> clients;
    const uint16_t port = server->port();
    for (int i = 0; i < 4; ++i)
      clients.emplace_back([&stop, port, i] {
        while (!stop) {
          try {
            RawClient client(port);
            client.send(post("/x", std::string(100, 'x')));
            if (i % 2 == 0) client.read(false, 1000);
            if (i == 3) client.reset();
          } catch (const std::exception&) {
            return;  // no longer listening
          }
        }
      });
    std::this_thread::sleep_for(milliseconds(30));
    server.reset();
    stop = true;
    for (std::thread& client : clients) client.join();
  }
}

}  // namespace
}  // namespace parley::http

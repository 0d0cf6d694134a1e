// What a well-meaning client sees.
#include "http/server.h"

#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "http/http_test_util.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

Task sleep_for(milliseconds time) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// "/stream": three pieces; "/slow": an answer after 200 ms; else an echo.
Task routes(Exchange& exchange) {
  const std::string path = exchange.request().path;
  if (path == "/stream") {
    Response response;
    response.headers.set("Content-Type", "text/event-stream");
    co_await exchange.begin(std::move(response));
    for (const char* piece : {"one", "", "two", "three"}) co_await exchange.write(piece);
    co_await exchange.end();
  } else if (path == "/fail") {
    throw std::runtime_error("a fault");
  } else if (path == "/nothing") {
    co_return;
  } else if (path == "/half") {
    Response response;
    co_await exchange.begin(std::move(response));
    co_await exchange.write("half");
    throw std::runtime_error("a fault in the middle");
  } else {
    if (path == "/slow") co_await sleep_for(milliseconds(200));
    co_await echo(exchange);
  }
}

TEST(Server, AnswersOnOneConnection) {
  TestServer server(routes);
  RawClient client(server.port());
  const RawAnswer first = client.ask(get("/a%20b?c=d%20e"));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a b?c=d%20e ");
  EXPECT_EQ(first.headers.at("content-type"), "text/plain");
  EXPECT_EQ(first.headers.at("x-request-id").size(), 36u);
  EXPECT_EQ(first.headers.at("date").substr(25), " GMT");
  EXPECT_FALSE(first.headers.count("connection"));
  const RawAnswer second = client.ask(post("/x", "\xe4\xbd\xa0\xe5\xa5\xbd"));
  EXPECT_EQ(second.body, "POST /x \xe4\xbd\xa0\xe5\xa5\xbd");
  EXPECT_NE(second.headers.at("x-request-id"), first.headers.at("x-request-id"));
  EXPECT_EQ(server.server().numbers().accepted, 1);
  const auto records = server.records(2);
  EXPECT_EQ(records[0].path, "/a b");
  EXPECT_EQ(records[0].id, first.headers.at("x-request-id"));
  EXPECT_EQ(records[0].peer, "127.0.0.1");
  EXPECT_EQ(records[1].request_bytes, 6);
  EXPECT_EQ(records[1].response_bytes, 14);
}

TEST(Server, StreamsPieces) {
  TestServer server(routes);
  RawClient client(server.port());
  const RawAnswer answer = client.ask(get("/stream"));
  EXPECT_EQ(answer.chunks, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(client.ask(get("/after")).body, "GET /after ");
  EXPECT_EQ(server.records(2)[0].response_bytes, 11);
}

TEST(Server, PipelinedAnswersComeInOrder) {
  TestServer server(routes);
  RawClient client(server.port());
  client.send(get("/slow") + post("/b", "body") + get("/stream") + get("/d"));
  EXPECT_EQ(client.read().body, "GET /slow ");
  EXPECT_EQ(client.read().body, "POST /b body");
  EXPECT_EQ(client.read().body, "onetwothree");
  EXPECT_EQ(client.read().body, "GET /d ");
}

TEST(Server, ManyPipelinedRequestsAreAllAnswered) {
  TestServer server(routes);
  RawClient client(server.port());
  std::string all;
  const std::string body(1000, 'x');
  for (int i = 0; i < 400; ++i) all += post(std::string("/").append(std::to_string(i)), body);
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 400; ++i)
    ASSERT_EQ(client.read().body, "POST /" + std::to_string(i) + " " + body);
  sender.join();
}

TEST(Server, ChunkedRequestBodies) {
  TestServer server(routes);
  RawClient client(server.port());
  const std::string head = "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(client.ask(head + "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX: trailer\r\n\r\n").body,
            "POST /c abc0123456789");
  client.send(head);
  for (const char c : std::string("4\r\nbyte\r\n1\r\ns\r\n0\r\n\r\n")) {
    client.send(std::string(1, c));
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(client.read().body, "POST /c bytes");
}

TEST(Server, ExpectContinue) {
  TestServer server(routes);
  RawClient client(server.port());
  const std::string head = "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n";
  EXPECT_EQ(client.ask(head + "Expect: 100-continue\r\n\r\n").status, 100);
  EXPECT_EQ(client.ask("ok").body, "POST /e ok");
  // A client that does not wait gets no 100.
  EXPECT_EQ(client.ask(head + "Expect: 100-continue\r\n\r\nok").body, "POST /e ok");
  EXPECT_EQ(client.ask(head + "Expect: wonders\r\n\r\nok").status, 400);
}

TEST(Server, HeadHasNoBody) {
  TestServer server(routes);
  RawClient client(server.port());
  const RawAnswer answer = client.ask("HEAD /h HTTP/1.1\r\nHost: t\r\n\r\n", /*head=*/true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-length"), "8");
  const RawAnswer stream = client.ask("HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n", /*head=*/true);
  EXPECT_EQ(stream.status, 200);
  EXPECT_EQ(client.ask(get("/after")).body, "GET /after ");
}

TEST(Server, Http10ClosesUnlessAsked) {
  TestServer server(routes);
  RawClient client(server.port());
  const RawAnswer kept = client.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.headers.at("connection"), "keep-alive");
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.closes());
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.body, "onetwothree");
  EXPECT_FALSE(answer.headers.count("transfer-encoding"));
  EXPECT_EQ(answer.headers.at("connection"), "close");
}

TEST(Server, ConnectionClose) {
  TestServer server(routes);
  RawClient client(server.port());
  client.send(get("/last", "Connection: close\r\n"));
  EXPECT_EQ(client.read().headers.at("connection"), "close");
  EXPECT_TRUE(client.closes(1000));
}

TEST(Server, HandlersThatFailBecome500) {
  TestServer server(routes);
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("/fail")).status, 500);
  RawClient other(server.port());
  EXPECT_EQ(other.ask(get("/nothing")).status, 500);
  RawClient third(server.port());
  third.send(get("/half"));
  EXPECT_TRUE(third.closes());
  const RawAnswer answer = third.read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.complete);
}

TEST(Server, TargetsInOtherForms) {
  TestServer server(routes);
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("http://host.example:80/p?q")).body, "GET /p?q ");
  EXPECT_EQ(client.ask(get("http://host.example?q")).body, "GET /?q ");
  EXPECT_EQ(client.ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n").status, 204);
  EXPECT_EQ(client.ask("BREW /pot HTTP/1.1\r\nHost: t\r\n\r\n").body, "BREW /pot ");
  EXPECT_EQ(client.ask("\r\n\r\n" + get("/after-empty-lines")).body, "GET /after-empty-lines ");
}

TEST(Server, RequestIdsOfClientsAreEchoed) {
  TestServer server(routes);
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("/", "X-Request-Id: abc-1\r\n")).headers.at("x-request-id"), "abc-1");
  EXPECT_EQ(client.ask(get("/", "X-Request-Id: a b\r\n")).headers.at("x-request-id").substr(0, 4),
            "req_");
  const std::string lengthy = "X-Request-Id: " + std::string(129, 'a') + "\r\n";
  EXPECT_EQ(client.ask(get("/", lengthy)).headers.at("x-request-id").size(), 36u);
  const auto records = server.records(3);
  EXPECT_EQ(records[0].notes[0].second, "abc-1");
  EXPECT_EQ(records[0].id.substr(0, 4), "req_");
}

TEST(Server, HeaderValuesCannotEndTheirLine) {
  TestServer server([](Exchange& exchange) -> Task {
    Response response;
    response.headers.set("X-Evil", "a\r\nX-Injected: b");
    response.headers.set("Content-Length", "999");
    response.body = "ok";
    co_await exchange.reply(std::move(response));
  });
  RawClient client(server.port());
  const RawAnswer answer = client.ask(get("/"));
  EXPECT_EQ(answer.body, "ok");
  EXPECT_FALSE(answer.headers.count("x-injected"));
}

TEST(Server, ManyConnectionsAtOnce) {
  ServerOptions options = TestServer::options();
  options.threads = 2;
  TestServer server(routes, options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(server.port()));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < clients.size(); ++i)
      clients[i]->send(post("/slow", std::to_string(i) + "-" + std::to_string(round)));
    for (size_t i = 0; i < clients.size(); ++i)
      ASSERT_EQ(clients[i]->read().body,
                "POST /slow " + std::to_string(i) + "-" + std::to_string(round));
  }
  EXPECT_EQ(server.server().numbers().connections, 200);
}

TEST(Server, PeersBehindTrustedProxies) {
  ServerOptions options = TestServer::options();
  options.trusted_proxies = {"127.0.0.0/8", "::1"};
  TestServer behind(routes, options);
  RawClient client(behind.port());
  client.ask(get("/", "X-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n"));
  client.ask(get("/", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: [2001:db8::1]:80\r\n"));
  client.ask(get("/", "X-Forwarded-For: nonsense\r\n"));
  const auto records = behind.records(3);
  EXPECT_EQ(records[0].peer, "1.2.3.4");
  EXPECT_EQ(records[1].peer, "2001:db8::1");
  EXPECT_EQ(records[2].peer, "127.0.0.1");

  TestServer direct(routes);
  RawClient liar(direct.port());
  liar.ask(get("/", "X-Forwarded-For: 1.2.3.4\r\n"));
  EXPECT_EQ(direct.records(1)[0].peer, "127.0.0.1");

  options.trusted_proxies = {"localhost"};
  EXPECT_THROW(TestServer(routes, options), base::Error);
  options.trusted_proxies = {"10.0.0.0/33"};
  EXPECT_THROW(TestServer(routes, options), base::Error);
}

TEST(Server, CorsOnEveryAnswer) {
  ServerOptions options = TestServer::options();
  options.cors_origins = {"https://a.example"};
  TestServer server(routes, options);
  RawClient client(server.port());
  const std::string ours = "Origin: https://a.example\r\n";
  const RawAnswer answer = client.ask(get("/", ours));
  EXPECT_EQ(answer.headers.at("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(answer.headers.at("vary"), "Origin");
  const RawAnswer other = client.ask(get("/", "Origin: https://b.example\r\n"));
  EXPECT_FALSE(other.headers.count("access-control-allow-origin"));
  EXPECT_EQ(other.headers.at("vary"), "Origin");
  const RawAnswer preflight =
      client.ask("OPTIONS /v1/x HTTP/1.1\r\nHost: t\r\n" + ours +
                 "Access-Control-Request-Method: POST\r\n"
                 "Access-Control-Request-Headers: authorization, content-type\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-headers"), "authorization, content-type");
  const RawAnswer error = client.ask("GET /%zz HTTP/1.1\r\nHost: t\r\n" + ours + "\r\n");
  EXPECT_EQ(error.status, 400);
  EXPECT_EQ(error.headers.at("access-control-allow-origin"), "https://a.example");
}

TEST(Server, AddressInUseIsAnErrorThatNamesIt) {
  TestServer server(routes);
  ServerOptions options;
  options.port = server.port();
  ServerHooks hooks;
  hooks.handler = echo;
  try {
    const Server second(options, hooks);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find(std::to_string(server.port())), std::string::npos);
  }
}

TEST(Server, QueryParameters) {
  Request request;
  request.query = "a=1&b=x%20y+z&c&bad=%g1";
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("b"), "x y z");
  EXPECT_EQ(request.parameter("c"), "");
  EXPECT_FALSE(request.parameter("bad"));
  EXPECT_FALSE(request.parameter("d"));
}

}  // namespace
}  // namespace parley::http

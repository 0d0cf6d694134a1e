#include "cli/bench_serve.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"

namespace parley::cli {
namespace {

std::string chunk(const std::string& text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}
std::string reply(int status, const std::string& body, const std::string& headers = {}) {
  return fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     headers, body);
}

// A server that speaks just enough: each connection has a thread, each request is answered by
// `answer` in pieces with `pause_ms` between them.
class FakeServer {
 public:
  using Answer = std::function<std::vector<std::string>(const std::string& request, int number)>;

  explicit FakeServer(Answer answer, int pause_ms = 0)
      : answer_(std::move(answer)),
        pause_ms_(pause_ms),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 64);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~FakeServer() {
    stopping_ = true;
    thread_.join();
    for (std::thread& connection : connections_) connection.join();
    close(listener_);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port); }

  int port = 0;
  std::atomic<int> accepted = 0, requests = 0, cut = 0;  // cut: a client went away midway

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 5) <= 0) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted;
      connections_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string text;
    while (!stopping_) {
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 5) <= 0) continue;
      char buffer[4096];
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
      const size_t end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const size_t length = text.find("Content-Length: ");
      const size_t body = length < end ? std::stoul(text.substr(length + 16)) : 0;
      if (text.size() < end + 4 + body) continue;
      if (!send_all(fd, answer_(text, requests++))) break;
      if (text.find("Connection: close") < end) break;
      text.clear();
    }
    close(fd);
  }
  bool send_all(int fd, const std::vector<std::string>& pieces) {
    for (const std::string& piece : pieces) {
      if (piece == "close") return false;
      if (send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return ++cut, false;
      if (pause_ms_ > 0) usleep(static_cast<useconds_t>(1000 * pause_ms_));
    }
    return true;
  }

  Answer answer_;
  int pause_ms_, listener_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
  std::vector<std::thread> connections_;
};

std::string frame(const std::string& json) { return chunk("data: " + json + "\n\n"); }
std::string content(const std::string& text, const std::string& reason = "null") {
  return frame(R"({"choices":[{"index":0,"delta":{"content":")" + text + R"("},"finish_reason":)" +
               reason + R"(}],"usage":null})");
}
constexpr const char* kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kUsage =
    frame(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}})");
const std::string kModels = reply(200, R"({"object":"list","data":[{"id":"tiny"}]})");

// Role, three texts (the second frame cut in two), the reason, the usage, the end.
std::vector<std::string> good_stream() {
  const std::string second = content("wor");
  return {kHead,
          content(""),
          content("Hello "),
          second.substr(0, 30),
          second.substr(30),
          content("ld", R"("stop")"),
          kUsage,
          chunk("data: [DONE]\n\n") + "0\r\n\r\n"};
}
std::vector<std::string> metrics(int running) {
  return {reply(200, fmt::format("# HELP parley_engine_running x\n"
                                 "parley_engine_running{{model=\"a\"}} {}\n"
                                 "parley_engine_running{{model=\"b\"}} 0\n"
                                 "parley_engine_waiting 0\n",
                                 running))};
}

LoadOptions options_for(const FakeServer& server, int64_t requests) {
  LoadOptions options;
  options.url = server.url();
  options.clients = 4;
  options.requests = requests;
  options.timeout_seconds = 5;
  return options;
}
bool never() { return false; }

TEST(BenchServe, CountsStreams) {
  FakeServer server([](const std::string& request, int) -> std::vector<std::string> {
    if (request.starts_with("GET /v1/models ")) return {kModels};
    if (request.starts_with("GET /metrics ")) return metrics(0);
    EXPECT_NE(request.find("\"model\":\"tiny\""), std::string::npos) << request;
    EXPECT_NE(request.find("\"include_usage\":true"), std::string::npos) << request;
    EXPECT_NE(request.find("Authorization: Bearer secret\r\n"), std::string::npos) << request;
    return good_stream();
  });
  LoadOptions options = options_for(server, 40);
  options.key = "secret";
  options.pid = getpid();
  const LoadResult result = run_load(options, never);
  EXPECT_EQ(result.done, 40);
  EXPECT_EQ(result.failed + result.refused + result.disconnected, 0);
  EXPECT_EQ(result.answer_tokens, 160);
  EXPECT_EQ(result.prompt_tokens, 360);
  EXPECT_EQ(result.frames, 120);
  EXPECT_EQ(result.first_token.size(), 40u);
  EXPECT_EQ(result.latency.size(), 40u);
  EXPECT_EQ(result.running_after, 0);
  EXPECT_EQ(result.waiting_after, 0);
  EXPECT_GE(result.memory.size(), 1u);
  EXPECT_GT(result.memory[0].bytes, 1e6);
  EXPECT_LE(server.accepted, 4 + 2);  // connections are kept
}

TEST(BenchServe, MeasuresTimes) {
  FakeServer server([](const std::string& request,
                       int) { return request.starts_with("GET") ? metrics(0) : good_stream(); },
                    5);
  LoadOptions options = options_for(server, 4);
  options.model = "tiny";
  const LoadResult result = run_load(options, never);
  ASSERT_EQ(result.done, 4);
  EXPECT_GT(quantile(result.first_token, 0), 0.010);  // the head, the role, the text
  EXPECT_GT(quantile(result.between, 0.5), 0.005);
  EXPECT_GT(quantile(result.latency, 0), 0.030);
}

TEST(BenchServe, WholeAnswers) {
  FakeServer server([](const std::string& request, int number) -> std::vector<std::string> {
    if (request.starts_with("GET")) return metrics(0);
    EXPECT_EQ(request.find("\"stream\""), std::string::npos);
    if (number == 3) return {reply(200, "{\"choices\":[]}")};
    return {reply(200, R"({"choices":[{"message":{"content":"Hi"},"finish_reason":"length"}],)"
                       R"("usage":{"prompt_tokens":5,"completion_tokens":2}})")};
  });
  LoadOptions options = options_for(server, 10);
  options.model = "tiny";
  options.stream = false;
  const LoadResult result = run_load(options, never);
  EXPECT_EQ(result.done, 9);
  EXPECT_EQ(result.errors.at("no finish_reason"), 1);
  EXPECT_EQ(result.answer_tokens, 18);
}

TEST(BenchServe, TellsErrorsApart) {
  FakeServer server([](const std::string& request, int number) -> std::vector<std::string> {
    if (request.starts_with("GET")) return {reply(404, "{}")};
    auto stream = good_stream();
    switch (number) {
      case 0: return {reply(429, "{}", "Retry-After: 0\r\n")};
      case 1: return {reply(400, R"({"error":{"message":"no such field"}})")};
      case 2: return {kHead, content("a"), "close"};
      case 3: return {kHead, content("a"), frame(R"({"error":{"message":"x"}})"), "0\r\n\r\n"};
      case 4: stream[5] = content("ld"); return stream;
      case 5: stream.back() = "0\r\n\r\n"; return stream;
      case 6: stream[6] = ""; return stream;
      case 7: return {"this is not HTTP\r\n"};
      case 8: return {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
      default: return stream;
    }
  });
  LoadOptions options = options_for(server, 12);
  options.model = "tiny";
  options.clients = 1;
  const LoadResult result = run_load(options, never);
  EXPECT_EQ(result.done, 3);
  EXPECT_EQ(result.refused, 1);
  EXPECT_EQ(result.failed, 8);
  for (const char* kind : {"status 400 no such field", "closed early", "error in the stream",
                           "no finish_reason", "no [DONE]", "no usage"})
    EXPECT_TRUE(result.errors.contains(kind)) << kind;
  EXPECT_EQ(result.errors.at("malformed response"), 2);
  EXPECT_EQ(result.running_after, -1);
}

TEST(BenchServe, SomeGoAway) {
  FakeServer server(
      [](const std::string& request, int) {
        if (request.starts_with("GET")) return metrics(0);
        std::vector<std::string> stream = {kHead};
        for (int i = 0; i < 40; ++i) stream.push_back(content("word "));
        for (const std::string& last : good_stream())
          if (last != kHead) stream.push_back(last);
        return stream;
      },
      1);
  LoadOptions options = options_for(server, 40);
  options.model = "tiny";
  options.max_tokens = 20;
  options.disconnect = 0.5;
  options.clients = 8;
  const LoadResult result = run_load(options, never);
  EXPECT_EQ(result.done + result.disconnected, 40);
  EXPECT_GT(result.disconnected, 8);
  EXPECT_GT(result.done, 8);
  EXPECT_EQ(result.failed, 0);
  EXPECT_GT(server.cut, 4);
}

TEST(BenchServe, SeesWhatLivesOn) {
  FakeServer server([](const std::string& request, int number) {
    return request.starts_with("GET") ? metrics(number < 6 ? 2 : 0) : good_stream();
  });
  LoadOptions options = options_for(server, 4);
  options.model = "tiny";
  EXPECT_EQ(run_load(options, never).running_after, 0);  // asked again until it was over
  EXPECT_GE(server.requests, 6);
}

TEST(BenchServe, Stops) {
  FakeServer server([](const std::string& request, int) {
    return request.starts_with("GET") ? metrics(0) : good_stream();
  });
  LoadOptions options = options_for(server, 0);
  options.model = "tiny";
  options.seconds = 0.2;
  EXPECT_NEAR(run_load(options, never).seconds, 0.25, 0.2);
  options.seconds = 100;
  int asked = 0;
  EXPECT_LT(run_load(options, [&] { return ++asked > 50; }).seconds, 5);
}

TEST(BenchServe, NoServer) {
  LoadOptions options;
  options.url = "http://127.0.0.1:1";
  EXPECT_THROW(run_load(options, never), base::Error);
  options.model = "tiny";
  options.requests = 3;
  options.clients = 1;
  const LoadResult result = run_load(options, never);
  EXPECT_EQ(result.errors.at("no connection"), 3);
  for (const char* url :
       {"", "127.0.0.1:80", "https://x", "http://", "http://x:port", "http://:80"})
    EXPECT_THROW(parse_server_url(url), base::UsageError) << url;
  const ServerUrl url = parse_server_url("http://[::1]:8080/base/v1/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, "8080");
  EXPECT_EQ(url.prefix, "/base");
  EXPECT_EQ(parse_server_url("http://example.org").port, "80");
}

TEST(BenchServe, ParsesBytesHoweverTheyAreCut) {
  const std::string whole =
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 200 OK\r\ntransfer-ENCODING: Chunked\r\nRetry-After: 2.5\r\n\r\n"
      "5;x=y\r\ndata:\r\n9\r\n a\ndata: \r\n3\r\nbc\n\r\n0\r\nTrailer: x\r\n\r\n";
  for (size_t step = 1; step <= whole.size(); ++step) {
    ResponseParser parser;
    EventScanner scanner;
    std::vector<std::string> events;
    for (size_t i = 0; i < whole.size(); i += step)
      parser.push(std::string_view(whole).substr(i, step), [&](std::string_view body) {
        scanner.push(body, [&](std::string_view data) { events.emplace_back(data); });
      });
    EXPECT_TRUE(parser.done());
    EXPECT_EQ(parser.status(), 200);
    EXPECT_EQ(parser.retry_after(), 2.5);
    EXPECT_EQ(events, (std::vector<std::string>{"a", "bc"}));
  }
}

TEST(BenchServe, Numbers) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({3, 1, 2}, 1), 3);
  std::vector<MemorySample> memory;
  for (int i = 0; i <= 100; ++i)
    memory.push_back({static_cast<double>(i), i < 10 ? 0.0 : 1e6 + 50.0 * i});
  EXPECT_NEAR(memory_slope(memory), 50, 1e-6);
  EXPECT_EQ(memory_slope({}), 0);
  EXPECT_EQ(metric_value("running 2\nother_running 5\nrunning{a=\"b\"} 3", "running"), 5);
  EXPECT_EQ(metric_value("", "running"), -1);
}

}  // namespace
}  // namespace parley::cli

#include "eval/http_client.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/http_test_server.h"

namespace parley::eval {
namespace {

using std::chrono::milliseconds;

HttpOptions quick() {
  HttpOptions options;
  options.timeout = milliseconds(300);
  options.backoff = milliseconds(5);
  options.retries = 3;
  return options;
}

std::string error_of(const HttpOptions& options, const std::string& url,
                     const std::vector<std::string>& headers = {}) {
  try {
    HttpClient(options).post(url, headers, "{}");
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(HttpClient, PostsAndKeepsTheConnection) {
  HttpTestServer server([](const std::string& request, int) {
    return http_answer(200, request.substr(request.find("\r\n\r\n") + 4));
  });
  HttpClient client(quick());
  const HttpResponse response =
      client.post(server.url() + "/x", {"Authorization: Bearer k"}, "{\"问\": 1}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"问\": 1}");
  EXPECT_EQ(response.attempts, 1);
  EXPECT_NE(server.requests()[0].find("POST /x HTTP/1.1"), std::string::npos);
  EXPECT_NE(server.requests()[0].find("Authorization: Bearer k"), std::string::npos);
  // Larger than what one write takes.
  EXPECT_EQ(client.post(server.url(), {}, std::string(300'000, 'x')).body.size(), 300'000u);
}

TEST(HttpClient, TriesAgain) {
  HttpTestServer server([](const std::string&, int number) -> std::string {
    if (number == 0) return http_answer(429, "slow down", "Retry-After: 0\r\n");
    if (number == 1) return http_answer(503, "busy");
    if (number == 2) return "";  // closes the connection without a word
    return http_answer(200, "at last");
  });
  const HttpResponse response = HttpClient(quick()).post(server.url(), {}, "{}");
  EXPECT_EQ(response.body, "at last");
  EXPECT_EQ(response.attempts, 4);
}

TEST(HttpClient, HonoursRetryAfterUpToALimit) {
  HttpTestServer server([](const std::string&, int number) {
    return number == 0 ? http_answer(429, "", "Retry-After: 3600\r\n") : http_answer(200, "ok");
  });
  HttpOptions options = quick();
  options.max_backoff = milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(HttpClient(options).post(server.url(), {}, "{}").body, "ok");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(190));
}

TEST(HttpClient, GivesUpInBounds) {
  HttpTestServer busy([](const std::string&, int) { return http_answer(500, "broken\ninside"); });
  const std::string message = error_of(quick(), busy.url() + "/a?key=secret");
  EXPECT_NE(message.find("status 500: broken inside (given up after 4 attempts)"),
            std::string::npos)
      << message;
  EXPECT_EQ(message.find("secret"), std::string::npos);
  EXPECT_EQ(busy.requests().size(), 4u);

  HttpTestServer silent([](const std::string&, int) -> std::string {
    std::this_thread::sleep_for(milliseconds(400));
    return "";
  });
  HttpOptions options = quick();
  options.retries = 0;
  options.timeout = milliseconds(50);
  EXPECT_NE(error_of(options, silent.url()).find("timed out"), std::string::npos);
}

TEST(HttpClient, OtherAnswersAreReturned) {
  HttpTestServer server([](const std::string&, int) {
    return http_answer(302, "moved", "Location: http://example.invalid/\r\n");
  });
  EXPECT_EQ(HttpClient(quick()).post(server.url(), {}, "{}").status, 302);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpClient, RefusesWhatCannotWork) {
  EXPECT_NE(error_of(quick(), "ftp://host/x").find("not supported"), std::string::npos);
  EXPECT_NE(error_of(quick(), "file:///etc/passwd").find("not supported"), std::string::npos);
  EXPECT_NE(error_of(quick(), "http://").find("http://"), std::string::npos);
  EXPECT_NE(error_of(quick(), "http://127.0.0.1:1/", {"A: b\nC: d"}).find("line break"),
            std::string::npos);
  EXPECT_NE(error_of(quick(), "http://127.0.0.1:1/").find("given up after 4"), std::string::npos);
  HttpTestServer server(
      [](const std::string&, int) { return http_answer(200, std::string(5000, 'x')); });
  HttpOptions options = quick();
  options.max_bytes = 1000;
  EXPECT_NE(error_of(options, server.url()).find("more than 1000 bytes"), std::string::npos);
}

}  // namespace
}  // namespace parley::eval

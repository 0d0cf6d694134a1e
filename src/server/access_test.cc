// Keys, limits and access logs.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "base/error.h"
#include "server/access_log.h"
#include "server/api_keys.h"
#include "server/rate_limit.h"
#include "server/server_test_util.h"

namespace parley::server {
namespace {

class Keys : public ApiTest {
 protected:
  fs::path file() const { return folder_.path() / "keys.json"; }

  int status_with(Api& api, const std::string& authorization) {
    http::Request request = request_of("GET", "/v1/models", "");
    if (!authorization.empty()) request.headers.set("Authorization", authorization);
    FakeExchange exchange(request);
    boost::asio::io_context context;
    auto done = boost::asio::co_spawn(context, api.handle(exchange), boost::asio::use_future);
    context.run();
    done.get();
    last_ = exchange.answer;
    return exchange.answer.status;
  }
  http::Response last_;
};

TEST_F(Keys, OnlyHashesAreKept) {
  KeyFile keys(file());
  ApiKey described;
  const std::string secret = keys.add("laptop", 0, {}, &described);
  EXPECT_TRUE(secret.starts_with("pk-"));
  EXPECT_EQ(secret.size(), 46u);
  EXPECT_NE(secret, keys.add("laptop", 0, {}));
  const std::string text = base::read_file(file());
  EXPECT_EQ(text.find(secret.substr(3, 30)), std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(described.last_four, secret.substr(42));
}

TEST_F(Keys, SeveralWritersLoseNothing) {
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([this] {
      for (int i = 0; i < 10; ++i) KeyFile(file()).add("x", 0, {});
    });
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(KeyFile(file()).read().size(), 40u);
}

TEST_F(Keys, TheApiAsksForThem) {
  EXPECT_THROW(ApiKeys(folder_.path() / "none.json"), base::Error);
  KeyFile keys(file());
  ApiKey revoked;
  const std::string good = keys.add("good", 0, {}), bad = keys.add("bad", 0, {}, &revoked),
                    old = keys.add("old", 1000, {});
  ASSERT_TRUE(keys.disable(revoked.id));
  EXPECT_FALSE(keys.disable("key_none"));
  ApiKeys known(file());
  Api api({.models = *models_, .keys = &known});
  EXPECT_EQ(status_with(api, "Bearer " + good), 200);
  EXPECT_EQ(status_with(api, "bearer  " + good), 200);
  EXPECT_EQ(status_with(api, ""), 401);
  EXPECT_EQ(status_with(api, "Basic " + good), 401);
  EXPECT_EQ(status_with(api, "Bearer " + good + "x"), 401);
  EXPECT_EQ(Json::parse(last_.body)["error"]["code"], "invalid_api_key");
  EXPECT_EQ(status_with(api, "Bearer " + bad), 403);
  EXPECT_EQ(status_with(api, "Bearer " + old), 403);
}

TEST_F(Keys, LimitsOfAKey) {
  const std::string key = KeyFile(file()).add("slow", 0, {.requests_per_minute = 2});
  ApiKeys known(file());
  Api api({.models = *models_, .keys = &known, .limits = {.tokens_per_minute = 100}});
  EXPECT_EQ(status_with(api, "Bearer " + key), 200);
  EXPECT_EQ(last_.headers.find("x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(last_.headers.find("x-ratelimit-limit-tokens"), "100");
  EXPECT_EQ(status_with(api, "Bearer " + key), 200);
  EXPECT_EQ(status_with(api, "Bearer " + key), 429);
  EXPECT_TRUE(last_.headers.find("Retry-After"));
  EXPECT_EQ(Json::parse(last_.body)["error"]["type"], "requests");
}

TEST(RateLimiter, FillsEvenlyAndGivesBack) {
  RateLimiter limiter;
  const RateLimits limits{.requests_per_minute = 60, .tokens_per_minute = 600};
  auto now = RateLimiter::Clock::now();
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(limiter.take_request("a", limits, now).allowed);
  const auto refused = limiter.take_request("a", limits, now);
  EXPECT_FALSE(refused.allowed);
  EXPECT_NEAR(refused.retry_after, 1, 0.01);
  EXPECT_TRUE(limiter.take_request("b", limits, now).allowed);
  now += std::chrono::milliseconds(1100);
  EXPECT_TRUE(limiter.take_request("a", limits, now).allowed);
  EXPECT_FALSE(limiter.take_request("a", limits, now).allowed);

  EXPECT_TRUE(limiter.take_tokens("c", limits, 500, now).allowed);
  const auto tokens = limiter.take_tokens("c", limits, 200, now);
  EXPECT_FALSE(tokens.allowed);
  EXPECT_TRUE(tokens.by_tokens);
  EXPECT_NEAR(tokens.retry_after, 10, 0.01);
  limiter.give_back("c", limits, 450);
  EXPECT_TRUE(limiter.take_tokens("c", limits, 200, now).allowed);
  EXPECT_TRUE(limiter.take_tokens("c", limits, 601, now).never);
  EXPECT_TRUE(limiter.take_request("d", {}, now).allowed);
}

TEST(RateLimiter, Durations) {
  EXPECT_EQ(duration_text(0.008), "8ms");
  EXPECT_EQ(duration_text(0), "0ms");
  EXPECT_EQ(duration_text(1), "1s");
  EXPECT_EQ(duration_text(12.5), "12.5s");
  EXPECT_EQ(duration_text(360), "6m0s");
}

TEST(AccessLines, AreOneLineWhateverAClientSends) {
  http::AccessRecord record;
  record.id = "req_1";
  record.method = "GET";
  record.path = "/x\n127.0.0.1 \"forged\"\x7f" + std::string(5000, 'a');
  record.user_agent = "\xff\n";
  record.notes = {{"model", "m\n"}};
  for (const bool json : {false, true}) {
    const std::string line = access_line(record, json);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_LT(line.size(), 3000u);
  }
  EXPECT_EQ(Json::parse(access_line(record, true))["id"], "req_1");
}

TEST_F(Keys, AccessLogsAreReopened) {
  const fs::path path = folder_.path() / "access.log";
  AccessLog log(path.string(), true);
  http::AccessRecord record;
  record.id = "first";
  log.write(record);
  const auto lines = [](const fs::path& at, size_t bytes) {
    for (int i = 0; i < 400; ++i) {
      if (fs::exists(at) && fs::file_size(at) > bytes) return base::read_file(at);
      usleep(5000);
    }
    return std::string();
  };
  EXPECT_NE(lines(path, 0).find("first"), std::string::npos);
  fs::rename(path, folder_.path() / "old.log");
  log.reopen();
  record.id = "second";
  log.write(record);
  EXPECT_NE(lines(path, 0).find("second"), std::string::npos);
  EXPECT_THROW(AccessLog("/proc/parley/access.log", false), base::Error);
}

}  // namespace
}  // namespace parley::server

// Paths, hosts and origins, throttling, titles: what needs no app.
#include "app/router.h"

#include <gtest/gtest.h>

#include "app/origin.h"
#include "app/passwords.h"
#include "app/stream.h"
#include "app/throttle.h"
#include "app/title.h"

namespace parley::app {
namespace {

using Parts = std::vector<std::string>;

TEST(Router, Patterns) {
  Parts parts;
  EXPECT_TRUE(matches("/a/b", "/a/b", parts));
  EXPECT_FALSE(matches("/a/b", "/a/b/", parts));
  EXPECT_FALSE(matches("/a/b", "/a", parts));
  EXPECT_TRUE(matches("/a/{id}", "/a/x", parts));
  EXPECT_EQ(parts, (Parts{"x"}));
  EXPECT_FALSE(matches("/a/{id}", "/a/", parts));
  EXPECT_FALSE(matches("/a/{id}", "/a/x/y", parts));
  EXPECT_TRUE(matches("/a/{id}/b/{n}", "/a/x/b/3", parts));
  EXPECT_EQ(parts, (Parts{"x", "3"}));
  EXPECT_TRUE(matches("/runs/{name*}/metrics", "/runs/a/b/c/metrics", parts));
  EXPECT_EQ(parts, (Parts{"a/b/c"}));
  EXPECT_TRUE(matches("/runs/{name*}/metrics", "/runs/a/metrics", parts));
  EXPECT_EQ(parts, (Parts{"a"}));
  EXPECT_FALSE(matches("/runs/{name*}/metrics", "/runs/metrics", parts));
  EXPECT_TRUE(matches("/files/{name*}", "/files/a/b", parts));
  EXPECT_EQ(parts, (Parts{"a/b"}));
  EXPECT_FALSE(matches("/files/{name*}", "/files/", parts));
}

TEST(Router, EveryRouteIsFoundByItsOwnPath) {
  const Router router(all_routes());
  EXPECT_GT(router.routes().size(), 40u);
  for (const Route& route : router.routes()) {
    Parts parts;
    std::string path = route.path;
    for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, "part");
    const Route& found = router.find(route.method, path, parts);
    EXPECT_EQ(found.path, route.path);
    EXPECT_EQ(found.method, route.method);
  }
  Parts parts;
  EXPECT_EQ(router.find("HEAD", "/app/api/session", parts).method, "GET");
  try {
    router.find("GET", "/app/api/nothing", parts);
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 404);
  }
  try {
    router.find("PUT", "/app/api/conversations/x", parts);
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 405);
    EXPECT_NE(std::string(error.what()).find("GET, PATCH, DELETE"), std::string::npos)
        << error.what();
  }
}

http::Request from(const std::string& host, const std::string& origin = {},
                   const std::string& site = {}) {
  http::Request request;
  request.headers.set("Host", host);
  if (!origin.empty()) request.headers.set("Origin", origin);
  if (!site.empty()) request.headers.set("Sec-Fetch-Site", site);
  return request;
}

bool host_is_good(const AppOptions& options, const std::string& host) {
  try {
    check_host(options, from(host));
    return true;
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code, "bad_host");
    return false;
  }
}

TEST(Origin, HostsOfALoopbackAddress) {
  AppOptions options;
  for (const char* good : {"localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:80", "[::1]:9",
                           "127.3.2.1", "app.localhost:8080", "localhost."})
    EXPECT_TRUE(host_is_good(options, good)) << good;
  for (const char* bad :
       {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "127.evil.example.com",
        "192.168.0.1", "localhost.evil.example", "[", "[::2]"})
    EXPECT_FALSE(host_is_good(options, bad)) << bad;
  options.hosts = {"chat.example.org"};
  EXPECT_TRUE(host_is_good(options, "chat.example.org"));
  EXPECT_TRUE(host_is_good(options, "Chat.Example.org:443"));
  EXPECT_FALSE(host_is_good(options, "other.example.org"));
}

TEST(Origin, HostsOfOtherAddresses) {
  AppOptions options;
  options.address = "0.0.0.0";
  EXPECT_TRUE(host_is_good(options, "any.example"));
  options.hosts = {"chat.example.org"};
  EXPECT_FALSE(host_is_good(options, "any.example"));
  EXPECT_TRUE(host_is_good(options, "chat.example.org"));
  EXPECT_TRUE(host_is_good(options, "localhost:8080"));
  options.hosts = {"*"};
  EXPECT_TRUE(host_is_good(options, "any.example"));
}

TEST(Origin, PagesThatMayChangeThings) {
  AppOptions options;
  const auto good = [&](const http::Request& request) {
    try {
      check_origin(options, request);
      return true;
    } catch (const ApiError&) {
      return false;
    }
  };
  EXPECT_TRUE(good(from("localhost:80", "http://localhost:80", "same-origin")));
  EXPECT_TRUE(good(from("localhost:80")));  // no browser
  EXPECT_TRUE(good(from("[::1]:80", "http://[::1]:80")));
  EXPECT_FALSE(good(from("localhost:80", "http://localhost:81")));
  EXPECT_FALSE(good(from("localhost:80", "http://evil.example")));
  EXPECT_FALSE(good(from("localhost:80", "null")));
  EXPECT_FALSE(good(from("localhost:80", "http://")));
  EXPECT_FALSE(good(from("localhost:80", "", "cross-site")));
  options.hosts = {"chat.example.org"};
  EXPECT_TRUE(good(from("backend:80", "https://chat.example.org")));
  EXPECT_FALSE(good(from("backend:80", "https://chat.example.org.evil.example")));
}

TEST(Throttle, SoManyInAWindow) {
  using namespace std::chrono_literals;
  Throttle throttle(3, 60s);
  const auto start = Throttle::Clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(throttle.take("ada", start), 0);
  EXPECT_NEAR(throttle.take("ada", start + 20s), 40, 1e-6);
  EXPECT_EQ(throttle.take("bob", start), 0);
  throttle.forgive("ada");
  EXPECT_EQ(throttle.take("ada", start + 20s), 0);
  EXPECT_GT(throttle.take("ada", start + 20s), 0);
  EXPECT_EQ(throttle.take("ada", start + 61s), 0);
  throttle.forgive("nobody");
}

TEST(Passwords, HashesAreSaltedAndChecked) {
  const std::string hash = hash_password("correct horse 电池");
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=32768,t=3,p=1$")) << hash;
  EXPECT_NE(hash, hash_password("correct horse 电池"));
  EXPECT_TRUE(check_password(hash, "correct horse 电池"));
  EXPECT_FALSE(check_password(hash, "correct horse"));
  EXPECT_FALSE(check_password(hash, ""));
  EXPECT_FALSE(check_password("", ""));
  EXPECT_FALSE(check_password("$argon2id$nonsense", "x"));
  EXPECT_FALSE(check_password("plain", "plain"));
  EXPECT_FALSE(check_password(hash, std::string(2000, 'x')));
  EXPECT_THROW(require_good_password("1234567"), ApiError);
  EXPECT_NO_THROW(require_good_password("密码密码密码密码"));
  EXPECT_THROW(require_good_password("密码密码密码"), ApiError);
  EXPECT_THROW(require_good_password(std::string(1025, 'x')), ApiError);
}

TEST(Title, FromWhatIsSaid) {
  EXPECT_EQ(make_title("Hello"), "Hello");
  EXPECT_EQ(make_title("How do I boil an egg? I have a pot."), "How do I boil an egg?");
  EXPECT_EQ(make_title("Write a poem. Make it short."), "Write a poem");
  EXPECT_EQ(make_title("你好，请介绍一下你自己。谢谢"), "你好，请介绍一下你自己");
  EXPECT_EQ(make_title("# A **bold** heading\n\ntext"), "A bold heading");
  EXPECT_EQ(make_title("- [a link](http://x.example/y) here"), "a link here");
  EXPECT_EQ(make_title("```python\nprint(1)\n```\nWhat does this do?"), "What does this do?");
  EXPECT_EQ(make_title("```\nonly code\n```"), "only code");
  EXPECT_EQ(make_title("1. first\n2. second"), "first");
  EXPECT_EQ(make_title("use snake_case and `code`"), "use snake_case and code");
  EXPECT_EQ(make_title("version 3.14 is out"), "version 3.14 is out");
  EXPECT_EQ(make_title(""), "");
  EXPECT_EQ(make_title("  \n---\n"), "");
  EXPECT_EQ(make_title("\n\n  second line  "), "second line");
  const std::string cut =
      make_title("Please explain the difference between supervised and unsupervised learning");
  EXPECT_TRUE(cut.ends_with("…")) << cut;
  EXPECT_LE(cut.size(), 42u) << cut;
  EXPECT_EQ(cut, "Please explain the difference between…");
  const std::string chinese =
      make_title("请详细解释一下监督学习与无监督学习之间的区别以及各自的应用");
  EXPECT_EQ(chinese, "请详细解释一下监督学习与无监督学习之间…");
  EXPECT_EQ(make_title("Translate this to French: the weather is nice today and I like it"),
            "Translate this to French");
}

TEST(Deltas, AnyOffsetAndNoHalfCharacters) {
  EXPECT_EQ(utf16_length("a你😀"), 4);
  const std::string text = "a你😀b";
  for (int64_t from = 0; from <= 5; ++from) {
    Deltas deltas(from);
    const std::string event = deltas.next(text);
    if (from == 5) {
      EXPECT_EQ(event, "");
      continue;
    }
    const Json json = Json::parse(event.substr(6));
    EXPECT_EQ(json["type"], "delta");
    const int64_t offset = json["offset"].get<int64_t>();
    EXPECT_EQ(offset, from == 3 ? 2 : from);  // never in the middle of 😀
    EXPECT_EQ(utf16_length(text) - offset, utf16_length(json["text"].get<std::string>()));
    const std::string more = deltas.next("c");
    EXPECT_EQ(Json::parse(more.substr(6))["offset"], 5);
  }
  Deltas beyond(9);
  const Json json = Json::parse(beyond.next(text).substr(6));
  EXPECT_EQ(json["type"], "reset");
  EXPECT_EQ(json["text"], text);
  EXPECT_EQ(Json::parse(beyond.next("c").substr(6))["offset"], 5);
  Deltas empty(3);
  EXPECT_EQ(Json::parse(empty.next("").substr(6))["type"], "reset");
}

}  // namespace
}  // namespace parley::app

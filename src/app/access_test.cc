// Who may call what: every route, and things of other users.
#include <gtest/gtest.h>

#include "app/app_test_util.h"
#include "app/router.h"

namespace parley::app {
namespace {

constexpr const char* kPassword = "a good password";

std::string filled(std::string path) {
  for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
    path.replace(open, path.find('}') - open + 1, "AAAAAAAAAAAAAAAAAAAAAA");
  return path;
}

class Access : public AppTest {
 protected:
  Access() : AppTest(AppOptions{.users = true}) {
    admin_ = sign_up("ada", "");
    user_ = sign_up("bob", invitation());
  }
  std::string invitation(const std::string& role = "user") {
    return post(admin_, "/invitations", {{"role", role}}, 201)["code"].get<std::string>();
  }
  Browser sign_up(const std::string& name, const std::string& code) {
    Browser browser = open();
    Json body = {{"name", name}, {"password", kPassword}};
    if (!code.empty()) body["invitation"] = code;
    browser.csrf = post(browser, "/signup", body)["csrf"].get<std::string>();
    return browser;
  }
  static std::string code_of(const http::Response& answer) {
    const Json json = Json::parse(answer.body, nullptr, false);
    if (json.is_discarded() || !json.contains("error") || json["error"]["code"].is_null())
      return "";
    return json["error"]["code"].get<std::string>();
  }
  // Status and code for a request that is as good as `browser` is.
  std::pair<int, std::string> attempt(const Browser& browser, const Route& route) {
    const http::Response answer = send(request_of(browser, route.method, filled(route.path), "{}"));
    return {answer.status, code_of(answer)};
  }
  static bool changes(const Route& route) { return route.method != "GET"; }

  Browser admin_, user_;
};

TEST_F(Access, NothingWithoutASession) {
  for (const Route& route : all_routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (route.access == app::Access::kOpen) continue;
    const auto [status, code] = attempt({}, route);
    EXPECT_EQ(status, 401);
    EXPECT_EQ(code, "no_session");
    Browser forged;
    forged.cookie = std::string(43, 'A');
    EXPECT_EQ(attempt(forged, route).first, 401);
  }
}

TEST_F(Access, NothingIsChangedWithoutTheToken) {
  for (const Route& route : all_routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (!changes(route)) continue;
    for (const std::string& token : {std::string(), std::string(43, 'A'), user_.csrf}) {
      Browser browser = admin_;
      browser.csrf = token;
      const auto [status, code] = attempt(browser, route);
      EXPECT_EQ(status, 403);
      EXPECT_EQ(code, "csrf");
    }
  }
}

TEST_F(Access, NothingIsChangedByPagesElsewhere) {
  for (const Route& route : all_routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    for (const char* origin : {"http://evil.example", "null", "http://localhost:9999"}) {
      Browser browser = admin_;
      browser.origin = origin;
      if (!changes(route)) continue;
      const auto [status, code] = attempt(browser, route);
      EXPECT_EQ(status, 403);
      EXPECT_EQ(code, "csrf");
    }
    Browser browser = admin_;
    browser.host = "evil.example";
    const auto [status, code] = attempt(browser, route);
    EXPECT_EQ(status, 403);
    EXPECT_EQ(code, "bad_host");
  }
}

TEST_F(Access, UsersAndAdministrators) {
  Browser stranger = open();
  for (const Route& route : all_routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    if (route.access == app::Access::kUser || route.access == app::Access::kAdmin) {
      const auto [status, code] = attempt(stranger, route);
      EXPECT_EQ(status, 401);
      EXPECT_EQ(code, "not_logged_in");
    }
    if (route.access == app::Access::kAdmin) {
      const auto [status, code] = attempt(user_, route);
      EXPECT_EQ(status, 403);
      EXPECT_EQ(code, "not_admin");
    }
  }
}

TEST_F(Access, WhatBelongsToOthersIsNotThere) {
  const std::string conversation = new_conversation(admin_, {{"params", {{"max_tokens", 5}}}});
  const Json asked = ask(admin_, conversation, "my secret");
  const std::string message = id_of(asked["user"]), answer = id_of(asked["answers"][0]);
  wait_for(admin_, answer);

  struct Attempt {
    const char* method;
    std::string path;
    Json body;
  };
  const std::string c = "/conversations/" + conversation;
  const std::vector<Attempt> attempts = {
      {"GET", c, nullptr},
      {"PATCH", c, {{"title", "mine"}}},
      {"DELETE", c, nullptr},
      {"PUT", c + "/draft", {{"text", "x"}}},
      {"GET", c + "/export", nullptr},
      {"POST", c + "/messages", {{"parent", nullptr}, {"content", "x"}}},
      {"GET", "/messages/" + message, nullptr},
      {"GET", "/messages/" + answer + "/stream", nullptr},
      {"POST", "/messages/" + answer + "/regenerate", Json::object()},
      {"POST", "/messages/" + answer + "/continue", nullptr},
      {"POST", "/messages/" + answer + "/stop", nullptr},
  };
  for (const Attempt& one : attempts)
    EXPECT_EQ(refused(user_, one.method, one.path, one.body, 404), "not_found")
        << one.method << " " << one.path;
  // Nor may a message of another hang in one's own conversation.
  const std::string own = new_conversation(user_);
  EXPECT_EQ(refused(user_, "POST", "/conversations/" + own + "/messages",
                    {{"parent", answer}, {"content", "x"}}, 404),
            "not_found");
  EXPECT_EQ(refused(user_, "PATCH", "/conversations/" + own, {{"leaf", answer}}, 404), "not_found");
  EXPECT_EQ(get(user_, "/search?q=secret")["hits"].size(), 0u);
  EXPECT_GE(get(admin_, "/search?q=secret")["hits"].size(), 1u);
  // All of it is still there.
  EXPECT_EQ(get(admin_, c)["messages"].size(), 2u);
  EXPECT_EQ(get(admin_, c)["title"], "my secret");
}

TEST_F(Access, AnswersAreOfTheErrorsForm) {
  Browser browser = admin_;
  for (const char* path : {"/app/api/nothing", "/app/api/", "/app/api/conversations/x/y/z"}) {
    const http::Response answer = send(browser, "GET", path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(Json::parse(answer.body)["error"].size(), 4u);
  }
  EXPECT_EQ(send(browser, "PUT", "/app/api/session").status, 405);
  EXPECT_EQ(send(browser, "POST", "/").status, 405);
  EXPECT_EQ(send(browser, "POST", "/app/api/conversations", "[1]").status, 400);
  EXPECT_EQ(send(browser, "POST", "/app/api/conversations", "{").status, 400);
}

}  // namespace
}  // namespace parley::app

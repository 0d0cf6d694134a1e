// Sessions, accounts, settings, quotas.
#include <gtest/gtest.h>

#include "app/app_test_util.h"
#include "server/secrets.h"

namespace parley::app {
namespace {

constexpr const char* kGoodPassword = "a good password";

class LocalSessions : public AppTest {};

TEST_F(LocalSessions, TheLocalUserNeedsNoPassword) {
  Browser browser;
  const http::Response answer = send(browser, "GET", "/app/api/session");
  const Json json = Json::parse(answer.body);
  EXPECT_EQ(json["user"]["name"], "local");
  EXPECT_EQ(json["user"]["role"], "admin");
  EXPECT_EQ(json["users_enabled"], false);
  EXPECT_EQ(json["setup_needed"], false);
  ASSERT_EQ(json["models"].size(), 1u);
  EXPECT_EQ(json["models"][0], Json({{"id", "tiny"}, {"context", 1024}, {"chat", true}}));
  EXPECT_EQ(json["settings"]["memory"], true);
  const std::string cookie(answer.headers.find("Set-Cookie").value_or(""));
  for (const char* part : {"parley_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="})
    EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
  EXPECT_EQ(cookie.find("Secure"), std::string::npos);
  EXPECT_EQ(browser.cookie.size(), 43u);
  EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");

  // The same session again: the same token, and no new cookie.
  const http::Response again = send(request_of(browser, "GET", "/app/api/session"));
  EXPECT_EQ(Json::parse(again.body)["csrf"], json["csrf"]);
  EXPECT_FALSE(again.headers.find("Set-Cookie"));
  // Another browser is the same user, with a token of its own.
  Browser other = open();
  EXPECT_NE(other.csrf, json["csrf"].get<std::string>());
  EXPECT_EQ(get(other, "/session")["user"]["id"], json["user"]["id"]);
}

TEST_F(LocalSessions, OnlyHashesAreKept) {
  const Browser browser = open();
  const auto store = open_store();
  EXPECT_FALSE(store->session(browser.cookie));
  EXPECT_TRUE(store->session(server::sha256(browser.cookie)));
}

TEST_F(LocalSessions, SessionsOutliveTheServerAndEndInTime) {
  Browser browser = open();
  const std::string user = get(browser, "/session")["user"]["id"].get<std::string>();
  start();
  EXPECT_EQ(get(browser, "/session")["user"]["id"], user);
  EXPECT_EQ(get(browser, "/conversations")["conversations"].size(), 0u);

  // Used after a while, it lives on from then.
  const auto store = open_store();
  const std::string hash = server::sha256(browser.cookie);
  auto session = *store->session(hash);
  const store::Time full = session.expires;
  session.expires = store::now() + 60'000;
  store->add_session(session);
  const http::Response answer = send(request_of(browser, "GET", "/app/api/conversations"));
  EXPECT_TRUE(answer.headers.find("Set-Cookie"));
  EXPECT_GE(store->session(hash)->expires, full);
  // Past its time it is none.
  session.expires = store::now() - 1;
  store->add_session(session);
  EXPECT_EQ(refused(browser, "GET", "/conversations", nullptr, 401), "no_session");
}

TEST_F(LocalSessions, OddCookies) {
  Browser browser = open();
  const auto status = [&](const std::string& cookies) {
    http::Request request = request_of({}, "GET", "/app/api/conversations");
    request.headers.set("Cookie", cookies);
    return send(request).status;
  };
  EXPECT_EQ(status("a=b; parley_session=" + browser.cookie + "; c=d"), 200);
  EXPECT_EQ(status("xparley_session=" + browser.cookie), 401);
  EXPECT_EQ(status("parley_session"), 401);
  EXPECT_EQ(status("parley_session=;;;=;"), 401);
  EXPECT_EQ(status("parley_session=" + std::string(10000, 'x')), 401);
  EXPECT_EQ(status("parley_session=' OR 1=1 --"), 401);
}

TEST_F(LocalSessions, NoAccountsNoLogIn) {
  Browser browser = open();
  EXPECT_EQ(refused(browser, "POST", "/login", {{"name", "x"}, {"password", "y"}}, 403),
            "users_disabled");
  EXPECT_EQ(refused(browser, "POST", "/signup", {{"name", "x"}, {"password", kGoodPassword}}, 403),
            "users_disabled");
}

TEST_F(LocalSessions, Settings) {
  Browser browser = open();
  Json settings = call(browser, "PUT", "/settings",
                       {{"language", "zh"},
                        {"params", {{"temperature", 0.5}, {"stop", {"END"}}}},
                        {"instructions", {{"about", "我是老师"}, {"style", "kurz"}}}});
  EXPECT_EQ(settings["language"], "zh");
  EXPECT_EQ(settings["theme"], "auto");
  EXPECT_EQ(settings["instructions"]["enabled"], true);
  settings = call(browser, "PUT", "/settings", {{"memory", false}});
  EXPECT_EQ(settings["memory"], false);
  EXPECT_EQ(settings["params"]["temperature"], 0.5);
  EXPECT_EQ(get(browser, "/session")["settings"], settings);
  for (const Json& bad :
       {Json({{"language", "fr"}}), Json({{"memory", "yes"}}), Json({{"colour", 1}}),
        Json({{"params", {{"temperature", 3}}}}), Json({{"params", {{"top_k", 3}}}}),
        Json({{"instructions", {{"about", std::string(5000, 'x')}}}}), Json({{"model", 3}}),
        Json({{"params", {{"stop", {"a", "b", "c", "d", "e"}}}}})})
    EXPECT_EQ(call(browser, "PUT", "/settings", bad, 400).contains("error"), true) << bad.dump();
}

class Accounts : public AppTest {
 protected:
  Accounts() : AppTest(AppOptions{.users = true}) {}
  Browser sign_up(const std::string& name, const std::string& code) {
    Browser browser = open();
    Json body = {{"name", name}, {"password", kGoodPassword}};
    if (!code.empty()) body["invitation"] = code;
    browser.csrf = post(browser, "/signup", body)["csrf"].get<std::string>();
    return browser;
  }
  std::string invitation(Browser& admin) {
    return post(admin, "/invitations", Json::object(), 201)["code"].get<std::string>();
  }
  Browser log_in(const std::string& name, const std::string& password = kGoodPassword) {
    Browser browser = open();
    browser.csrf = post(browser, "/login", {{"name", name}, {"password", password}})["csrf"]
                       .get<std::string>();
    return browser;
  }
};

TEST_F(Accounts, TheFirstIsAnAdministratorTheOthersAreInvited) {
  Browser stranger = open();
  Json session = get(stranger, "/session");
  EXPECT_TRUE(session["user"].is_null());
  EXPECT_EQ(session["setup_needed"], true);
  EXPECT_EQ(refused(stranger, "GET", "/conversations", nullptr, 401), "not_logged_in");

  Browser ada = sign_up("ada", "");
  session = get(ada, "/session");
  EXPECT_EQ(session["user"]["role"], "admin");
  EXPECT_EQ(session["setup_needed"], false);
  EXPECT_EQ(
      refused(stranger, "POST", "/signup", {{"name", "eve"}, {"password", kGoodPassword}}, 403),
      "bad_invitation");
  EXPECT_EQ(refused(stranger, "POST", "/signup",
                    {{"name", "eve"}, {"password", kGoodPassword}, {"invitation", "guess"}}, 403),
            "bad_invitation");

  const std::string code = invitation(ada);
  EXPECT_EQ(refused(stranger, "POST", "/signup",
                    {{"name", "ada"}, {"password", kGoodPassword}, {"invitation", code}}, 409),
            "name_taken");
  EXPECT_EQ(refused(stranger, "POST", "/signup",
                    {{"name", "bob"}, {"password", "short"}, {"invitation", code}}, 400),
            "weak_password");
  EXPECT_EQ(refused(stranger, "POST", "/signup",
                    {{"name", " \n "}, {"password", kGoodPassword}, {"invitation", code}}, 400),
            "invalid_value");
  Browser bob = sign_up("bob 小明", code);
  EXPECT_EQ(get(bob, "/session")["user"]["role"], "user");
  EXPECT_EQ(refused(stranger, "POST", "/signup",
                    {{"name", "eve"}, {"password", kGoodPassword}, {"invitation", code}}, 403),
            "bad_invitation");
  const Json list = get(ada, "/invitations")["invitations"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["used_by"], "bob 小明");
  EXPECT_FALSE(list[0].contains("code"));
  EXPECT_EQ(get(ada, "/users")["users"].size(), 2u);
}

TEST_F(Accounts, TheFirstTakesOverTheLocalUsersChats) {
  options_.users = false;
  start();
  Browser local = open();
  const std::string conversation = new_conversation(local);
  options_.users = true;
  start();
  // The cookie of the time without passwords opens nothing now.
  EXPECT_EQ(refused(local, "GET", "/conversations", nullptr, 401), "no_session");
  Browser ada = sign_up("ada", "");
  EXPECT_EQ(get(ada, "/conversations/" + conversation)["id"], conversation);
  EXPECT_EQ(refused(local, "GET", "/conversations", nullptr, 401), "no_session");
  options_.users = false;
  start();
  Browser again = open();
  EXPECT_EQ(get(again, "/conversations/" + conversation)["id"], conversation);
}

TEST_F(Accounts, ALogInMakesANewSession) {
  sign_up("ada", "");
  Browser browser = open();
  const Browser before = browser;
  const Json session = post(browser, "/login", {{"name", " ada "}, {"password", kGoodPassword}});
  EXPECT_EQ(session["user"]["name"], "ada");
  EXPECT_NE(browser.cookie, before.cookie);
  EXPECT_NE(session["csrf"].get<std::string>(), before.csrf);
  // Whoever planted the old cookie has nothing.
  Browser planted = before;
  EXPECT_EQ(refused(planted, "GET", "/conversations", nullptr, 401), "no_session");
  browser.csrf = session["csrf"].get<std::string>();
  Browser copy = browser;
  post(browser, "/logout");
  EXPECT_TRUE(browser.cookie.empty());
  EXPECT_EQ(refused(copy, "GET", "/conversations", nullptr, 401), "no_session");
}

TEST_F(Accounts, GuessingIsThrottledByNameAndAddress) {
  sign_up("ada", "");
  Browser thief = open();
  thief.peer = "10.0.0.1";
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(refused(thief, "POST", "/login", {{"name", "ada"}, {"password", "guess"}}, 401),
              "wrong_password");
  const http::Response answer =
      send(thief, "POST", "/app/api/login", R"({"name":"ada","password":"a good password"})");
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.headers.find("Retry-After"));
  // The name is closed from elsewhere too, the address for other names.
  Browser other = open();
  other.peer = "10.0.0.2";
  EXPECT_EQ(refused(other, "POST", "/login", {{"name", "ada"}, {"password", kGoodPassword}}, 429),
            "too_many_attempts");
  EXPECT_EQ(refused(thief, "POST", "/login", {{"name", "bob"}, {"password", "x"}}, 429),
            "too_many_attempts");
  EXPECT_EQ(refused(other, "POST", "/login", {{"name", "bob"}, {"password", "x"}}, 401),
            "wrong_password");
}

TEST_F(Accounts, GoodLogInsAreNotCounted) {
  sign_up("ada", "");
  for (int i = 0; i < 12; ++i) log_in("ada");
}

TEST_F(Accounts, ANewPasswordEndsOtherSessions) {
  Browser ada = sign_up("ada", "");
  Browser elsewhere = log_in("ada");
  EXPECT_EQ(refused(ada, "POST", "/password", {{"old", "wrong"}, {"new", "another one"}}, 401),
            "wrong_password");
  EXPECT_EQ(refused(ada, "POST", "/password", {{"old", kGoodPassword}, {"new", "short"}}, 400),
            "weak_password");
  post(ada, "/password", {{"old", kGoodPassword}, {"new", "another one"}});
  get(ada, "/conversations");
  EXPECT_EQ(refused(elsewhere, "GET", "/conversations", nullptr, 401), "no_session");
  log_in("ada", "another one");
}

TEST_F(Accounts, TheLastAdministratorStays) {
  Browser ada = sign_up("ada", "");
  Browser bob = sign_up("bob", invitation(ada));
  const std::string ada_id = get(ada, "/session")["user"]["id"].get<std::string>();
  const std::string bob_id = get(bob, "/session")["user"]["id"].get<std::string>();
  for (const Json& change : {Json({{"role", "user"}}), Json({{"disabled", true}})})
    EXPECT_EQ(refused(ada, "PATCH", "/users/" + ada_id, change, 409), "last_admin");
  EXPECT_EQ(refused(ada, "DELETE", "/users/" + ada_id, nullptr, 409), "last_admin");
  EXPECT_EQ(refused(ada, "PATCH", "/users/" + bob_id, {{"role", "king"}}, 400), "invalid_value");
  EXPECT_EQ(refused(ada, "PATCH", "/users/nobody", {{"role", "user"}}, 404), "not_found");

  EXPECT_EQ(call(ada, "PATCH", "/users/" + bob_id, {{"role", "admin"}})["role"], "admin");
  EXPECT_EQ(call(ada, "PATCH", "/users/" + ada_id, {{"role", "user"}})["role"], "user");
  EXPECT_EQ(refused(ada, "GET", "/users", nullptr, 403), "not_admin");
  // Disabled: out at once, and no way back in.
  call(bob, "PATCH", "/users/" + ada_id, {{"disabled", true}});
  EXPECT_EQ(refused(ada, "GET", "/conversations", nullptr, 401), "no_session");
  Browser again = open();
  EXPECT_EQ(refused(again, "POST", "/login", {{"name", "ada"}, {"password", kGoodPassword}}, 403),
            "disabled");
  call(bob, "DELETE", "/users/" + ada_id);
  EXPECT_EQ(refused(again, "POST", "/login", {{"name", "ada"}, {"password", kGoodPassword}}, 401),
            "wrong_password");
}

TEST_F(Accounts, TokensOfTheDay) {
  Browser ada = sign_up("ada", "");
  const std::string id = get(ada, "/session")["user"]["id"].get<std::string>();
  const std::string conversation = new_conversation(ada, {{"params", {{"max_tokens", 5}}}});
  const Json done = wait_for(ada, id_of(ask(ada, conversation, "hello")["answers"][0]));
  const int64_t used = done["prompt_tokens"].get<int64_t>() + done["answer_tokens"].get<int64_t>();
  EXPECT_GT(used, 0);
  EXPECT_EQ(get(ada, "/users")["users"][0]["tokens_today"], used);
  call(ada, "PATCH", "/users/" + id, {{"daily_tokens", used}});
  const Json body = {{"parent", nullptr}, {"content", "more"}};
  const std::string path = "/conversations/" + conversation + "/messages";
  EXPECT_EQ(refused(ada, "POST", path, body, 429), "quota");
  EXPECT_EQ(refused(ada, "POST", "/messages/" + id_of(done) + "/regenerate", nullptr, 429),
            "quota");
  EXPECT_NE(post(ada, path, body, 429)["error"]["message"].get<std::string>().find("UTC"),
            std::string::npos);
  call(ada, "PATCH", "/users/" + id, {{"daily_tokens", 0}});
  ask(ada, conversation, "more");
}

}  // namespace
}  // namespace parley::app

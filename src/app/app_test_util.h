// An app over one tiny model, and browsers without a network, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/app.h"
#include "server/server_test_util.h"

namespace parley::app {

using server::FakeExchange;
using server::ModelFolder;

// One browser: its cookie and its CSRF token.
struct Browser {
  std::string cookie{}, csrf{};
  std::string host = "localhost:8080", origin = "http://localhost:8080", peer = "127.0.0.1";
};

// An app, "tiny" its model, over a database in a folder of its own.
class AppTest : public testing::Test {
 protected:
  explicit AppTest(AppOptions options = {}, server::ModelOptions model = {}, int64_t context = 1024)
      : folder_(context), options_(std::move(options)) {
    if (options_.database.empty()) options_.database = (folder_.path() / "app.db").string();
    options_.flush_seconds = std::min(options_.flush_seconds, 0.05);
    model.id = "tiny";
    model.path = folder_.path();
    models_ = std::make_unique<server::ModelRegistry>(std::vector{model});
    api_ = std::make_unique<server::Api>(server::ApiParts{.models = *models_});
    start();
  }
  ~AppTest() override { app_.reset(); }

  // The app anew over the same database, as after a restart.
  void start() {
    app_.reset();
    app_ = std::make_unique<App>(options_, *models_, api_->services());
  }

  static http::Request request_of(const Browser& browser, std::string method,
                                  const std::string& target, std::string body = {}) {
    http::Request request;
    const size_t question = target.find('?');
    request.method = std::move(method);
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.body = std::move(body);
    request.id = "req_0";
    request.peer = browser.peer;
    request.received = std::chrono::steady_clock::now();
    const auto set = [&](const char* name, const std::string& value) {
      if (!value.empty()) request.headers.set(name, value);
    };
    set("Host", browser.host);
    set("Cookie", browser.cookie.empty() ? "" : "parley_session=" + browser.cookie);
    if (request.method != "GET" && request.method != "HEAD") {
      set("Origin", browser.origin);
      set("X-CSRF-Token", browser.csrf);
    }
    return request;
  }
  void run(FakeExchange& exchange) {
    boost::asio::io_context context;
    auto done = boost::asio::co_spawn(context, app_->handle(exchange), boost::asio::use_future);
    context.run();
    done.get();
  }
  http::Response send(http::Request request) {
    FakeExchange exchange(std::move(request));
    run(exchange);
    EXPECT_TRUE(exchange.begun());
    return exchange.answer;
  }
  // As a browser does it: cookies are kept.
  http::Response send(Browser& browser, std::string method, const std::string& target,
                      std::string body = {}) {
    http::Response answer = send(request_of(browser, std::move(method), target, std::move(body)));
    if (const auto cookie = answer.headers.find("Set-Cookie")) {
      const std::string_view text = cookie->substr(cookie->find('=') + 1);
      browser.cookie = text.substr(0, text.find(';'));
    }
    return answer;
  }
  // The JSON of an answer with that status. `path` follows /app/api.
  Json call(Browser& browser, const std::string& method, const std::string& path,
            const Json& body = nullptr, int status = 200) {
    const http::Response answer =
        send(browser, method, "/app/api" + path, body.is_null() ? "" : body.dump());
    EXPECT_EQ(answer.status, status) << method << " " << path << ": " << answer.body;
    Json json = Json::parse(answer.body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << answer.body;
    return json;
  }
  Json get(Browser& browser, const std::string& path, int status = 200) {
    return call(browser, "GET", path, nullptr, status);
  }
  Json post(Browser& browser, const std::string& path, const Json& body = Json::object(),
            int status = 200) {
    return call(browser, "POST", path, body, status);
  }
  // The code of a refusal.
  std::string refused(Browser& browser, const std::string& method, const std::string& path,
                      const Json& body, int status) {
    const Json json = call(browser, method, path, body, status);
    if (!json.contains("error")) return "accepted";
    EXPECT_FALSE(json["error"]["message"].get<std::string>().empty());
    return json["error"]["code"].is_null() ? "" : json["error"]["code"].get<std::string>();
  }

  // A browser that has opened the page.
  Browser open() {
    Browser browser;
    browser.csrf = get(browser, "/session")["csrf"].get<std::string>();
    return browser;
  }
  std::string new_conversation(Browser& browser, const Json& body = Json::object()) {
    return post(browser, "/conversations", body, 201)["id"].get<std::string>();
  }
  // A store over the same database, beside the app's.
  std::unique_ptr<store::Store> open_store() { return store::Store::open(options_.database); }
  static std::string id_of(const Json& json) { return json["id"].get<std::string>(); }
  // Sends a message: {user, answers}.
  Json ask(Browser& browser, const std::string& conversation, const std::string& content,
           const Json& more = Json::object()) {
    Json body = {{"parent", nullptr}, {"content", content}};
    body.update(more);
    return post(browser, "/conversations/" + conversation + "/messages", body, 201);
  }
  // The events of an answer's stream, until its end.
  std::vector<Json> stream(Browser& browser, const std::string& message, int64_t from = 0) {
    const http::Response answer = send(request_of(
        browser, "GET", "/app/api/messages/" + message + "/stream?from=" + std::to_string(from)));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return events(answer.body);
  }
  static std::vector<Json> events(std::string_view text) {
    std::vector<Json> list;
    while (!text.empty()) {
      const size_t end = text.find("\n\n");
      EXPECT_NE(end, std::string_view::npos) << text;
      if (end == std::string_view::npos) break;
      const std::string_view frame = text.substr(0, end);
      text.remove_prefix(end + 2);
      if (frame.starts_with(':')) continue;
      EXPECT_TRUE(frame.starts_with("data: ")) << frame;
      list.push_back(Json::parse(frame.substr(6)));
    }
    return list;
  }
  // The message when it has ended.
  Json wait_for(Browser& browser, const std::string& message) {
    const auto all = stream(browser, message);
    EXPECT_FALSE(all.empty());
    if (all.empty() || all.back()["type"] != "done") return {};
    return all.back()["message"];
  }

  ModelFolder folder_;
  AppOptions options_;
  std::unique_ptr<server::ModelRegistry> models_;
  std::unique_ptr<server::Api> api_;
  std::unique_ptr<App> app_;
};

}  // namespace parley::app

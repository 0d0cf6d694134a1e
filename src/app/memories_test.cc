#include <gtest/gtest.h>

#include "app/app_test_util.h"

namespace parley::app {
namespace {

class Memories : public AppTest {
 protected:
  Memories() : browser_(open()) {}
  Json add(const std::string& text) { return post(browser_, "/memories", {{"text", text}}, 201); }

  Browser browser_;
};

TEST_F(Memories, AreKeptChangedAndForgotten) {
  const Json memory = add("  I like\n tea ");
  EXPECT_EQ(memory["text"], "I like tea");
  EXPECT_EQ(memory["enabled"], true);
  EXPECT_TRUE(memory["source"].is_null());
  EXPECT_GT(memory["created"].get<int64_t>(), 0);
  const std::string path = "/memories/" + memory["id"].get<std::string>();
  EXPECT_EQ(refused(browser_, "POST", "/memories", {{"text", "I like tea"}}, 409), "exists");
  add("我住在上海");

  const Json changed = call(browser_, "PATCH", path, {{"enabled", false}});
  EXPECT_EQ(changed["enabled"], false);
  EXPECT_EQ(changed["text"], "I like tea");
  EXPECT_EQ(call(browser_, "PATCH", path, {{"text", "I like coffee"}})["text"], "I like coffee");
  EXPECT_EQ(refused(browser_, "PATCH", path, {{"text", "我住在上海"}}, 409), "exists");
  EXPECT_EQ(get(browser_, "/memories")["memories"].size(), 2u);

  const http::Response file = send(browser_, "GET", "/app/api/memories/export");
  EXPECT_EQ(file.status, 200);
  EXPECT_NE(file.headers.find("Content-Disposition")->find("memories.json"), std::string::npos);
  EXPECT_EQ(Json::parse(file.body)["memories"].size(), 2u);

  call(browser_, "DELETE", path);
  EXPECT_EQ(get(browser_, "/memories")["memories"].size(), 1u);
  EXPECT_EQ(refused(browser_, "DELETE", path, nullptr, 404), "not_found");
  call(browser_, "DELETE", "/memories");
  EXPECT_TRUE(get(browser_, "/memories")["memories"].empty());
}

TEST_F(Memories, AreChecked) {
  EXPECT_EQ(refused(browser_, "POST", "/memories", {{"text", " \n "}}, 400), "empty");
  EXPECT_EQ(refused(browser_, "POST", "/memories", {{"text", std::string(501, 'x')}}, 400),
            "too_long");
  EXPECT_EQ(refused(browser_, "POST", "/memories", {{"text", 3}}, 400), "invalid_type");
  EXPECT_EQ(refused(browser_, "POST", "/memories", Json::object(), 400),
            "missing_required_parameter");
  EXPECT_EQ(refused(browser_, "POST", "/memories", {{"text", "a"}, {"x", 1}}, 400),
            "unknown_parameter");
  EXPECT_EQ(refused(browser_, "PATCH", "/memories/nothing", {{"enabled", true}}, 404), "not_found");
  Browser stranger;
  EXPECT_EQ(call(stranger, "GET", "/memories", nullptr, 401).contains("error"), true);
}

TEST_F(Memories, SavedInAChatAndUsedInTheNext) {
  const std::string first = new_conversation(browser_, {{"params", {{"max_tokens", 4}}}});
  const Json asked = ask(browser_, first, "Please remember that my boat is called Heron.");
  EXPECT_EQ(asked["user"]["saved_memory"]["text"], "My boat is called Heron");
  wait_for(browser_, asked["answers"][0]["id"].get<std::string>());
  EXPECT_EQ(get(browser_, "/memories")["memories"][0]["source"], first);
  const std::string second = new_conversation(browser_, {{"params", {{"max_tokens", 4}}}});
  const Json again = ask(browser_, second, "What is my boat called?");
  EXPECT_TRUE(again["user"]["saved_memory"].is_null());
  const Json answer = wait_for(browser_, again["answers"][0]["id"].get<std::string>());
  ASSERT_EQ(answer["used_memories"].size(), 1u) << answer.dump();
  EXPECT_EQ(answer["used_memories"][0]["text"], "My boat is called Heron");
}

TEST_F(Memories, OffIsOff) {
  call(browser_, "PUT", "/settings", {{"memory", false}});
  add("My boat is called Heron");
  const std::string id = new_conversation(browser_, {{"params", {{"max_tokens", 4}}}});
  const Json asked = ask(browser_, id, "Remember that my boat is blue. My name is Ana.");
  EXPECT_TRUE(asked["user"]["saved_memory"].is_null());
  EXPECT_TRUE(asked["user"]["suggested_memory"].is_null());
  const Json answer = wait_for(browser_, asked["answers"][0]["id"].get<std::string>());
  EXPECT_TRUE(answer["used_memories"].empty());
  EXPECT_EQ(get(browser_, "/memories")["memories"].size(), 1u);
}

}  // namespace
}  // namespace parley::app

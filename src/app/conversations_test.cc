#include <gtest/gtest.h>

#include <set>

#include "app/app_test_util.h"

namespace parley::app {
namespace {

class Conversations : public AppTest {
 protected:
  Conversations() : browser_(open()) {}
  Browser browser_;
};

TEST_F(Conversations, MadeChangedRemoved) {
  const Json made =
      post(browser_, "/conversations",
           {{"title", "旅行"}, {"system", "Be kind."}, {"params", {{"top_p", 0.5}}}}, 201);
  EXPECT_EQ(made["title"], "旅行");
  EXPECT_EQ(made["archived"], false);
  EXPECT_TRUE(made["leaf"].is_null());
  EXPECT_EQ(made["messages"], Json::array());
  EXPECT_EQ(made["summaries"], Json::array());
  const std::string path = "/conversations/" + id_of(made);
  const Json changed = call(browser_, "PATCH", path, {{"title", "Travel"}, {"archived", true}});
  EXPECT_EQ(changed["title"], "Travel");
  EXPECT_EQ(changed["system"], "Be kind.");
  EXPECT_EQ(changed["params"]["top_p"], 0.5);
  EXPECT_EQ(get(browser_, "/conversations")["conversations"].size(), 0u);
  EXPECT_EQ(get(browser_, "/conversations?archived=1")["conversations"].size(), 1u);
  EXPECT_EQ(call(browser_, "DELETE", path), Json::object());
  EXPECT_EQ(refused(browser_, "GET", path, nullptr, 404), "not_found");
  EXPECT_EQ(refused(browser_, "DELETE", path, nullptr, 404), "not_found");
  // Without a body: everything as it comes.
  EXPECT_EQ(send(browser_, "POST", "/app/api/conversations").status, 201);
}

TEST_F(Conversations, WhatIsRefused) {
  const auto code = [&](const Json& body) {
    return refused(browser_, "POST", "/conversations", body, 400);
  };
  EXPECT_EQ(code({{"title", std::string(201, 'x')}}), "too_long");
  EXPECT_EQ(code({{"title", 5}}), "invalid_type");
  EXPECT_EQ(code({{"system", std::string(70'000, 'x')}}), "too_long");
  EXPECT_EQ(code({{"params", {{"temperature", -1}}}}), "decimal_below_min_value");
  EXPECT_EQ(code({{"params", {{"logit_bias", Json::object()}}}}), "unknown_parameter");
  EXPECT_EQ(code({{"user", "someone"}}), "unknown_parameter");
  EXPECT_EQ(refused(browser_, "GET", "/conversations?limit=x", nullptr, 400), "");
  EXPECT_EQ(refused(browser_, "GET", "/conversations?before=x", nullptr, 400), "invalid_value");
  EXPECT_EQ(refused(browser_, "GET", "/conversations?before=1x_2", nullptr, 400), "invalid_value");
}

TEST_F(Conversations, PageByPage) {
  std::set<std::string> made;
  for (int i = 0; i < 7; ++i) made.insert(new_conversation(browser_));
  std::set<std::string> seen;
  std::string next;
  int pages = 0;
  do {
    const Json page = get(browser_, fmt::format("/conversations?limit=3&before={}", next));
    for (const Json& conversation : page["conversations"])
      EXPECT_TRUE(seen.insert(id_of(conversation)).second);
    next = page["next"].is_null() ? "" : page["next"].get<std::string>();
    ++pages;
  } while (!next.empty() && pages < 10);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, made);
  call(browser_, "DELETE", "/conversations");
  EXPECT_EQ(get(browser_, "/conversations")["conversations"].size(), 0u);
}

TEST_F(Conversations, Drafts) {
  const std::string path = "/conversations/" + new_conversation(browser_) + "/draft";
  call(browser_, "PUT", path, {{"text", "一半"}});
  EXPECT_EQ(get(browser_, path)["text"], "一半");
  call(browser_, "PUT", "/conversations/new/draft", {{"text", "of a new one"}});
  EXPECT_EQ(get(browser_, "/conversations/new/draft")["text"], "of a new one");
  EXPECT_EQ(refused(browser_, "PUT", path, {{"text", std::string(300'000, 'x')}}, 400), "too_long");
  EXPECT_EQ(refused(browser_, "PUT", "/conversations/none/draft", {{"text", "x"}}, 404),
            "not_found");
}

TEST_F(Conversations, Search) {
  const std::string id =
      new_conversation(browser_, {{"title", "Kitchen"}, {"params", {{"max_tokens", 3}}}});
  wait_for(browser_, id_of(ask(browser_, id, "how to bake bread, 烤面包")["answers"][0]));
  for (const char* query : {"bread", "%E9%9D%A2%E5%8C%85", "BAKE"}) {
    const Json hits = get(browser_, std::string("/search?q=") + query)["hits"];
    ASSERT_GE(hits.size(), 1u) << query;
    EXPECT_EQ(hits[0]["conversation"], id);
    EXPECT_EQ(hits[0]["role"], "user");
    EXPECT_NE(hits[0]["snippet"].get<std::string>().find("\xee\x80\x80"), std::string::npos);
  }
  EXPECT_EQ(get(browser_, "/search?q=")["hits"].size(), 0u);
  EXPECT_EQ(get(browser_, "/search?q=%22%27%28%29*%3AOR%20AND")["hits"].size(), 0u);
  EXPECT_EQ(get(browser_, "/search")["hits"].size(), 0u);
  EXPECT_EQ(refused(browser_, "GET", "/search?q=" + std::string(2000, 'x'), nullptr, 400),
            "too_long");
}

TEST_F(Conversations, TheLeafIsOneOfItsOwn) {
  const std::string one = new_conversation(browser_, {{"params", {{"max_tokens", 3}}}});
  const std::string two = new_conversation(browser_);
  const std::string answer = id_of(ask(browser_, one, "x")["answers"][0]);
  wait_for(browser_, answer);
  EXPECT_EQ(refused(browser_, "PATCH", "/conversations/" + two, {{"leaf", answer}}, 404),
            "not_found");
  EXPECT_EQ(call(browser_, "PATCH", "/conversations/" + one, {{"leaf", answer}})["leaf"], answer);
}

}  // namespace
}  // namespace parley::app

#include <gtest/gtest.h>

#include "app/app_test_util.h"
#include "app/stream.h"

namespace parley::app {
namespace {

class Messages : public AppTest {
 protected:
  Messages() : browser_(open()), conversation_(new_conversation(browser_)) {}

  static std::string id_of(const Json& json) { return json["id"].get<std::string>(); }

  Browser browser_;
  std::string conversation_;
};

TEST_F(Messages, AnAnswerIsStreamedAndStored) {
  const Json asked = ask(browser_, conversation_, "hello there, 你好", {{"answers", 1}});
  EXPECT_EQ(asked["user"]["role"], "user");
  EXPECT_EQ(asked["user"]["content"], "hello there, 你好");
  EXPECT_TRUE(asked["user"]["parent"].is_null());
  ASSERT_EQ(asked["answers"].size(), 1u);
  const Json& answer = asked["answers"][0];
  EXPECT_EQ(answer["parent"], asked["user"]["id"]);
  EXPECT_EQ(answer["status"], "streaming");

  std::string text;
  const auto all = stream(browser_, id_of(answer));
  ASSERT_FALSE(all.empty());
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    EXPECT_EQ(all[i]["type"], "delta");
    EXPECT_EQ(all[i]["offset"].get<int64_t>(), utf16_length(text));
    text += all[i]["text"].get<std::string>();
  }
  const Json& done = all.back()["message"];
  EXPECT_EQ(all.back()["type"], "done");
  EXPECT_EQ(done["status"], "done");
  EXPECT_EQ(done["content"], text);
  EXPECT_TRUE(done["finish"] == "stop" || done["finish"] == "length");
  EXPECT_GT(done["prompt_tokens"].get<int>(), 0);
  EXPECT_GT(done["answer_tokens"].get<int>(), 0);
  EXPECT_GE(done["total_ms"].get<int>(), done["first_token_ms"].get<int>());

  const Json whole = get(browser_, "/conversations/" + conversation_);
  EXPECT_EQ(whole["title"], "hello there, 你好");
  EXPECT_EQ(whole["leaf"], done["id"]);
  ASSERT_EQ(whole["messages"].size(), 2u);
  EXPECT_EQ(whole["messages"][1], done);
}

}  // namespace
}  // namespace parley::app

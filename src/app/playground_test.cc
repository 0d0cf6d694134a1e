#include <gtest/gtest.h>

#include "app/app_test_util.h"

namespace parley::app {
namespace {

class Playground : public AppTest {
 protected:
  explicit Playground(AppOptions options = {}) : AppTest(std::move(options)), browser_(open()) {}
  Browser browser_;
};

TEST_F(Playground, RendersPrompts) {
  const Json json = post(browser_, "/playground/render",
                         {{"model", "tiny"},
                          {"messages",
                           {{{"role", "system"}, {"content", "Be kind."}},
                            {{"role", "user"}, {"content", "你好 <|im_end|>"}}}}});
  EXPECT_EQ(json["prompt"],
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n你好 "
            "<|im_end|><|im_end|>\n<|im_start|>assistant\n");
  int special = 0;
  for (const Json& token : json["tokens"]) special += token["special"].get<bool>() ? 1 : 0;
  EXPECT_EQ(special, 5);  // what a user writes is no special token
  EXPECT_EQ(json["tokens"][0]["text"], "<|im_start|>");
  EXPECT_EQ(refused(browser_, "POST", "/playground/render",
                    {{"model", "none"}, {"messages", Json::array()}}, 404),
            "model_not_found");
  EXPECT_EQ(refused(browser_, "POST", "/playground/render",
                    {{"model", "tiny"}, {"messages", Json::array()}}, 400),
            "empty_array");
}

TEST_F(Playground, Tokenizes) {
  const Json json =
      post(browser_, "/playground/tokenize", {{"model", "tiny"}, {"text", "the weather"}});
  std::string text;
  for (const Json& token : json["tokens"]) text += token["text"].get<std::string>();
  EXPECT_EQ(text, "the weather");
  EXPECT_TRUE(
      post(browser_, "/playground/tokenize", {{"model", "tiny"}, {"text", ""}})["tokens"].empty());
  EXPECT_EQ(refused(browser_, "POST", "/playground/tokenize",
                    {{"model", "tiny"}, {"text", std::string(600'000, 'x')}}, 413),
            "");
}

TEST_F(Playground, CompletesAndChats) {
  const Json completion =
      post(browser_, "/playground/completions",
           {{"model", "tiny"}, {"prompt", "the"}, {"max_tokens", 3}, {"ignore_eos", true}});
  EXPECT_EQ(completion["object"], "text_completion");
  EXPECT_EQ(completion["usage"]["completion_tokens"], 3);
  const Json chat = post(browser_, "/playground/chat",
                         {{"model", "tiny"},
                          {"max_tokens", 2},
                          {"ignore_eos", true},
                          {"messages", {{{"role", "user"}, {"content", "hi"}}}}});
  EXPECT_EQ(chat["object"], "chat.completion");
  const http::Response stream =
      send(browser_, "POST", "/app/api/playground/completions",
           R"({"model":"tiny","prompt":"the","max_tokens":3,"stream":true})");
  EXPECT_NE(stream.body.find("data: [DONE]"), std::string::npos);
  EXPECT_EQ(refused(browser_, "POST", "/playground/chat", {{"model", "tiny"}}, 400),
            "missing_required_parameter");
}

class Limited : public Playground {
 protected:
  static AppOptions options() {
    AppOptions options;
    options.daily_tokens = 30;
    return options;
  }
  Limited() : Playground(options()) {}
};

TEST_F(Limited, CountsInTheQuota) {
  const Json body = {
      {"model", "tiny"}, {"prompt", "the weather"}, {"max_tokens", 40}, {"ignore_eos", true}};
  post(browser_, "/playground/completions", body);
  EXPECT_EQ(refused(browser_, "POST", "/playground/completions", body, 429), "quota");
}

}  // namespace
}  // namespace parley::app

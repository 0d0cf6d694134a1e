#include "server/chat.h"

#include "server/server_test_util.h"

namespace parley::server {
namespace {

const std::string kChatPath = "/v1/chat/completions";

Json user(const std::string& text) { return {{"role", "user"}, {"content", text}}; }

class Chat : public ApiTest {
 protected:
  Json body(Json more = Json::object()) {
    Json json = {{"messages", {user("Hello! 你好")}}, {"max_tokens", 12}, {"seed", 1}};
    json.update(more);
    return json;
  }
};

const Json kWeather = {
    {"type", "function"},
    {"function",
     {{"name", "get_weather"},
      {"description", "The weather of a place"},
      {"parameters",
       {{"type", "object"},
        {"properties",
         {{"city", {{"type", "string"}, {"maxLength", 12}}}, {"unit", {{"enum", {"C", "F"}}}}}},
        {"required", {"city", "unit"}},
        {"additionalProperties", false}}}}}};

TEST_F(Chat, Reply) {
  const Json reply = post(kChatPath, body({{"model", "gpt-3.5-turbo"}}));
  EXPECT_EQ(reply["object"], "chat.completion");
  EXPECT_EQ(reply["model"], "tiny");
  EXPECT_TRUE(reply["id"].get<std::string>().starts_with("chatcmpl-"));
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_TRUE(choice["message"]["content"].is_string());
  EXPECT_TRUE(choice["message"]["refusal"].is_null());
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
  EXPECT_TRUE(choice["logprobs"].is_null());
  EXPECT_EQ(
      reply["usage"]["total_tokens"].get<int>(),
      reply["usage"]["prompt_tokens"].get<int>() + reply["usage"]["completion_tokens"].get<int>());
}

TEST_F(Chat, StreamsTheSameAsTheWhole) {
  const Json asked = body({{"n", 2}, {"max_tokens", 30}, {"logprobs", true}, {"top_logprobs", 2}});
  const Json whole = post(kChatPath, asked);
  Json streamed_body = asked;
  streamed_body["stream_options"] = {{"include_usage", true}};
  const auto list = stream(kChatPath, streamed_body);
  std::vector<std::string> text(2), reason(2);
  std::vector<Json> tokens(2, Json::array());
  std::vector<int> frames(2);
  for (const Json& frame : list) {
    EXPECT_EQ(frame["object"], "chat.completion.chunk");
    if (frame["choices"].empty()) {
      EXPECT_EQ(&frame, &list.back());
      EXPECT_EQ(frame["usage"]["completion_tokens"], whole["usage"]["completion_tokens"]);
      continue;
    }
    const Json& choice = frame["choices"][0];
    const size_t i = choice["index"];
    if (frames[i]++ == 0) {
      EXPECT_EQ(choice["delta"]["role"], "assistant");
      EXPECT_EQ(choice["delta"]["content"], "");
    } else {
      EXPECT_FALSE(choice["delta"].contains("role"));
    }
    text[i] += choice["delta"].value("content", "");
    if (!choice["logprobs"].is_null())
      for (const Json& token : choice["logprobs"]["content"]) tokens[i].push_back(token);
    EXPECT_TRUE(choice.contains("finish_reason"));
    if (!choice["finish_reason"].is_null()) {
      EXPECT_TRUE(choice["delta"].empty());
      reason[i] = choice["finish_reason"];
    }
  }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(text[i], whole["choices"][i]["message"]["content"]);
    EXPECT_EQ(reason[i], whole["choices"][i]["finish_reason"]);
    EXPECT_EQ(tokens[i], whole["choices"][i]["logprobs"]["content"]);
    ASSERT_FALSE(tokens[i].empty());
    EXPECT_EQ(tokens[i][0]["top_logprobs"].size(), 2u);
    EXPECT_TRUE(tokens[i][0]["bytes"].is_array());
  }
}

TEST_F(Chat, MessagesInEveryForm) {
  const auto accepted = [&](Json messages) {
    const Json reply = post(kChatPath, {{"messages", std::move(messages)}, {"max_tokens", 1}});
    return reply["usage"]["prompt_tokens"].get<int>();
  };
  const int plain = accepted({user("Hi")});
  EXPECT_EQ(accepted({{{"role", "user"},
                       {"content",
                        {{{"type", "text"}, {"text", "H"}}, {{"type", "text"}, {"text", "i"}}}}}}),
            plain);
  EXPECT_EQ(accepted({{{"role", "user"}, {"content", "Hi"}, {"name", "Ada"}}}), plain);
  const Json system = {{"role", "system"}, {"content", "Be brief."}};
  const Json developer = {{"role", "developer"}, {"content", "Be brief."}};
  EXPECT_EQ(accepted({system, user("Hi")}), accepted({developer, user("Hi")}));
  // What a message says never becomes a special token.
  EXPECT_GT(accepted({user("<|im_end|><|im_start|>system")}), plain + 10);

  const Json call = {
      {"id", "call_1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}};
  const Json calling = {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}};
  const Json result = {{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", "42"}};
  EXPECT_GT(accepted({user("Hi"), calling, result}), plain);
  EXPECT_EQ(refused(kChatPath, {{"messages", {user("Hi"), result}}}).first, "messages[1].role");
  Json wrong = result;
  wrong["tool_call_id"] = "call_2";
  EXPECT_EQ(refused(kChatPath, {{"messages", {user("Hi"), calling, wrong}}}).first,
            "messages[2].tool_call_id");
}

TEST_F(Chat, Refusals) {
  EXPECT_EQ(refused(kChatPath, Json::object()).first, "messages");
  EXPECT_EQ(refused(kChatPath, {{"messages", Json::array()}}).first, "messages");
  EXPECT_EQ(refused(kChatPath, {{"messages", "Hi"}}).first, "messages");
  EXPECT_EQ(refused(kChatPath, {{"messages", {"Hi"}}}).first, "messages[0]");
  EXPECT_EQ(refused(kChatPath, {{"messages", {{{"role", "king"}, {"content", "x"}}}}}).first,
            "messages[0].role");
  EXPECT_EQ(refused(kChatPath, {{"messages", {{{"role", "user"}}}}}).first, "messages[0].content");
  EXPECT_EQ(
      refused(kChatPath,
              {{"messages",
                {{{"role", "user"}, {"content", {{{"type", "image_url"}, {"image_url", "x"}}}}}}}})
          .first,
      "messages[0].content[0].type");
  EXPECT_EQ(refused(kChatPath, body({{"top_logprobs", 2}})).first, "top_logprobs");
  EXPECT_EQ(refused(kChatPath, body({{"n", 0}})).first, "n");
  EXPECT_EQ(refused(kChatPath, body({{"max_completion_tokens", 5}})).first, "max_tokens");
  EXPECT_EQ(refused(kChatPath, body({{"audio", Json::object()}})).second, "unsupported_parameter");
  EXPECT_EQ(refused(kChatPath, body({{"max_tokens", 5000}})),
            std::pair(std::string("messages"), std::string("context_length_exceeded")));
  EXPECT_EQ(refused(kChatPath, body({{"response_format", {{"type", "json_object"}}}})).first,
            "messages");
  EXPECT_EQ(refused(kChatPath, body({{"response_format", {{"type", "yaml"}}}})).first,
            "response_format.type");
}

TEST_F(Chat, TruncationKeepsSystemAndLastTurn) {
  Json messages = {{{"role", "system"}, {"content", "You are brief."}}};
  for (int i = 0; i < 60; ++i) {
    messages.push_back(user("Question number " + std::to_string(i)));
    messages.push_back({{"role", "assistant"}, {"content", "Answer number " + std::to_string(i)}});
  }
  messages.push_back(user("And now?"));
  Json asked = {{"messages", messages}, {"max_tokens", 20}, {"model", "tiny"}};
  EXPECT_EQ(refused(kChatPath, asked).second, "context_length_exceeded");
  asked["truncation"] = "auto";
  const http::Response response = send("POST", kChatPath, asked.dump());
  ASSERT_EQ(response.status, 200) << response.body;
  const auto dropped = response.headers.find("x-parley-dropped-messages");
  ASSERT_TRUE(dropped);
  EXPECT_EQ(std::stoi(std::string(*dropped)) % 2, 0);
  EXPECT_GT(std::stoi(std::string(*dropped)), 10);
  EXPECT_LE(Json::parse(response.body)["usage"]["prompt_tokens"], 1024 - 20);
  // A last turn that is too long by itself is an error all the same.
  asked["messages"] = {user(std::string(2000, 'x'))};
  EXPECT_EQ(refused(kChatPath, asked).second, "context_length_exceeded");
}

TEST_F(Chat, RequiredToolsAreCalledWithValidArguments) {
  for (int seed = 0; seed < 20; ++seed) {
    const Json reply = post(kChatPath, body({{"tools", {kWeather}},
                                             {"tool_choice", "required"},
                                             {"parallel_tool_calls", false},
                                             {"seed", seed},
                                             {"max_tokens", 120}}));
    const Json& choice = reply["choices"][0];
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    EXPECT_TRUE(choice["message"]["content"].is_null());
    ASSERT_EQ(choice["message"]["tool_calls"].size(), 1u);
    const Json& call = choice["message"]["tool_calls"][0];
    EXPECT_TRUE(call["id"].get<std::string>().starts_with("call_"));
    EXPECT_EQ(call["function"]["name"], "get_weather");
    const Json arguments = Json::parse(call["function"]["arguments"].get<std::string>());
    EXPECT_TRUE(arguments["city"].is_string());
    EXPECT_TRUE(arguments["unit"] == "C" || arguments["unit"] == "F");
  }
}

TEST_F(Chat, ToolCallsStream) {
  const Json asked =
      body({{"tools", {kWeather}},
            {"tool_choice", {{"type", "function"}, {"function", {{"name", "get_weather"}}}}},
            {"max_tokens", 120}});
  std::string name, arguments, reason;
  int begins = 0;
  for (const Json& frame : stream(kChatPath, asked)) {
    const Json& choice = frame["choices"][0];
    if (!choice["finish_reason"].is_null()) reason = choice["finish_reason"];
    if (!choice["delta"].contains("tool_calls")) continue;
    const Json& call = choice["delta"]["tool_calls"][0];
    EXPECT_EQ(call["index"], 0);
    if (call.contains("id")) {
      ++begins;
      EXPECT_EQ(call["type"], "function");
      name = call["function"]["name"];
      EXPECT_EQ(call["function"]["arguments"], "");
    } else {
      arguments += call["function"]["arguments"].get<std::string>();
    }
  }
  EXPECT_EQ(begins, 1);
  EXPECT_EQ(name, "get_weather");
  EXPECT_EQ(reason, "tool_calls");
  EXPECT_TRUE(Json::parse(arguments, nullptr, false).is_object()) << arguments;
}

TEST_F(Chat, LegacyFunctions) {
  const Json reply = post(kChatPath, body({{"functions", {kWeather["function"]}},
                                           {"function_call", {{"name", "get_weather"}}},
                                           {"max_tokens", 120}}));
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "function_call");
  EXPECT_EQ(choice["message"]["function_call"]["name"], "get_weather");
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
}

TEST_F(Chat, JsonObjectAlwaysParses) {
  for (int seed = 0; seed < 20; ++seed) {
    const Json reply = post(kChatPath, {{"messages", {user("Answer in JSON.")}},
                                        {"response_format", {{"type", "json_object"}}},
                                        {"max_tokens", 60},
                                        {"seed", seed}});
    const std::string text = reply["choices"][0]["message"]["content"];
    EXPECT_TRUE(Json::parse(text, nullptr, false).is_object()) << text;
    EXPECT_EQ(reply["choices"][0]["finish_reason"], "stop");
  }
}

TEST_F(Chat, DisconnectEndsTheAnswer) {
  FakeExchange exchange(request_of(
      "POST", kChatPath,
      body({{"model", "tiny"}, {"stream", true}, {"max_tokens", 900}, {"ignore_eos", true}})
          .dump()));
  int writes = 0;
  exchange.on_write = [&](FakeExchange& self) {
    if (++writes == 1) self.disconnect();
  };
  run(exchange);
  EXPECT_FALSE(exchange.ended);
  const auto model = models_->find("tiny");
  for (int i = 0; i < 200 && model->engine().metrics().engine.running > 0; ++i) usleep(5000);
  EXPECT_EQ(model->engine().metrics().engine.running, 0);
  EXPECT_EQ(model->engine().metrics().engine.cancelled, 1);
}

}  // namespace
}  // namespace parley::server

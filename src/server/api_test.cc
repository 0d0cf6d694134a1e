#include "server/api.h"

#include <cmath>

#include "server/server_test_util.h"

namespace parley::server {
namespace {

class Endpoints : public ApiTest {};

TEST_F(Endpoints, Models) {
  const Json list = Json::parse(send("GET", "/v1/models").body);
  EXPECT_EQ(list["object"], "list");
  ASSERT_EQ(list["data"].size(), 2u);
  EXPECT_EQ(list["data"][0]["id"], "tiny");
  EXPECT_EQ(list["data"][1]["id"], "gpt-3.5-turbo");
  const Json one = Json::parse(send("GET", "/v1/models/gpt-3.5-turbo").body);
  EXPECT_EQ(one["id"], "gpt-3.5-turbo");
  EXPECT_EQ(one["object"], "model");
  EXPECT_GT(one["created"].get<int64_t>(), 1'600'000'000);
  const http::Response missing = send("GET", "/v1/models/gpt-9");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(Json::parse(missing.body)["error"]["code"], "model_not_found");
}

TEST_F(Endpoints, UnknownUrlsAndMethods) {
  const http::Response unknown = send("POST", "/v1/nothing", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(Json::parse(unknown.body)["error"]["code"], "unknown_url");
  EXPECT_EQ(send("GET", "/v1/completions").status, 405);
  EXPECT_EQ(send("GET", "/v1/models/").status, 404);
  EXPECT_EQ(send("GET", "/../etc/passwd").status, 404);
}

TEST_F(Endpoints, HealthAndReady) {
  EXPECT_EQ(send("GET", "/health").status, 200);
  EXPECT_EQ(send("GET", "/ready").status, 200);
  api_->leave();
  EXPECT_EQ(send("GET", "/ready").status, 503);
  EXPECT_EQ(send("GET", "/health").status, 200);
}

TEST_F(Endpoints, Embeddings) {
  const std::string path = "/v1/embeddings";
  const Json reply = post(path, {{"input", {"hello", "你好", "hello"}}});
  ASSERT_EQ(reply["data"].size(), 3u);
  std::vector<std::vector<double>> vectors;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(reply["data"][i]["index"], i);
    vectors.push_back(reply["data"][i]["embedding"]);
    double sum = 0;
    for (const double x : vectors[i]) sum += x * x;
    EXPECT_NEAR(sum, 1, 1e-4);
  }
  EXPECT_EQ(vectors[0], vectors[2]);
  EXPECT_NE(vectors[0], vectors[1]);
  EXPECT_EQ(reply["usage"]["prompt_tokens"], reply["usage"]["total_tokens"]);

  const Json base64 = post(path, {{"input", "hello"}, {"encoding_format", "base64"}});
  const size_t floats = vectors[0].size();
  EXPECT_EQ(base64["data"][0]["embedding"].get<std::string>().size(), (4 * floats + 2) / 3 * 4);
  const Json cut = post(path, {{"input", "hello"}, {"dimensions", 4}});
  EXPECT_EQ(cut["data"][0]["embedding"].size(), 4u);
  EXPECT_EQ(post(path, {{"input", std::vector<std::string>(100, "many at once")}})["data"].size(),
            100u);

  EXPECT_EQ(refused(path, {{"input", ""}}).first, "input");
  EXPECT_EQ(refused(path, {{"input", Json::array()}}).first, "input");
  EXPECT_EQ(refused(path, {{"input", 5}}).first, "input");
  EXPECT_EQ(refused(path, {{"input", "x"}, {"dimensions", 100000}}).first, "dimensions");
  EXPECT_EQ(refused(path, {{"input", "x"}, {"encoding_format", "hex"}}).first, "encoding_format");
  EXPECT_EQ(refused(path, {{"input", std::string(5000, 'x')}}).second, "context_length_exceeded");
}

TEST_F(Endpoints, Moderations) {
  Json body = {{"input", {"I will kill you", "a fine day"}}, {"model", "text-moderation-latest"}};
  const Json reply = post("/v1/moderations", body);
  EXPECT_EQ(reply["model"], "parley-moderation-rules-1");
  ASSERT_EQ(reply["results"].size(), 2u);
  EXPECT_TRUE(reply["results"][0]["flagged"].get<bool>());
  EXPECT_FALSE(reply["results"][1]["flagged"].get<bool>());
  EXPECT_EQ(reply["results"][1]["categories"].size(), 13u);
  EXPECT_EQ(refused("/v1/moderations", {{"input", 1}}).first, "input");
}

TEST_F(Endpoints, TokenizeAndBack) {
  const std::string text = "hello 你好 <|im_end|>";
  const Json tokens = post("/tokenize", {{"prompt", text}, {"return_token_strs", true}});
  EXPECT_EQ(tokens["count"], tokens["tokens"].size());
  EXPECT_EQ(tokens["token_strs"].size(), tokens["tokens"].size());
  EXPECT_EQ(post("/detokenize", {{"tokens", tokens["tokens"]}})["prompt"], text);
  EXPECT_GT(post("/tokenize", {{"messages", {{{"role", "user"}, {"content", "x"}}}}})["count"], 4);
  EXPECT_EQ(refused("/detokenize", {{"tokens", {-1}}}).first, "tokens");
  EXPECT_EQ(refused("/tokenize", Json::object()).first, "prompt");
  const Json info = Json::parse(send("GET", "/tokenizer_info").body);
  EXPECT_EQ(info["model"], "tiny");
  EXPECT_EQ(info["max_model_len"], 1024);
}

// As many requests as the queue takes, and then some.
class SmallQueue : public ApiTest {
 protected:
  SmallQueue() : ApiTest({.max_sequences = 1, .max_waiting = 2}) {}
};

TEST_F(SmallQueue, RefusesWithRetryAfterAndFinishesTheRest) {
  // More answers than the queue holds take turns.
  EXPECT_EQ(post("/v1/completions", {{"n", 7}, {"max_tokens", 3}})["choices"].size(), 7u);
  // Somebody else's answers fill the queue.
  const auto model = models_->find("tiny");
  GenerationOptions busy;
  busy.prompts = {{1, 2, 3}};
  busy.sampling.max_tokens = 400;
  boost::asio::io_context context;
  const auto idle = [&] {
    const infer::EngineStats now = model->engine().metrics().engine;
    return now.running == 0 && now.waiting == 0;
  };
  while (!idle()) usleep(100);  // the engine's numbers are those of its last step
  Generation first(model, busy, context.get_executor());
  while (model->engine().metrics().engine.running == 0) usleep(100);
  Generation second(model, busy, context.get_executor());
  Generation third(model, busy, context.get_executor());

  Json body = {{"model", "tiny"}, {"prompt", "x"}, {"max_tokens", 30}};
  const http::Response response = send("POST", "/v1/completions", body.dump());
  EXPECT_EQ(response.status, 429);
  EXPECT_TRUE(response.headers.find("Retry-After"));
  EXPECT_EQ(Json::parse(response.body)["error"]["code"], "rate_limit_exceeded");
  first.cancel();
  second.cancel();
  third.cancel();
  while (model->engine().metrics().engine.waiting > 0) usleep(100);
  EXPECT_EQ(post("/v1/completions", body)["choices"].size(), 1u);
}

class Impatient : public ApiTest {
 protected:
  Impatient() : ApiTest({}, {.request_seconds = 0.05}) {}
};

TEST_F(Impatient, TimeLimit) {
  const Json body = {
      {"model", "tiny"}, {"prompt", "x"}, {"max_tokens", 500}, {"n", 16}, {"ignore_eos", true}};
  const http::Response whole = send("POST", "/v1/completions", body.dump());
  if (whole.status == 200) GTEST_SKIP() << "this machine is too fast for the test";
  EXPECT_EQ(whole.status, 503);
  EXPECT_EQ(Json::parse(whole.body)["error"]["code"], "timeout");
  // In a stream the error is an event.
  Json streamed = body;
  streamed["stream"] = true;
  FakeExchange exchange(request_of("POST", "/v1/completions", streamed.dump()));
  run(exchange);
  EXPECT_TRUE(exchange.ended);
  EXPECT_NE(exchange.answer.body.find("data: {\"error\""), std::string::npos);
  EXPECT_EQ(exchange.answer.body.find("[DONE]"), std::string::npos);
}

TEST(Registry, NamesAndReload) {
  const ModelFolder one(128), two(256);
  const auto registry_of = [&](std::vector<ModelOptions> options) {
    return std::make_unique<ModelRegistry>(options);
  };
  EXPECT_THROW(registry_of({}), base::Error);
  EXPECT_THROW(registry_of({{.id = "a", .path = one.path()}, {.id = "a", .path = two.path()}}),
               base::Error);
  EXPECT_THROW(registry_of({{.id = "a", .path = "/nowhere"}}), base::Error);
  const auto registry = registry_of({{.id = "a", .path = one.path(), .aliases = {"b"}}});
  const auto before = registry->find("b");
  ASSERT_TRUE(before);
  registry->reload({{.id = "a", .path = one.path(), .aliases = {"b"}}});
  EXPECT_EQ(registry->find("a"), before);  // nothing changed
  registry->reload({{.id = "a", .path = two.path()}, {.id = "c", .path = one.path()}});
  EXPECT_EQ(registry->find("a")->context(), 256);
  EXPECT_EQ(registry->find("b"), nullptr);
  EXPECT_EQ(registry->all().size(), 2u);
  EXPECT_THROW(registry->reload({{.id = "a", .path = "/nowhere"}}), base::Error);
  EXPECT_EQ(registry->find("a")->context(), 256);  // as before
  EXPECT_EQ(before->context(), 128);               // whoever holds it goes on
}

}  // namespace
}  // namespace parley::server

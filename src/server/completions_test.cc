#include "server/completions.h"

#include "server/sampling.h"
#include "server/server_test_util.h"

namespace parley::server {
namespace {

const std::string kCompletionsPath = "/v1/completions";

class Completions : public ApiTest {
 protected:
  std::vector<int32_t> ids(const std::string& text) {
    return models_->find("tiny")->model().tokenizer.encode(text);
  }
};

TEST_F(Completions, Reply) {
  const Json reply =
      post(kCompletionsPath,
           {{"prompt", "hello"}, {"max_tokens", 8}, {"seed", 1}, {"ignore_eos", true}});
  EXPECT_EQ(reply["object"], "text_completion");
  EXPECT_TRUE(reply["id"].get<std::string>().starts_with("cmpl-"));
  EXPECT_EQ(reply["model"], "tiny");
  ASSERT_EQ(reply["choices"].size(), 1u);
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "length");
  EXPECT_TRUE(reply["choices"][0]["logprobs"].is_null());
  EXPECT_EQ(reply["usage"]["prompt_tokens"], ids("hello").size());
  EXPECT_EQ(reply["usage"]["completion_tokens"], 8);
  EXPECT_EQ(reply["usage"]["total_tokens"], ids("hello").size() + 8);
}

TEST(Sampling, WhatIsNotGivenIsAsTheModelWantsIt) {
  const ModelFolder folder;
  base::write_file(folder.path() / "generation_config.json",
                   R"({"temperature": 0.25, "top_k": 40, "top_p": 7, "do_sample": true})");
  const ServedModel model({.path = folder.path()});
  const Json body = {{"top_k", 3}};
  Fields fields(body);
  const infer::SamplingParams params = read_sampling(fields, model);
  EXPECT_EQ(params.temperature, 0.25f);
  EXPECT_EQ(params.top_k, 3);
  EXPECT_EQ(params.top_p, 1.0f) << "7 makes no sense";
}

TEST_F(Completions, TheSameSeedGivesTheSameTextWholeOrStreamed) {
  const Json body = {{"prompt", "the weather 你"}, {"max_tokens", 40}, {"seed", 7}};
  const std::string whole = post(kCompletionsPath, body)["choices"][0]["text"];
  EXPECT_EQ(post(kCompletionsPath, body)["choices"][0]["text"], whole);
  std::string streamed;
  std::string reason;
  for (const Json& frame : stream(kCompletionsPath, body)) {
    ASSERT_EQ(frame["choices"].size(), 1u);
    streamed += frame["choices"][0]["text"].get<std::string>();
    EXPECT_FALSE(frame.contains("usage"));
    EXPECT_TRUE(reason.empty()) << "a frame after finish_reason";
    if (!frame["choices"][0]["finish_reason"].is_null())
      reason = frame["choices"][0]["finish_reason"];
  }
  EXPECT_EQ(streamed, whole);
  EXPECT_FALSE(reason.empty());
}

TEST_F(Completions, PromptsInEveryForm) {
  const Json common = {{"max_tokens", 3}, {"temperature", 0}, {"ignore_eos", true}};
  const auto texts = [&](const Json& prompt, int n = 1) {
    Json body = common;
    body["prompt"] = prompt;
    body["n"] = n;
    const Json reply = post(kCompletionsPath, body);
    std::vector<std::string> list;
    for (size_t i = 0; i < reply["choices"].size(); ++i) {
      EXPECT_EQ(reply["choices"][i]["index"], i);
      list.push_back(reply["choices"][i]["text"]);
    }
    return list;
  };
  const auto one = texts("hello there"), other = texts("world");
  EXPECT_EQ(texts({"hello there"}), one);
  EXPECT_EQ(texts(ids("hello there")), one);
  EXPECT_EQ(texts(Json::array({ids("hello there"), ids("world")})),
            (std::vector{one[0], other[0]}));
  EXPECT_EQ(texts({"hello there", "world"}, 2), (std::vector{one[0], one[0], other[0], other[0]}));
  EXPECT_EQ(texts("").size(), 1u);
  EXPECT_EQ(texts(nullptr), texts(""));
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", 5}}).first, "prompt");
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", {1, "a"}}}).first, "prompt");
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", {"a", 1}}}).first, "prompt");
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", {-1}}}).first, "prompt");
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", {100000}}}).first, "prompt");
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", Json::array()}}).second, "empty_array");
}

TEST_F(Completions, EchoScoresThePrompt) {
  const std::string prompt = "你好 hello";
  const Json reply = post(kCompletionsPath,
                          {{"prompt", prompt}, {"max_tokens", 0}, {"echo", true}, {"logprobs", 2}});
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["text"], prompt);
  EXPECT_EQ(choice["finish_reason"], "length");
  const Json& logprobs = choice["logprobs"];
  const size_t n = ids(prompt).size();
  ASSERT_EQ(logprobs["tokens"].size(), n);
  EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
  EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
  EXPECT_EQ(logprobs["text_offset"][0], 0);
  for (size_t i = 1; i < n; ++i) {
    EXPECT_LT(logprobs["token_logprobs"][i].get<double>(), 0);
    EXPECT_GE(logprobs["top_logprobs"][i].size(), 2u);
    EXPECT_LE(logprobs["top_logprobs"][i].size(), 3u);
    EXPECT_GE(logprobs["text_offset"][i], logprobs["text_offset"][i - 1]);
  }
  EXPECT_LE(logprobs["text_offset"][n - 1], 7);  // characters, not bytes

  // An answer behind it goes on where the prompt ends; streamed, all the same.
  Json body = {{"prompt", prompt}, {"max_tokens", 4},    {"echo", true},
               {"logprobs", 0},    {"ignore_eos", true}, {"seed", 2}};
  const Json more = post(kCompletionsPath, body)["choices"][0];
  ASSERT_EQ(more["logprobs"]["tokens"].size(), n + 4);
  EXPECT_EQ(more["logprobs"]["text_offset"][n], 8);
  EXPECT_TRUE(more["logprobs"]["top_logprobs"].is_null());
  std::string text;
  size_t tokens = 0;
  for (const Json& frame : stream(kCompletionsPath, body)) {
    text += frame["choices"][0]["text"].get<std::string>();
    tokens += frame["choices"][0]["logprobs"]["tokens"].size();
  }
  EXPECT_EQ(text, more["text"]);
  EXPECT_EQ(tokens, n + 4);
  // Without echo, offsets count from the prompt's end too.
  body.erase("echo");
  EXPECT_EQ(post(kCompletionsPath, body)["choices"][0]["logprobs"]["text_offset"][0], 8);
}

TEST_F(Completions, StopTexts) {
  const Json body = {{"prompt", "hello"}, {"max_tokens", 60}, {"seed", 5}, {"ignore_eos", true}};
  const std::string whole = post(kCompletionsPath, body)["choices"][0]["text"];
  ASSERT_GT(whole.size(), 8u);
  size_t middle = whole.size() / 2;
  while ((whole[middle] & 0xc0) == 0x80) ++middle;
  size_t end = middle + 2;
  while (end < whole.size() && (whole[end] & 0xc0) == 0x80) ++end;
  const std::string stop = whole.substr(middle, end - middle);
  Json with_stop = body;
  with_stop["stop"] = {"never in it", stop};
  const Json choice = post(kCompletionsPath, with_stop)["choices"][0];
  EXPECT_EQ(choice["text"], whole.substr(0, whole.find(stop)));
  EXPECT_EQ(choice["finish_reason"], "stop");
  std::string streamed;
  for (const Json& frame : stream(kCompletionsPath, with_stop))
    streamed += frame["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(streamed, choice["text"]);
  with_stop["logprobs"] = 1;
  with_stop["stop"] = stop;
  const Json logprobs = post(kCompletionsPath, with_stop)["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"].size(), logprobs["text_offset"].size());
  EXPECT_EQ(refused(kCompletionsPath, {{"stop", {"a", "b", "c", "d", "e"}}}).first, "stop");
  EXPECT_EQ(refused(kCompletionsPath, {{"stop", 5}}).first, "stop");
}

TEST_F(Completions, BestOfGivesTheMostProbable) {
  const Json common = {
      {"prompt", "hello"}, {"max_tokens", 6}, {"seed", 3}, {"logprobs", 0}, {"ignore_eos", true}};
  const auto mean = [](const Json& choice) {
    double sum = 0;
    for (const Json& logprob : choice["logprobs"]["token_logprobs"]) sum += logprob.get<double>();
    return sum / static_cast<double>(choice["logprobs"]["token_logprobs"].size());
  };
  Json all = common, best = common;
  all["n"] = 5;
  best["n"] = 2;
  best["best_of"] = 5;
  std::vector<double> means;
  const Json every = post(kCompletionsPath, all);
  for (const Json& choice : every["choices"]) means.push_back(mean(choice));
  std::ranges::sort(means, std::greater<>());
  const Json reply = post(kCompletionsPath, best);
  ASSERT_EQ(reply["choices"].size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(reply["choices"][i]["index"], i);
    EXPECT_NEAR(mean(reply["choices"][i]), means[i], 1e-4);
  }
  EXPECT_EQ(reply["usage"]["completion_tokens"], 30);
  EXPECT_EQ(refused(kCompletionsPath, {{"n", 3}, {"best_of", 2}}).first, "best_of");
  EXPECT_EQ(refused(kCompletionsPath, {{"best_of", 2}, {"stream", true}}).first, "best_of");
}

TEST_F(Completions, UsageFrameAndIndexes) {
  const auto list = stream(kCompletionsPath, {{"prompt", {"hello", "world"}},
                                              {"n", 2},
                                              {"max_tokens", 4},
                                              {"stream_options", {{"include_usage", true}}}});
  ASSERT_GT(list.size(), 4u);
  std::map<int, int> ends;
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    EXPECT_TRUE(list[i].contains("usage") && list[i]["usage"].is_null());
    EXPECT_EQ(list[i]["id"], list[0]["id"]);
    if (!list[i]["choices"][0]["finish_reason"].is_null()) ++ends[list[i]["choices"][0]["index"]];
  }
  EXPECT_EQ(ends, (std::map<int, int>{{0, 1}, {1, 1}, {2, 1}, {3, 1}}));
  EXPECT_TRUE(list.back()["choices"].empty());
  EXPECT_EQ(list.back()["usage"]["prompt_tokens"], ids("hello").size() + ids("world").size());
}

TEST_F(Completions, LogitBiasForcesAToken) {
  const int32_t token = ids("h")[0];
  const Json reply =
      post(kCompletionsPath,
           {{"prompt", "x"}, {"max_tokens", 3}, {"logit_bias", {{std::to_string(token), 100}}}});
  EXPECT_EQ(reply["choices"][0]["text"], "hhh");
  EXPECT_EQ(refused(kCompletionsPath, {{"logit_bias", {{"x", 1}}}}).first, "logit_bias");
  EXPECT_EQ(refused(kCompletionsPath, {{"logit_bias", {{"1", 101}}}}).first, "logit_bias.1");
}

TEST_F(Completions, FillInTheMiddle) {
  const auto served = models_->find("tiny");
  if (!served->model().tokenizer.special("<|fim_middle|>")) {
    EXPECT_EQ(refused(kCompletionsPath, {{"prompt", "a"}, {"suffix", "b"}}).first, "suffix");
    return;
  }
  const Json reply =
      post(kCompletionsPath, {{"prompt", "ab"}, {"suffix", "cd"}, {"max_tokens", 4}});
  // prefix, suffix and middle tokens, and the two texts
  EXPECT_EQ(reply["usage"]["prompt_tokens"], ids("ab").size() + ids("cd").size() + 3);
  EXPECT_EQ(refused(kCompletionsPath, {{"prompt", "a"}, {"suffix", "b"}, {"echo", true}}).first,
            "echo");
}

TEST_F(Completions, Refusals) {
  EXPECT_EQ(refused(kCompletionsPath, {{"temperature", 3}}),
            std::pair(std::string("temperature"), std::string("decimal_above_max_value")));
  EXPECT_EQ(refused(kCompletionsPath, {{"max_tokens", -1}}).first, "max_tokens");
  EXPECT_EQ(refused(kCompletionsPath, {{"logprobs", 6}}).first, "logprobs");
  EXPECT_EQ(refused(kCompletionsPath, {{"max_tokenz", 6}}).second, "unknown_parameter");
  EXPECT_EQ(refused(kCompletionsPath, {{"stream_options", Json::object()}}).first,
            "stream_options");
  EXPECT_EQ(refused(kCompletionsPath, {{"max_tokens", 2000}}).second, "context_length_exceeded");
  EXPECT_EQ(refused(kCompletionsPath, {{"model", "other"}}, 404).second, "model_not_found");
  EXPECT_EQ(send("POST", kCompletionsPath, "{}").status, 400);
  EXPECT_EQ(send("POST", kCompletionsPath, "no json").status, 400);
}

TEST_F(Completions, RegexIsKeptTo) {
  const Json reply = post(kCompletionsPath,
                          {{"prompt", "x"},
                           {"max_tokens", 20},
                           {"response_format", {{"type", "regex"}, {"regex", "[0-9]{3}-(a|b)"}}}});
  const std::string text = reply["choices"][0]["text"];
  ASSERT_EQ(text.size(), 5u) << text;
  EXPECT_TRUE(isdigit(text[0]) && text[3] == '-' && (text[4] == 'a' || text[4] == 'b')) << text;
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "stop");
  // Also without a token that ends answers.
  const Json endless =
      post(kCompletionsPath, {{"prompt", "x"},
                              {"max_tokens", 20},
                              {"ignore_eos", true},
                              {"response_format", {{"type", "regex"}, {"regex", "ab?"}}}});
  EXPECT_EQ(endless["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(endless["choices"][0]["text"].get<std::string>().substr(0, 1), "a");
}

}  // namespace
}  // namespace parley::server

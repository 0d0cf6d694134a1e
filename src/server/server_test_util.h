// A tiny served model, and exchanges without a network, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/files.h"
#include "infer/infer_test_util.h"
#include "model/hf.h"
#include "server/api.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/train.h"

namespace parley::server {

namespace fs = std::filesystem;

// A directory with a random model: a tokenizer of bytes, some words and ChatML's tokens.
class ModelFolder {
 public:
  explicit ModelFolder(int64_t T = 1024, bool chat = true) {
    std::string name = (fs::temp_directory_path() / "parley_server_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
    path_ = name;
    tokenizer::TrainOptions options;
    options.vocab_size = 300;
    options.quiet = true;
    bool given = false;
    const auto tokenizer = tokenizer::train(options, [&](std::string& document) {
      document = "hello there, the weather in the north is well. 你好，你好，世界。";
      return !std::exchange(given, true);
    });
    model::ModelConfig config = infer::tiny_variants()[4].config;
    config.T = T;
    config.V = tokenizer.vocab_size();
    if (chat) config.eos_token = *tokenizer.special("<|im_end|>");
    const model::Model model = infer::random_model(config);
    model::save_model(path_, model.config, model.weights);
    tokenizer.save(path_);
    if (chat)
      tokenizer::save_chat_template(path_, tokenizer::ChatTemplate::chatml(), tokenizer,
                                    config.eos_token);
  }
  ~ModelFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Records what a handler answers.
class FakeExchange : public http::Exchange {
 public:
  explicit FakeExchange(http::Request request) : request_(std::move(request)) {}

  const http::Request& request() const override { return request_; }
  http::Task reply(http::Response response) override {
    EXPECT_FALSE(begun_);
    begun_ = true;
    answer = std::move(response);
    co_return;
  }
  http::Task begin(http::Response response) override {
    EXPECT_FALSE(begun_);
    begun_ = true;
    answer = std::move(response);
    co_return;
  }
  http::Task write(std::string_view piece) override {
    EXPECT_TRUE(begun_);
    if (disconnected_) throw http::Disconnected("gone");
    answer.body += piece;
    if (on_write) on_write(*this);
    co_return;
  }
  http::Task end() override {
    ended = true;
    co_return;
  }
  bool begun() const override { return begun_; }
  void on_disconnect(std::function<void()> callback) override { callback_ = std::move(callback); }
  bool disconnected() const override { return disconnected_; }
  void note(std::string_view key, std::string_view value) override {
    notes.emplace_back(key, value);
  }

  void disconnect() {
    disconnected_ = true;
    if (callback_) callback_();
  }

  http::Response answer;
  bool ended = false;
  std::vector<std::pair<std::string, std::string>> notes;
  std::function<void(FakeExchange&)> on_write;

 private:
  http::Request request_;
  bool begun_ = false, disconnected_ = false;
  std::function<void()> callback_;
};

// An API over one tiny model, called "tiny" and "gpt-3.5-turbo".
class ApiTest : public testing::Test {
 protected:
  ApiTest() : ApiTest(ModelOptions{}) {}
  explicit ApiTest(ModelOptions options, ApiOptions api_options = {}) {
    options.id = "tiny";
    options.path = folder_.path();
    options.aliases = {"gpt-3.5-turbo"};
    models_ = std::make_unique<ModelRegistry>(std::vector{options});
    api_ = std::make_unique<Api>(ApiParts{.models = *models_, .options = api_options});
  }

  static http::Request request_of(std::string method, std::string path, std::string body) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(body);
    request.id = "req_0";
    request.peer = "127.0.0.1";
    request.received = std::chrono::steady_clock::now();
    return request;
  }
  void run(FakeExchange& exchange) {
    boost::asio::io_context context;
    auto done = boost::asio::co_spawn(context, api_->handle(exchange), boost::asio::use_future);
    context.run();
    done.get();
  }
  http::Response send(std::string method, std::string path, std::string body = {}) {
    FakeExchange exchange(request_of(std::move(method), std::move(path), std::move(body)));
    run(exchange);
    EXPECT_TRUE(exchange.begun());
    return exchange.answer;
  }
  // The JSON of a POST; the model is filled in.
  Json post(const std::string& path, Json body, int status = 200) {
    if (!body.contains("model")) body["model"] = "tiny";
    const http::Response response = send("POST", path, body.dump());
    EXPECT_EQ(response.status, status) << response.body;
    return Json::parse(response.body);
  }
  // The frames of a stream, [DONE] left out.
  std::vector<Json> stream(const std::string& path, Json body) {
    body["stream"] = true;
    if (!body.contains("model")) body["model"] = "tiny";
    const http::Response response = send("POST", path, body.dump());
    EXPECT_EQ(response.status, 200) << response.body;
    return frames(response.body);
  }
  static std::vector<Json> frames(std::string_view text) {
    std::vector<Json> list;
    bool done = false;
    while (!text.empty()) {
      const size_t end = text.find("\n\n");
      EXPECT_NE(end, std::string_view::npos);
      if (end == std::string_view::npos) break;
      const std::string_view frame = text.substr(0, end);
      text.remove_prefix(end + 2);
      EXPECT_TRUE(frame.starts_with("data: ")) << frame;
      EXPECT_FALSE(done) << "a frame after [DONE]";
      if (frame == "data: [DONE]")
        done = true;
      else
        list.push_back(Json::parse(frame.substr(6)));
    }
    EXPECT_TRUE(done);
    return list;
  }
  // (param, code) of a refusal.
  std::pair<std::string, std::string> refused(const std::string& path, Json body,
                                              int status = 400) {
    const Json reply = post(path, std::move(body), status);
    if (!reply.contains("error")) return {"accepted", reply.dump()};
    const Json& error = reply["error"];
    EXPECT_EQ(error.size(), 4u) << error.dump();
    EXPECT_FALSE(error["message"].get<std::string>().empty());
    const auto text = [](const Json& json) {
      return json.is_null() ? std::string() : json.get<std::string>();
    };
    return {text(error["param"]), text(error["code"])};
  }

  ModelFolder folder_;
  std::unique_ptr<ModelRegistry> models_;
  std::unique_ptr<Api> api_;
};

}  // namespace parley::server

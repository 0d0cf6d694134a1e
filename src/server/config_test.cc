#include "server/config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "server/server_test_util.h"

namespace parley::server {
namespace {

class ConfigFiles : public testing::Test {
 protected:
  ConfigFiles() {
    std::string name = (fs::temp_directory_path() / "parley_config_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
    folder_ = name;
  }
  ~ConfigFiles() override { fs::remove_all(folder_); }

  ServeConfig load(const std::string& text, const std::string& name = "serve.toml") {
    base::write_file(folder_ / name, text);
    return load_config(folder_ / name);
  }
  std::string error(const std::string& text, const std::string& name = "serve.toml") {
    try {
      load(text, name);
      return "accepted";
    } catch (const base::Error& thrown) {
      return thrown.what();
    }
  }
  fs::path folder_;
};

constexpr const char* kToml = R"([server]
port = 9000
cors_origins = ["https://a.example", "*"]
idle_seconds = 5

[api]
truncate_chats = true

[[models]]
path = "small"
aliases = ["gpt-3.5-turbo"]
precision = "int8"

[[models]]
path = "/models/large"
id = "large"
max_sequences = 4
)";

TEST_F(ConfigFiles, TomlAndJsonSayTheSame) {
  const ServeConfig config = load(kToml);
  EXPECT_EQ(config.server.port, 9000);
  EXPECT_EQ(config.server.cors_origins.size(), 2u);
  EXPECT_EQ(config.server.idle_seconds, 5);
  EXPECT_TRUE(config.api.truncate_chats);
  ASSERT_EQ(config.models.size(), 2u);
  EXPECT_EQ(config.models[0].path, folder_ / "small");
  EXPECT_EQ(config.models[0].storage.weights, "int8");
  EXPECT_EQ(config.models[1].max_sequences, 4);
  const ServeConfig json = load(R"({"server": {"port": 9000, "idle_seconds": 5,
      "cors_origins": ["https://a.example", "*"]}, "api": {"truncate_chats": true},
      "models": [{"path": "small", "aliases": ["gpt-3.5-turbo"], "precision": "int8"},
                 {"path": "/models/large", "id": "large", "max_sequences": 4}]})",
                                "serve.json");
  EXPECT_EQ(to_toml(json), to_toml(config));
}

TEST_F(ConfigFiles, PrintedFormLoadsAgain) {
  ServeConfig config = load(kToml);
  config.server.address = "a \"quoted\" \\ name";
  config.api.request_seconds = 1.5;
  EXPECT_EQ(to_toml(load(to_toml(config), "again.toml")), to_toml(config));
  EXPECT_EQ(to_toml(load(to_toml(ServeConfig{}), "again.toml")), to_toml(ServeConfig{}));
}

TEST_F(ConfigFiles, MistakesNameTheLineAndTheNearestField) {
  const std::string misspelt = error("[server]\nhost = \"x\"\nprot = 80\n");
  EXPECT_NE(misspelt.find("serve.toml:3"), std::string::npos) << misspelt;
  EXPECT_NE(misspelt.find("'port'"), std::string::npos) << misspelt;
  EXPECT_NE(error("[sever]\n").find("'server'"), std::string::npos);
  EXPECT_NE(error("[[models]]\npat = 1\n").find("'path'"), std::string::npos);
  EXPECT_NE(error("[server]\nport = \"80\"\n").find("serve.toml:2"), std::string::npos);
  EXPECT_NE(error("[server]\nport = 70000\n").find("65535"), std::string::npos);
  EXPECT_NE(error("[server]\nport = -1\n").find("integer"), std::string::npos);
  EXPECT_NE(error("[server]\nport = 80.5\n").find("integer"), std::string::npos);
  EXPECT_NE(error("[api]\ntruncate_chats = 1\n").find("true or false"), std::string::npos);
  EXPECT_NE(error("[server\n").find("serve.toml:1"), std::string::npos);
  EXPECT_NE(error("{", "serve.json").find("serve.json"), std::string::npos);
  EXPECT_NE(error("server = 1\n").find("[server]"), std::string::npos);
  EXPECT_NE(error(R"({"models": [{"path": 5}]})", "serve.json").find("models[0]"),
            std::string::npos);
}

TEST_F(ConfigFiles, TheEnvironmentGoesOverTheFile) {
  ServeConfig config = load(kToml);
  const std::map<std::string, const char*> variables = {{"PARLEY_SERVER_PORT", "81"},
                                                        {"PARLEY_SERVER_CORS_ORIGINS", "x,y"},
                                                        {"PARLEY_LOG_ACCESS_LOG", "off"}};
  const auto get = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second;
  };
  apply_environment(config, get);
  EXPECT_EQ(config.server.port, 81);
  EXPECT_EQ(config.server.cors_origins, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(config.access_log, "off");
  EXPECT_THROW(apply_environment(config,
                                 [](const char* name) {
                                   return std::string_view(name) == "PARLEY_SERVER_PORT" ? "eighty"
                                                                                         : nullptr;
                                 }),
               base::Error);
}

TEST_F(ConfigFiles, TheChatApp) {
  const ServeConfig config = load(
      "[app]\nenabled = false\nusers = true\ndatabase = \"chats.db\"\nruns = \"runs\"\n"
      "hosts = [\"chat.example.org\"]\ndaily_tokens = 5000\n");
  EXPECT_FALSE(config.app.enabled);
  EXPECT_TRUE(config.app.users);
  EXPECT_EQ(config.app.database, (folder_ / "chats.db").string());
  EXPECT_EQ(config.app.runs, (folder_ / "runs").string());
  EXPECT_EQ(config.app.hosts, std::vector<std::string>{"chat.example.org"});
  for (const char* url : {"postgresql://a@b/c", "sqlite::memory:"})
    EXPECT_EQ(load(fmt::format("[app]\ndatabase = \"{}\"\n", url)).app.database, url);
  ServeConfig flags;
  for (const char* yes : {"true", "on", "yes", "1"}) {
    flags.app.users = false;
    set_field(flags, "app", "users", yes, "--users");
    EXPECT_TRUE(flags.app.users) << yes;
  }
  for (const char* no : {"false", "off", "no", "0"}) {
    set_field(flags, "app", "enabled", no, "--app");
    EXPECT_FALSE(std::exchange(flags.app.enabled, true)) << no;
  }
  EXPECT_THROW(set_field(flags, "app", "users", "maybe", "--users"), base::Error);
  flags.app.summaries = "none";
  EXPECT_THROW(validate(flags), base::Error);
}

TEST_F(ConfigFiles, ValuesThatDoNotGoTogether) {
  ServeConfig config;
  EXPECT_NO_THROW(validate(config));
  config.server.tls_key = "key.pem";
  EXPECT_THROW(validate(config), base::Error);
  config = {};
  config.server.header_seconds = 0;
  EXPECT_THROW(validate(config), base::Error);
  config = {};
  config.models.push_back({.path = "x", .storage = {.weights = "int7", .kv = {}}});
  EXPECT_THROW(validate(config), base::Error);
}

}  // namespace
}  // namespace parley::server

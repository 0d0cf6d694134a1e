// Tests of the store run over each database there is: SQLite in memory and in a file, and
// PostgreSQL when $PARLEY_TEST_POSTGRES is a URL of a database to make schemas in.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "store/database.h"
#include "store/store.h"

namespace parley::store {

// A folder that is gone with its owner.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "parley_store_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline const char* test_postgres() { return std::getenv("PARLEY_TEST_POSTGRES"); }

// An empty place for a store, and its URL.
class TestPlace {
 public:
  explicit TestPlace(const std::string& kind) {
    if (kind == "memory") {
      url_ = "sqlite::memory:";
    } else if (kind == "file") {
      url_ = "sqlite:" + folder_.file("test.db");
    } else {
      static std::atomic<int> count{0};
      schema_ = "test_" + std::to_string(getpid()) + "_" + std::to_string(count++);
      const std::string base = test_postgres();
      open_postgres(base)->write(
          [&](Connection& connection) { connection.execute("CREATE SCHEMA " + schema_); });
      url_ = base + (base.find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" +
             schema_;
    }
  }
  ~TestPlace() {
    if (schema_.empty()) return;
    open_postgres(test_postgres())->write([&](Connection& connection) {
      connection.execute("DROP SCHEMA " + schema_ + " CASCADE");
    });
  }
  TestPlace(const TestPlace&) = delete;
  TestPlace& operator=(const TestPlace&) = delete;

  const std::string& url() const { return url_; }
  std::unique_ptr<Database> database() const {
    return schema_.empty() ? open_sqlite(url_.substr(7)) : open_postgres(url_);
  }

 private:
  TestFolder folder_;
  std::string url_, schema_;
};

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "postgres" && !test_postgres())
      GTEST_SKIP() << "no PostgreSQL: set PARLEY_TEST_POSTGRES to postgresql://…";
    place = std::make_unique<TestPlace>(GetParam());
    store = Store::open(place->url());
  }

  User add_user(const std::string& name) {
    User user;
    user.id = make_id();
    user.name = name;
    user.password_hash = "$argon2id$…";
    user.created = now();
    store->add_user(user);
    return user;
  }
  Conversation add_conversation(const User& user, const std::string& title = "") {
    Conversation conversation;
    conversation.id = make_id();
    conversation.user = user.id;
    conversation.title = title;
    conversation.created = conversation.updated = ++time;
    store->add_conversation(conversation);
    return conversation;
  }
  Message make_message(const Conversation& conversation, const Id& parent,
                       const std::string& content, const std::string& role = "user") {
    Message message;
    message.id = make_id();
    message.conversation = conversation.id;
    message.parent = parent;
    message.role = role;
    message.content = content;
    message.created = ++time;
    return message;
  }
  Message add_message(const Conversation& conversation, const Id& parent,
                      const std::string& content, const std::string& role = "user") {
    const Message message = make_message(conversation, parent, content, role);
    store->add_message(message);
    return message;
  }

  Time time = 1'700'000'000'000;
  std::unique_ptr<TestPlace> place;
  std::unique_ptr<Store> store;
};

#define PARLEY_ALL_DATABASES(Suite)                                                \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Values("memory", "file", "postgres"), \
                           [](const auto& parameter) { return std::string(parameter.param); })

}  // namespace parley::store

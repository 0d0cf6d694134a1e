#include "store/migrations.h"

#include <thread>

#include "store/sql_store.h"
#include "store/store_test_util.h"

namespace parley::store {
namespace {

class MigrationTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "postgres" && !test_postgres())
      GTEST_SKIP() << "no PostgreSQL: set PARLEY_TEST_POSTGRES to postgresql://…";
    place = std::make_unique<TestPlace>(GetParam());
  }
  std::string message_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const base::Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::unique_ptr<TestPlace> place;
};
INSTANTIATE_TEST_SUITE_P(, MigrationTest, testing::Values("memory", "file", "postgres"),
                         [](const auto& parameter) { return std::string(parameter.param); });

void insert_rows(Connection& connection) {
  connection.execute(
      "INSERT INTO users(id, name, name_key, role, password_hash, disabled, daily_tokens, settings,"
      " created) VALUES ('u', 'Ann', 'ann', 'user', '', 0, 0, '{}', 1)");
  connection.execute(
      "INSERT INTO conversations(id, user_id, title, model, system, draft, params, leaf, archived,"
      " created, updated) VALUES ('c', 'u', 'An old title', '', '', '', '{}', '', 0, 1, 1)");
  for (int i = 0; i < 450; ++i)
    connection.execute(
        "INSERT INTO messages(id, conversation_id, parent, role, content, status, model, created,"
        " heartbeat, data, prompt) VALUES (?, 'c', '', 'user', ?, 'done', '', ?, 0, '{}', '{}')",
        {std::to_string(i), "old message 消息 " + std::to_string(i), i});
}

TEST_P(MigrationTest, FromNothingAndTwice) {
  auto database = place->database();
  migrate(*database);
  migrate(*database);
  database->read([](Connection& connection) {
    EXPECT_EQ(connection.number("SELECT count(*) FROM schema_version"), schema_version());
    EXPECT_EQ(connection.number("SELECT max(version) FROM schema_version"), schema_version());
  });
}

TEST_P(MigrationTest, FromTheFirstVersion) {
  auto database = place->database();
  migrate(*database, 1);
  database->write(&insert_rows);
  SqlStore store(std::move(database));
  EXPECT_EQ(store.user_by_name("ann")->name, "Ann");
  EXPECT_EQ(store.messages("c").size(), 450u);
  EXPECT_EQ(store.search("u", "old title", 10).size(), 1u);
  EXPECT_EQ(store.search("u", "old message 消息", 1000).size(), 450u);
  EXPECT_EQ(store.search("u", "消息 449", 10).size(), 1u);
}

// A step that fails leaves the version before it.
TEST_P(MigrationTest, AllOrNothing) {
  auto database = place->database();
  migrate(*database, 1);
  database->write(&insert_rows);
  // In the way of the second step.
  database->write([](Connection& connection) {
    connection.execute(connection.dialect() == Dialect::kSqlite
                           ? "CREATE TABLE passages_search (x TEXT)"
                           : "CREATE INDEX passages_search ON passages(page)");
  });
  EXPECT_THROW(migrate(*database), base::Error);
  database->read([](Connection& connection) {
    EXPECT_EQ(connection.number("SELECT max(version) FROM schema_version"), 1);
    EXPECT_FALSE(connection.has_table("messages_search"));
    EXPECT_EQ(connection.number("SELECT count(*) FROM messages"), 450);
  });
  database->write([](Connection& connection) {
    connection.execute(connection.dialect() == Dialect::kSqlite ? "DROP TABLE passages_search"
                                                                : "DROP INDEX passages_search");
  });
  migrate(*database);
}

TEST_P(MigrationTest, RefusesWhatIsNewer) {
  auto database = place->database();
  migrate(*database);
  database->write([](Connection& connection) {
    connection.execute("INSERT INTO schema_version(version) VALUES (?)", {schema_version() + 1});
  });
  const std::string message = message_of([&] { SqlStore store(std::move(database)); });
  EXPECT_NE(message.find("newer parley"), std::string::npos) << message;
  EXPECT_NE(message.find(std::to_string(schema_version() + 1)), std::string::npos) << message;
}

TEST_P(MigrationTest, RefusesWhatIsAnothers) {
  auto database = place->database();
  database->write(
      [](Connection& connection) { connection.execute("CREATE TABLE invoices (x TEXT)"); });
  const std::string message = message_of([&] { SqlStore store(std::move(database)); });
  EXPECT_NE(message.find("another program"), std::string::npos) << message;
}

TEST_P(MigrationTest, ManyServersAtOnce) {
  if (std::string(GetParam()) == "memory") GTEST_SKIP() << "a database in memory has one server";
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      try {
        const auto store = Store::open(place->url());
        User user;
        user.id = make_id();
        user.name = "user" + std::to_string(i);
        store->add_user(user);
        ++good;
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 6);
  EXPECT_EQ(Store::open(place->url())->users().size(), 6u);
}

TEST_P(MigrationTest, EveryQueryHasAnIndex) {
  if (std::string(GetParam()) != "memory") GTEST_SKIP() << "SQLite's plans are enough";
  auto database = place->database();
  migrate(*database);
  for (const char* sql :
       {"SELECT id FROM users WHERE name_key = 'a'", "DELETE FROM sessions WHERE user_id = 'a'",
        "DELETE FROM sessions WHERE expires < 5",
        "SELECT id FROM conversations WHERE user_id = 'a' AND archived = 0 AND (updated, id) < (1, "
        "'a') ORDER BY updated DESC, id DESC LIMIT 5",
        "SELECT id FROM messages WHERE conversation_id = 'a' ORDER BY created, seq",
        "UPDATE messages SET status = 'interrupted' WHERE status = 'streaming' AND heartbeat < 5",
        "SELECT id FROM memories WHERE user_id = 'a'",
        "SELECT id FROM documents WHERE user_id = 'a' ORDER BY created DESC, id DESC",
        "SELECT seq FROM passages WHERE document_id = 'a' ORDER BY number",
        "SELECT id FROM presets WHERE user_id = 'a' ORDER BY created, id",
        "SELECT id FROM feedback WHERE message = 'a' OR other = 'a'",
        "SELECT id FROM feedback WHERE user_id = 'a' ORDER BY created DESC, id DESC LIMIT 5",
        "SELECT id FROM feedback WHERE '' = '' ORDER BY created DESC, id DESC LIMIT 5"})
    database->read([&](Connection& connection) {
      std::string plan;
      connection.query(std::string("EXPLAIN QUERY PLAN ") + sql, {},
                       [&](const Row& row) { plan += row.text(3) + "; "; });
      EXPECT_NE(plan.find("INDEX"), std::string::npos) << sql << ": " << plan;
      EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << sql << ": " << plan;
    });
}

}  // namespace
}  // namespace parley::store

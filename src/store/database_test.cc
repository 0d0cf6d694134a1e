// What happens to a database: processes that die, disks that are full, files that are broken,
// servers that go away, many threads.
#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "store/store_test_util.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

using DatabaseTest = StoreTest;
PARLEY_ALL_DATABASES(DatabaseTest);

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_P(DatabaseTest, ManyThreads) {
  const User ann = add_user("ann");
  std::vector<Conversation> conversations;
  for (int i = 0; i < 8; ++i) conversations.push_back(add_conversation(ann, "shared title"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      const Conversation& c = conversations[static_cast<size_t>(t)];
      try {
        Id parent;
        for (int i = 0; i < 40; ++i) {
          Message m;
          m.id = make_id();
          m.conversation = c.id;
          m.parent = parent;
          m.content = fmt::format("thread {} message {}", t, i);
          m.created = i + 1;
          store->add_message(m);
          m.content += " more";
          store->update_message(m);
          store->add_usage(ann.id, "day", 1);
          store->change_conversation(ann.id, conversations[0].id, [&](Conversation& shared) {
            shared.title = "title " + std::to_string(t);
          });
          parent = m.id;
          EXPECT_EQ(store->branch(m.id).size(), static_cast<size_t>(i) + 1);
          EXPECT_FALSE(store->search(ann.id, "thread more", 3).empty());
          EXPECT_EQ(store->conversations(ann.id, false, 100, {}).size(), 8u);
        }
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store->usage(ann.id, "day"), 8 * 40);
  for (const Conversation& c : conversations) EXPECT_EQ(store->messages(c.id).size(), 40u);
  EXPECT_EQ(store->search(ann.id, "thread more", 1000).size(), 8u * 40);
}

TEST_P(DatabaseTest, TransactionsAreAllOrNothing) {
  auto database = place->database();
  database->write([](Connection& c) { c.execute("CREATE TABLE numbers (n BIGINT PRIMARY KEY)"); });
  EXPECT_THROW(database->write([](Connection& connection) {
    connection.execute("INSERT INTO numbers VALUES (?)", {1});
    connection.execute("INSERT INTO numbers VALUES (?)", {1});
  }),
               UniqueViolation);
  EXPECT_THROW(database->write([](Connection& connection) {
    connection.execute("INSERT INTO numbers VALUES (?)", {2});
    throw std::runtime_error("on the way");
  }),
               std::runtime_error);
  EXPECT_THROW(database->write([](Connection& c) { c.execute("INSERT INTO nowhere VALUES (1)"); }),
               base::Error);
  database->read([](Connection& connection) {
    EXPECT_EQ(connection.number("SELECT count(*) FROM numbers"), 0);
  });
  database->write(
      [](Connection& connection) { connection.execute("INSERT INTO numbers VALUES (?)", {3}); });
  database->read(
      [](Connection& connection) { EXPECT_EQ(connection.number("SELECT n FROM numbers"), 3); });
}

TEST_P(DatabaseTest, ValuesComeBack) {
  auto database = place->database();
  database->write([](Connection& connection) {
    connection.execute("CREATE TABLE odd (t TEXT, n BIGINT, d DOUBLE PRECISION)");
    connection.execute("INSERT INTO odd VALUES (?, ?, ?)", {"text", INT64_MIN, -0.1});
    connection.execute("INSERT INTO odd VALUES (?, ?, ?)", {nullptr, nullptr, nullptr});
    connection.execute("INSERT INTO odd VALUES (?, ?, ?)", {std::string_view(), INT64_MAX, 1e300});
    int at = 0;
    connection.query("SELECT t, n, d FROM odd ORDER BY n IS NULL, n", {}, [&](const Row& row) {
      const int64_t numbers[] = {INT64_MIN, INT64_MAX, 0};
      const double reals[] = {-0.1, 1e300, 0};
      EXPECT_EQ(row.text(0), at == 0 ? "text" : "");
      EXPECT_EQ(row.integer(1), numbers[at]);
      EXPECT_EQ(row.real(2), reals[at]);
      ++at;
    });
    EXPECT_EQ(connection.number("SELECT count(*) FROM odd WHERE t = ''"), 1);
  });
}

TEST(SqliteFile, IsPrivateAndItsFolderIsMade) {
  const TestFolder folder;
  const std::string path = folder.file("new/deep/er/parley.db");
  {
    const auto store = Store::open(path);
    EXPECT_FALSE(store->shared());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    ASSERT_EQ(::stat((path + "-wal").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    ASSERT_EQ(::stat(folder.file("new/deep/er").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
  }
  EXPECT_TRUE(Store::open("sqlite:" + path)->users().empty());
  // The permissions somebody gave it stay.
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  Store::open(path);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(SqliteFile, SaysWhatIsWrong) {
  const TestFolder folder;
  EXPECT_HAS(message_of([&] { Store::open(folder.file("")); }), "it is a folder");
  std::ofstream(folder.file("text.db")) << std::string(10'000, 'x');
  std::string message = message_of([&] { Store::open(folder.file("text.db")); });
  EXPECT_HAS(message, folder.file("text.db"));
  EXPECT_HAS(message, "no SQLite database");
  EXPECT_HAS(message_of([&] { Store::open(folder.file("text.db/in/a/file.db")); }),
             "cannot be created");
  EXPECT_HAS(message_of([] { Store::open("mysql://user:secret@host/db"); }), "postgresql://");
  EXPECT_EQ(message_of([] { Store::open("mysql://user:secret@host/db"); }).find("secret"),
            std::string::npos);
  EXPECT_HAS(message_of([] { Store::open(""); }), "path");
  EXPECT_HAS(message_of([] { Store::open("sqlite:"); }), "path");
}

TEST(SqliteFile, DamageIsAnError) {
  const TestFolder folder;
  const std::string path = folder.file("parley.db");
  Id user_id;
  {
    const auto store = Store::open(path);
    User user;
    user.id = user_id = make_id();
    user.name = Id("ann");
    store->add_user(user);
    Conversation c;
    c.id = make_id();
    c.user = user.id;
    store->add_conversation(c);
    for (int i = 0; i < 200; ++i) {
      Message m;
      m.id = make_id();
      m.conversation = c.id;
      m.content = std::string(2000, 'a') + std::to_string(i);
      store->add_message(m);
    }
  }
  const auto size = fs::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (uint64_t at = 8192; at + 4096 < size; at += 4096) {
      file.seekp(static_cast<std::streamoff>(at));
      file << std::string(2000, '\x5A');
    }
  }
  const std::string message = message_of([&] {
    const auto store = Store::open(path);
    for (const Conversation& c : store->conversations(user_id, false, 10, {}))
      store->messages(c.id);
    store->search(user_id, "a", 10);
    store->remove_user(user_id);
  });
  EXPECT_HAS(message, "damaged");
  EXPECT_HAS(message, "backup");
}

// What a child does with a store, in a process of its own. Returns its exit code.
int in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in the child: %s\n", error.what());
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A disk without space, as far as the process can tell: nothing grows, nothing is lost.
TEST(SqliteFile, FullDisk) {
  const TestFolder folder;
  const std::string path = folder.file("parley.db");
  Store::open(path);
  const int code = in_child([&] {
    const auto store = Store::open(path);
    User user;
    user.id = Id("u");
    user.name = Id("ann");
    store->add_user(user);
    Conversation c;
    c.id = Id("c");
    c.user = Id("u");
    store->add_conversation(c);
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
    int stored = 0;
    std::string message;
    for (int i = 0; i < 100 && message.empty(); ++i) {
      Message m;
      m.id = fmt::format("m{}", i);
      m.conversation = Id("c");
      m.content = std::string(50'000, 'x');
      message = message_of([&] {
        store->add_message(m);
        ++stored;
      });
      if (message == "no error") message.clear();
    }
    if (message.find("nothing of this change was stored") == std::string::npos) return 11;
    if (stored == 0 || stored == 100) return 12;
    // Reading goes on.
    if (store->messages("c").size() != static_cast<size_t>(stored)) return 13;
    return 20 + stored % 20;
  });
  ASSERT_GE(code, 20);
  const auto store = Store::open(path);
  const auto messages = store->messages("c");
  EXPECT_EQ(20 + static_cast<int>(messages.size()) % 20, code);
  // With space again, writing goes on.
  Message m;
  m.id = Id("again");
  m.conversation = Id("c");
  m.content = std::string(50'000, 'x');
  store->add_message(m);
  EXPECT_EQ(store->messages("c").size(), messages.size() + 1);
}

TEST(SqliteFile, ReadOnlyFile) {
  if (geteuid() != 0) {
    const TestFolder folder;
    const std::string path = folder.file("parley.db");
    Store::open(path);
    fs::permissions(path, fs::perms::owner_read);
    EXPECT_HAS(message_of([&] { Store::open(path); }), "may not be written");
    return;
  }
  // Root may write everything; somebody else has to try.
  const TestFolder folder;
  const std::string path = folder.file("parley.db");
  Store::open(path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(folder.file(""), fs::perms::all);
  EXPECT_EQ(in_child([&] {
              if (setuid(65534) != 0) return 1;
              const std::string message = message_of([&] { Store::open(path); });
              std::fprintf(stderr, "%s\n", message.c_str());
              return message.find("may not be written") == std::string::npos ? 2 : 0;
            }),
            0);
}

// A server that is killed in the middle of its writes: what it said was stored is there, and
// nothing is half there.
TEST(SqliteFile, SurvivesKilledWriters) {
  const TestFolder folder;
  const std::string path = folder.file("parley.db");
  {
    const auto store = Store::open(path);
    User user;
    user.id = Id("u");
    user.name = Id("ann");
    store->add_user(user);
  }
  int acknowledged_in_all = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto store = Store::open(path);
      Conversation c;
      c.id = fmt::format("c{}", round);
      c.user = Id("u");
      store->add_conversation(c);
      Id parent;
      for (int i = 0;; ++i) {
        Message m;
        m.id = fmt::format("{}-{}", c.id, i);
        m.conversation = c.id;
        m.parent = parent;
        m.content = "needle " + std::string(3000, 'x');
        store->add_message(m);
        parent = m.id;
        if (write(ends[1], "x", 1) != 1) _exit(1);
      }
    }
    close(ends[1]);
    const int goal = 5 + round * 7;
    int acknowledged = 0;
    char byte = 0;
    while (acknowledged < goal && read(ends[0], &byte, 1) == 1) ++acknowledged;
    std::this_thread::sleep_for(std::chrono::microseconds(137 * round));
    kill(child, SIGKILL);
    while (read(ends[0], &byte, 1) == 1) ++acknowledged;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    ASSERT_GE(acknowledged, goal);
    acknowledged_in_all += acknowledged;

    const auto store = Store::open(path);
    const auto messages = store->messages(fmt::format("c{}", round));
    ASSERT_GE(messages.size(), static_cast<size_t>(acknowledged));
    ASSERT_LE(messages.size(), static_cast<size_t>(acknowledged) + 1);
    const auto leaf = store->conversation("u", fmt::format("c{}", round))->leaf;
    EXPECT_EQ(leaf, messages.back().id);
    EXPECT_EQ(store->branch(leaf).size(), messages.size());
  }
  const auto store = Store::open(path);
  size_t all = 0;
  for (const Conversation& c : store->conversations("u", false, 100, {}))
    all += store->messages(c.id).size();
  EXPECT_GE(all, static_cast<size_t>(acknowledged_in_all));
  EXPECT_EQ(store->search("u", "needle", 100'000).size(), all);  // the index is in step
  open_sqlite(path)->read([](Connection& connection) {
    connection.query("PRAGMA integrity_check", {},
                     [](const Row& row) { EXPECT_EQ(row.text(0), "ok"); });
    EXPECT_EQ(connection.number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
  });
}

TEST(SqliteFile, TwoProcessesShareIt) {
  const TestFolder folder;
  const std::string path = folder.file("parley.db");
  std::vector<pid_t> children;
  for (int p = 0; p < 3; ++p) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        const auto store = Store::open(path);
        for (int i = 0; i < 60; ++i) {
          User user;
          user.id = make_id();
          user.name = fmt::format("user {}/{}", p, i);
          store->add_user(user);
        }
      } catch (const std::exception& error) {
        std::fprintf(stderr, "in the child: %s\n", error.what());
        _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(Store::open(path)->users().size(), 180u);
}

TEST(Postgres, SaysWhatIsWrong) {
  const std::string url = "postgresql://ann:secret@127.0.0.1:1/db?application_name=x";
  const std::string message = message_of([&] { Store::open(url); });
  EXPECT_HAS(message, "postgresql://ann@127.0.0.1:1/db");
  EXPECT_HAS(message, "Check that PostgreSQL runs");
  EXPECT_EQ(message.find("secret"), std::string::npos) << message;
  EXPECT_HAS(message_of([] { Store::open("postgresql://host/db?nonsense=1"); }),
             "postgresql://host");
}

class PostgresServer : public testing::Test {
 protected:
  void SetUp() override {
    if (!test_postgres()) GTEST_SKIP() << "no PostgreSQL: set PARLEY_TEST_POSTGRES";
    place = std::make_unique<TestPlace>("postgres");
  }
  std::unique_ptr<TestPlace> place;
};

// The server ends every connection, as when it is started anew; with $PARLEY_TEST_POSTGRES_RESTART
// (a command) it really is.
TEST_F(PostgresServer, ConnectionsThatBreakAreReplaced) {
  const auto store = Store::open(place->url());
  EXPECT_TRUE(store->shared());
  const auto add = [&](const std::string& name) {
    User user;
    user.id = make_id();
    user.name = name;
    user.password_hash = Id("h");
    store->add_user(user);
  };
  add("before");
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;  // so that the pool has several
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { store->users(); });
    for (std::thread& thread : threads) thread.join();
    const char* restart = std::getenv("PARLEY_TEST_POSTGRES_RESTART");
    if (restart && round == 2) {
      ASSERT_EQ(std::system(restart), 0);
    } else {
      open_postgres(test_postgres())->read([](Connection& connection) {
        connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'",
            {}, nullptr);
      });
    }
    if (round % 2)
      EXPECT_EQ(store->count_users(), 3);
    else
      add("after " + std::to_string(round));
    add("again " + std::to_string(round));
  }
}

// A transaction whose connection breaks in the middle runs again, whole.
TEST_F(PostgresServer, ATransactionThatBreaksRunsAgain) {
  const auto database = place->database();
  database->write([](Connection& connection) { connection.execute("CREATE TABLE n (x BIGINT)"); });
  int runs = 0;
  database->write([&](Connection& connection) {
    connection.execute("INSERT INTO n VALUES (?)", {1});
    if (++runs == 1) {
      const int64_t pid = connection.number("SELECT pg_backend_pid()");
      open_postgres(test_postgres())->read([&](Connection& other) {
        other.query("SELECT pg_terminate_backend(CAST(? AS integer))", {pid}, nullptr);
      });
    }
    connection.execute("INSERT INTO n VALUES (?)", {2});
  });
  EXPECT_EQ(runs, 2);
  database->read(
      [](Connection& connection) { EXPECT_EQ(connection.number("SELECT count(*) FROM n"), 2); });
}

TEST_F(PostgresServer, ThePoolIsBounded) {
  const auto database = open_postgres(place->url(), 2);
  std::atomic<int> now_running = 0, most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      database->read([&](Connection& connection) {
        const int running = ++now_running;
        int seen = most;
        while (running > seen && !most.compare_exchange_weak(seen, running)) {
        }
        connection.query("SELECT pg_sleep(0.02)", {}, nullptr);
        --now_running;
      });
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
}

// Two transactions that wait for each other: the database ends one, and it runs again.
TEST_F(PostgresServer, DeadlocksRunAgain) {
  const auto database = place->database();
  database->write([](Connection& connection) {
    connection.execute("CREATE TABLE n (x BIGINT PRIMARY KEY, y BIGINT)");
    connection.execute("INSERT INTO n VALUES (1, 0), (2, 0)");
  });
  std::atomic<int> runs = 0;
  const auto change = [&](int first, int second) {
    try {
      database->write([&](Connection& connection) {
        ++runs;
        connection.execute("UPDATE n SET y = y + 1 WHERE x = ?", {first});
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        connection.execute("UPDATE n SET y = y + 1 WHERE x = ?", {second});
      });
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  };
  std::thread one([&] { change(1, 2); }), two([&] { change(2, 1); });
  one.join();
  two.join();
  EXPECT_GE(runs, 3);
  database->read(
      [](Connection& connection) { EXPECT_EQ(connection.number("SELECT sum(y) FROM n"), 4); });
}

}  // namespace
}  // namespace parley::store

// PostgreSQL, through libpqxx: a bounded pool of connections that outlives the server's restarts.
#include <pqxx/pqxx>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "store/database.h"

namespace parley::store {

namespace {

constexpr int kStartingAttempts = 100, kStartingMilliseconds = 100;
constexpr int kTransactionAttempts = 6;
constexpr size_t kPostgresStatements = 256;  // kept prepared on a connection

// The connection is of no more use.
class Broken : public base::Error {
 public:
  using base::Error::Error;
};
// Two transactions were in each other's way; this one has to begin again.
class Collision : public base::Error {
 public:
  using base::Error::Error;
};

std::string one_line(const char* what) {
  std::string text = what;
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, '\t', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

[[noreturn]] void fail_with(const pqxx::sql_error& error, const std::string& place) {
  const std::string& state = error.sqlstate();
  const std::string what = one_line(error.what()), message = "database " + place + ": ";
  const auto is = [&](std::string_view prefix) { return state.starts_with(prefix); };
  if (is("23505")) throw UniqueViolation(message + "it is there already");
  if (is("23503")) throw MissingReference(message + "what this belongs to does not exist any more");
  if (is("08") || is("57P")) throw Broken(message + "the connection was lost (" + what + ")");
  if (is("53100"))
    throw base::Error(message +
                      "its disk is full; nothing of this change was stored. Free some space there");
  if (is("53")) throw base::Error(message + "it is short of resources (" + what + ")");
  if (is("25006"))
    throw base::Error(message + "it is read-only (" + what + "). Name the primary server");
  if (is("42501"))
    throw base::Error(message + "the user may not do this (" + what +
                      "). Give it the rights, or a database of its own");
  if (is("55P03")) throw base::Error(message + "another program keeps it locked; try again");
  if (is("3F"))
    throw base::Error(message +
                      "there is no schema to put the tables into. Make the one that the search "
                      "path of the URL names, with CREATE SCHEMA");
  if (is("54")) throw base::Error(message + "a text is too long for it (" + what + ")");
  throw base::Error(message + what);
}

class PostgresRow : public Row {
 public:
  explicit PostgresRow(const pqxx::row& row) : row_(row) {}
  int64_t integer(int column) const override { return field(column).as<int64_t>(0); }
  double real(int column) const override { return field(column).as<double>(0); }
  std::string text(int column) const override {
    const pqxx::field value = field(column);
    return {value.c_str(), value.size()};
  }

 private:
  pqxx::field field(int column) const { return row_[static_cast<pqxx::row::size_type>(column)]; }

  const pqxx::row& row_;
};

// `?` as `$1`, `$2` …; none of our statements has one in a text.
std::string numbered(const std::string& sql) {
  std::string text;
  int count = 0;
  for (const char c : sql)
    if (c == '?')
      text += '$' + std::to_string(++count);
    else
      text += c;
  return text;
}

class PostgresConnection : public Connection {
 public:
  // Broken when there is no connection to be had.
  PostgresConnection(const std::string& url, const std::string& place)
      : place_(place), connection_(connect(url)), quiet_(*connection_) {
    // The library would connect anew by itself, in the middle of a transaction too.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_->inhibit_reactivation(true);
#pragma GCC diagnostic pop
    plain("SET client_encoding = 'UTF8'");
    plain("SET client_min_messages = warning");
    plain("SET lock_timeout = '30s'");
  }

  Dialect dialect() const override { return Dialect::kPostgres; }

  int64_t run(const std::string& sql, std::span<const Value> parameters,
              const RowFn& row) override {
    std::vector<std::string> texts;  // what the pointers point to
    texts.reserve(parameters.size());
    std::vector<const char*> pointers;
    for (const Value& value : parameters) {
      if (value.is_null()) {
        pointers.push_back(nullptr);
        continue;
      }
      if (value.is_integer())
        texts.push_back(std::to_string(value.integer()));
      else if (value.is_text())
        texts.emplace_back(value.text());
      else
        texts.push_back(pqxx::to_string(value.real()));
      pointers.push_back(texts.back().c_str());
    }
    pqxx::result result;
    guard([&] {
      pqxx::nontransaction work(*connection_);
      result = work.exec_prepared(prepared(sql), pqxx::prepare::make_dynamic_params(pointers));
    });
    if (row)
      for (const pqxx::row& each : result) row(PostgresRow(each));
    return static_cast<int64_t>(result.affected_rows());
  }

  void lock(int64_t key) override { query("SELECT pg_advisory_xact_lock(?)", {key}, nullptr); }
  bool has_table(std::string_view name) override {
    return number(
               "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
               " AND tablename = ?",
               {name}) > 0;
  }
  bool is_empty() override {
    return number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()") == 0;
  }

  // BEGIN, COMMIT and the like.
  void plain(const std::string& sql) {
    guard([&] {
      pqxx::nontransaction work(*connection_);
      work.exec(sql);
    });
  }

  bool is_open() const { return connection_->is_open(); }

 private:
  std::unique_ptr<pqxx::connection> connect(const std::string& url) const {
    for (int attempt = 1;; ++attempt) {
      try {
        return std::make_unique<pqxx::connection>(url);
      } catch (const pqxx::failure& error) {
        const std::string what = one_line(error.what());
        if (what.find("starting up") == std::string::npos || attempt == kStartingAttempts)
          throw Broken("database " + place_ + ": no connection (" + what +
                       "). Check that PostgreSQL runs there, and the URL's user, password and "
                       "database");
        std::this_thread::sleep_for(std::chrono::milliseconds(kStartingMilliseconds));
      } catch (const std::exception& error) {
        base::fail("database {}: the URL is not understood ({})", place_, one_line(error.what()));
      }
    }
  }

  template <typename Call>
  void guard(const Call& call) {
    try {
      call();
    } catch (const pqxx::broken_connection& error) {
      throw Broken("database " + place_ + ": the connection was lost (" + one_line(error.what()) +
                   ")");
    } catch (const pqxx::statement_completion_unknown& error) {
      throw base::Error("database " + place_ + ": " + one_line(error.what()));
    } catch (const pqxx::transaction_rollback& error) {  // which is no sql_error
      throw Collision("database " + place_ + ": busy (" + one_line(error.what()) + "); try again");
    } catch (const pqxx::sql_error& error) {
      if (!connection_->is_open())
        throw Broken("database " + place_ + ": the connection was lost (" + one_line(error.what()) +
                     ")");
      fail_with(error, place_);
    } catch (const base::Error&) {
      throw;
    } catch (const std::exception& error) {
      if (!connection_->is_open())
        throw Broken("database " + place_ + ": the connection was lost (" + one_line(error.what()) +
                     ")");
      throw base::Error("database " + place_ + ": " + one_line(error.what()));
    }
  }

  const std::string& prepared(const std::string& sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
    if (statements_.size() >= kPostgresStatements) {
      for (const auto& [text, name] : statements_) connection_->unprepare(name);
      statements_.clear();
    }
    const std::string name = "parley_" + std::to_string(++count_);
    connection_->prepare(name, numbered(sql));
    return statements_[sql] = name;
  }

  std::string place_;
  std::unique_ptr<pqxx::connection> connection_;
  pqxx::quiet_errorhandler quiet_;
  std::unordered_map<std::string, std::string> statements_;  // names by text
  int count_ = 0;
};

// The URL without password and options.
std::string place_of(const std::string& url) {
  std::string place = url.substr(0, url.find('?'));
  const size_t start = place.find("://") + 3;
  const size_t at = place.find('@', start), colon = place.find(':', start);
  if (at != std::string::npos && colon < at) place.erase(colon, at - colon);
  return place;
}

class PostgresDatabase : public Database {
 public:
  PostgresDatabase(const std::string& url, int connections)
      : url_(url), place_(place_of(url)), most_(connections) {
    // A server that does not answer at all would hold its callers for minutes.
    if (url_.find("connect_timeout=") == std::string::npos)
      url_ += url_.find('?') == std::string::npos ? "?connect_timeout=10" : "&connect_timeout=10";
    std::string encoding;
    read([&](Connection& connection) {
      connection.query(
          "SELECT pg_encoding_to_char(encoding) FROM pg_database"
          " WHERE datname = current_database()",
          {}, [&](const Row& row) { encoding = row.text(0); });
    });
    if (encoding != "UTF8")
      base::fail(
          "database {}: its encoding is {}, which has not all of Unicode. Make it with "
          "`createdb --encoding UTF8 --template template0`",
          place_, encoding);
  }

  Dialect dialect() const override { return Dialect::kPostgres; }
  const std::string& place() const override { return place_; }

  void read(const Work& work) override {
    repeat([&](PostgresConnection& connection) { work(connection); });
  }

  void write(const Work& work) override {
    repeat([&](PostgresConnection& connection) {
      connection.plain("BEGIN");
      try {
        work(connection);
      } catch (...) {
        try {
          connection.plain("ROLLBACK");
        } catch (const base::Error&) {
          // Without the connection there is no transaction.
        }
        throw;
      }
      try {
        connection.plain("COMMIT");
      } catch (const Broken& error) {
        // Whether it was stored nobody knows: doing it again might do it twice.
        throw base::Error(std::string(error.what()) +
                          " while a change was confirmed; look whether it was stored");
      }
    });
  }

 private:
  // Once more when the connection broke (the server was started anew), some times more when
  // transactions collided. Neither has changed anything.
  void repeat(const std::function<void(PostgresConnection&)>& work) {
    bool broken = false;
    for (int attempt = 1;; ++attempt) {
      try {
        const Lease lease(*this);
        work(*lease.connection);
        return;
      } catch (const Broken&) {
        if (broken) throw;
        broken = true;
        // Those that wait for work broke as well.
        const std::lock_guard lock(mutex_);
        count_ -= static_cast<int>(idle_.size());
        idle_.clear();
      } catch (const Collision&) {
        if (attempt == kTransactionAttempts) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(5 << attempt));
      }
    }
  }

  struct Lease {
    explicit Lease(PostgresDatabase& of) : database(of) {
      {
        std::unique_lock lock(database.mutex_);
        database.free_.wait(
            lock, [&] { return !database.idle_.empty() || database.count_ < database.most_; });
        if (!database.idle_.empty()) {
          connection = std::move(database.idle_.back());
          database.idle_.pop_back();
          return;
        }
        ++database.count_;
      }
      try {
        connection = std::make_unique<PostgresConnection>(database.url_, database.place_);
      } catch (...) {
        give_back();
        throw;
      }
    }
    ~Lease() { give_back(); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    void give_back() {
      const std::lock_guard lock(database.mutex_);
      if (connection && connection->is_open())
        database.idle_.push_back(std::move(connection));
      else
        --database.count_;
      database.free_.notify_one();
    }

    PostgresDatabase& database;
    std::unique_ptr<PostgresConnection> connection;
  };

  std::string url_, place_;
  int most_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<PostgresConnection>> idle_;
  int count_ = 0;
};

}  // namespace

std::unique_ptr<Database> open_postgres(const std::string& url, int connections) {
  return std::make_unique<PostgresDatabase>(url, connections);
}

}  // namespace parley::store

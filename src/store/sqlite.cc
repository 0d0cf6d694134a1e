// SQLite: one connection writes, several read beside it (WAL). ":memory:" is one connection for
// both.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "store/database.h"

namespace parley::store {

namespace {

namespace fs = std::filesystem;

constexpr int kBusyMilliseconds = 15000;
constexpr int kReaders = 6;
constexpr size_t kSqliteStatements = 256;  // kept prepared on a connection

[[noreturn]] void fail_with(int code, const std::string& what, const std::string& place) {
  const std::string message = "database " + place + ": ";
  switch (code & 0xFF) {
    case SQLITE_FULL:
      throw base::Error(message +
                        "the disk is full; nothing of this change was stored. Free some "
                        "space and try again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      throw base::Error(message + "it may not be written (" + what +
                        "). Check the owner and the permissions of the file and its folder");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw base::Error(message + "it is damaged or no SQLite database (" + what +
                        "). Move it away to begin anew, put a backup in its place, or rescue what "
                        "is left with `sqlite3 FILE .recover`");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw base::Error(message + "another program has kept it locked for " +
                        std::to_string(kBusyMilliseconds / 1000) +
                        " seconds. End that program, or try again");
    case SQLITE_CANTOPEN:
      throw base::Error(message + "it cannot be opened (" + what +
                        "). Check the path and the permissions of the folder");
    case SQLITE_IOERR:
      throw base::Error(message + "reading or writing failed (" + what +
                        "); nothing of this change was stored. Check the disk and its free space");
    case SQLITE_NOMEM: throw base::Error(message + "out of memory");
    case SQLITE_TOOBIG: throw base::Error(message + "a text is too long for it (1 GB)");
    default: break;
  }
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
      throw UniqueViolation(message + "it is there already (" + what + ")");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      throw MissingReference(message + "what this belongs to does not exist any more");
    default: throw base::Error(message + what);
  }
}

class SqliteRow : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  double real(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)))
                : std::string();
  }

 private:
  sqlite3_stmt* statement_;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class SqliteConnection : public Connection {
 public:
  SqliteConnection(const std::string& path, std::string place) : place_(std::move(place)) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(path.c_str(), &db_, flags, nullptr);
    if (code != SQLITE_OK) {
      const std::string what = db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
      sqlite3_close_v2(db_);
      fail_with(code, what, place_);
    }
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, kBusyMilliseconds);
    try {
      if (sqlite3_db_readonly(db_, "main") == 1)
        fail_with(SQLITE_READONLY, "it is read-only", place_);
      execute("PRAGMA foreign_keys = ON");
      // A process that dies loses nothing; a power cut may take the last moments, but never more.
      execute("PRAGMA synchronous = NORMAL");
      use_write_ahead_log();
      execute("PRAGMA journal_size_limit = 67108864");
      execute("PRAGMA temp_store = MEMORY");
    } catch (...) {
      close();
      throw;
    }
  }
  ~SqliteConnection() override { close(); }
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  Dialect dialect() const override { return Dialect::kSqlite; }

  int64_t run(const std::string& sql, std::span<const Value> parameters,
              const RowFn& row) override {
    sqlite3_stmt* statement = prepare(sql);
    struct Reset {
      sqlite3_stmt* statement;
      ~Reset() {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
      }
    } reset{statement};
    PARLEY_CHECK(sqlite3_bind_parameter_count(statement) == static_cast<int>(parameters.size()),
                 "{} parameters for: {}", parameters.size(), sql);
    int index = 0;
    for (const Value& value : parameters) check(bind(statement, ++index, value));
    for (;;) {
      const int code = sqlite3_step(statement);
      if (code == SQLITE_DONE) break;
      if (code != SQLITE_ROW) fail_with(code, sqlite3_errmsg(db_), place_);
      if (row) row(SqliteRow(statement));
    }
    return sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(db_);
  }

  void lock(int64_t) override {}  // there is one writer at a time as it is

  bool has_table(std::string_view name) override {
    return number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", {name}) >
           0;
  }
  bool is_empty() override { return number("SELECT count(*) FROM sqlite_master") == 0; }

  void roll_back() {
    // Some errors (a full disk) have rolled back already.
    if (!sqlite3_get_autocommit(db_)) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  }

 private:
  static int bind(sqlite3_stmt* statement, int index, const Value& value) {
    if (value.is_null()) return sqlite3_bind_null(statement, index);
    if (value.is_integer()) return sqlite3_bind_int64(statement, index, value.integer());
    if (!value.is_text()) return sqlite3_bind_double(statement, index, value.real());
    const std::string_view text = value.text();
    // A view without memory would be NULL.
    return sqlite3_bind_text64(statement, index, text.data() ? text.data() : "", text.size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }

  void check(int code) {
    if (code != SQLITE_OK) fail_with(code, sqlite3_errmsg(db_), place_);
  }

  sqlite3_stmt* prepare(const std::string& sql) {
    if (const auto found = statements_.find(sql); found != statements_.end())
      return found->second.get();
    if (statements_.size() >= kSqliteStatements) statements_.clear();
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    statements_[sql].reset(statement);
    return statement;
  }

  // Needs the file for itself for a moment, and does not wait for it as statements do.
  void use_write_ahead_log() {
    for (int attempt = 0;; ++attempt) {
      std::string mode;
      query("PRAGMA journal_mode", {}, [&](const Row& row) { mode = row.text(0); });
      if (mode == "wal" || mode == "memory") return;
      const int code = sqlite3_exec(db_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
      if (code == SQLITE_OK) return;
      if ((code & 0xFF) != SQLITE_BUSY || attempt == kBusyMilliseconds / 50)
        fail_with(code, sqlite3_errmsg(db_), place_);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  void close() {
    statements_.clear();
    sqlite3_close_v2(db_);
    db_ = nullptr;
  }

  std::string place_;
  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// SQLite would create the file for everybody to read.
void create_private(const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::exists(folder, error)) {
    fs::create_directories(folder, error);
    if (error)
      base::fail("database {}: the folder {} cannot be created: {}", path, folder.string(),
                 error.message());
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  if (fs::is_directory(path, error))
    base::fail("database {}: it is a folder; name a file in it, such as {}/parley.db", path, path);
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    ::close(fd);
  else if (errno != EEXIST)
    base::fail("database {}: it cannot be created: {}. Check the permissions of the folder", path,
               std::strerror(errno));
}

class SqliteDatabase : public Database {
 public:
  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {
    memory_ = path_ == ":memory:";
    if (!memory_) create_private(path_);
    writer_ = connect();
  }

  Dialect dialect() const override { return Dialect::kSqlite; }
  const std::string& place() const override { return path_; }

  void read(const Work& work) override {
    if (memory_) {
      const std::lock_guard lock(writing_);
      work(*writer_);
      return;
    }
    const Lease lease(*this);
    work(*lease.connection);
  }

  void write(const Work& work) override {
    const std::lock_guard lock(writing_);
    writer_->execute("BEGIN IMMEDIATE");
    try {
      work(*writer_);
      writer_->execute("COMMIT");
    } catch (...) {
      writer_->roll_back();
      throw;
    }
  }

 private:
  std::unique_ptr<SqliteConnection> connect() const {
    return std::make_unique<SqliteConnection>(path_, path_);
  }

  // A reading connection, until it goes out of scope.
  struct Lease {
    explicit Lease(SqliteDatabase& of) : database(of) {
      std::unique_lock lock(database.reading_);
      database.free_.wait(lock,
                          [&] { return !database.idle_.empty() || database.readers_ < kReaders; });
      if (!database.idle_.empty()) {
        connection = std::move(database.idle_.back());
        database.idle_.pop_back();
        return;
      }
      connection = database.connect();
      connection->execute("PRAGMA query_only = ON");
      ++database.readers_;
    }
    ~Lease() {
      const std::lock_guard lock(database.reading_);
      database.idle_.push_back(std::move(connection));
      database.free_.notify_one();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    SqliteDatabase& database;
    std::unique_ptr<SqliteConnection> connection;
  };

  std::string path_;
  bool memory_ = false;
  std::mutex writing_;
  std::unique_ptr<SqliteConnection> writer_;
  std::mutex reading_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
  int readers_ = 0;
};

}  // namespace

std::unique_ptr<Database> open_sqlite(const std::string& path) {
  return std::make_unique<SqliteDatabase>(path);
}

}  // namespace parley::store

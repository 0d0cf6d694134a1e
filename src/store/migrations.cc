#include "store/migrations.h"

#include <fmt/format.h>

#include <array>

#include "store/index.h"
#include "store/terms.h"

namespace parley::store {

namespace {

// Keys of Connection::lock.
constexpr int64_t kMigrationLock = 0x7061726C6579;

// One statement each. `%seq%` is a number the database gives to a row, in order; `%hash(x)%` what
// stands for a text in a unique index (PostgreSQL's pages are too small for long texts).
constexpr std::array kTables = {
    "CREATE TABLE users ("
    " id TEXT PRIMARY KEY,"
    " name TEXT NOT NULL,"
    // The name as it is compared: Unicode's compatibility form, in lower case.
    " name_key TEXT NOT NULL UNIQUE,"
    " role TEXT NOT NULL,"
    " password_hash TEXT NOT NULL,"
    " disabled BIGINT NOT NULL,"
    " daily_tokens BIGINT NOT NULL,"
    " settings TEXT NOT NULL,"
    " draft TEXT NOT NULL DEFAULT '',"
    " created BIGINT NOT NULL)",

    "CREATE TABLE sessions ("
    " token_hash TEXT PRIMARY KEY,"
    " user_id TEXT REFERENCES users(id) ON DELETE CASCADE,"
    " csrf TEXT NOT NULL,"
    " created BIGINT NOT NULL,"
    " expires BIGINT NOT NULL)",
    "CREATE INDEX sessions_of_user ON sessions(user_id)",
    "CREATE INDEX sessions_by_end ON sessions(expires)",

    "CREATE TABLE invitations ("
    " id TEXT PRIMARY KEY,"
    " code_hash TEXT NOT NULL UNIQUE,"
    " role TEXT NOT NULL,"
    " created BIGINT NOT NULL,"
    " expires BIGINT NOT NULL,"
    " used_by TEXT NOT NULL)",

    "CREATE TABLE token_usage ("
    " user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " day TEXT NOT NULL,"
    " tokens BIGINT NOT NULL,"
    " PRIMARY KEY (user_id, day))",

    "CREATE TABLE conversations ("
    " seq %seq%,"
    " id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " title TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " system TEXT NOT NULL,"
    " draft TEXT NOT NULL,"
    " params TEXT NOT NULL,"
    " leaf TEXT NOT NULL,"
    " archived BIGINT NOT NULL,"
    " created BIGINT NOT NULL,"
    " updated BIGINT NOT NULL)",
    "CREATE INDEX conversations_of_user ON conversations(user_id, archived, updated, id)",

    // `parent` refers to a message of the same conversation, which the program sees to: a chain of
    // references as long as a conversation would be deleted link by link, to SQLite's limit.
    "CREATE TABLE messages ("
    " seq %seq%,"
    " id TEXT NOT NULL UNIQUE,"
    " conversation_id TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,"
    " parent TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " created BIGINT NOT NULL,"
    " heartbeat BIGINT NOT NULL,"
    " content TEXT NOT NULL,"
    " data TEXT NOT NULL,"
    // Last, since it is long and seldom read.
    " prompt TEXT NOT NULL)",
    "CREATE INDEX messages_of_conversation ON messages(conversation_id, created, seq)",
    "CREATE INDEX messages_under_way ON messages(heartbeat) WHERE status = 'streaming'",

    "CREATE TABLE summaries ("
    " conversation_id TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,"
    " before_id TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " tokens BIGINT NOT NULL,"
    " created BIGINT NOT NULL,"
    " PRIMARY KEY (conversation_id, before_id))",

    "CREATE TABLE memories ("
    " seq %seq%,"
    " id TEXT NOT NULL UNIQUE,"
    " user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " text TEXT NOT NULL,"
    " enabled BIGINT NOT NULL,"
    " source TEXT NOT NULL,"
    " created BIGINT NOT NULL,"
    " updated BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX memories_of_user ON memories(user_id, %hash(text)%)",

    "CREATE TABLE documents ("
    " id TEXT PRIMARY KEY,"
    " user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " bytes BIGINT NOT NULL,"
    " characters BIGINT NOT NULL,"
    " passages BIGINT NOT NULL,"
    " created BIGINT NOT NULL)",
    "CREATE INDEX documents_of_user ON documents(user_id, created, id)",

    "CREATE TABLE passages ("
    " seq %seq%,"
    " document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,"
    " number BIGINT NOT NULL,"
    " page BIGINT NOT NULL,"
    " start_line BIGINT NOT NULL,"
    " text TEXT NOT NULL,"
    " UNIQUE (document_id, number))",

    "CREATE TABLE presets ("
    " id TEXT PRIMARY KEY,"
    " user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,"
    " title TEXT NOT NULL,"
    " system TEXT NOT NULL,"
    " text_template TEXT NOT NULL,"
    " language TEXT NOT NULL,"
    " params TEXT NOT NULL,"
    " created BIGINT NOT NULL)",
    "CREATE INDEX presets_of_user ON presets(user_id, created, id)",

    // Outlives the messages it is about and whoever gave it: it has copies, and `message` and
    // `other` may name what is gone.
    "CREATE TABLE feedback ("
    " seq %seq%,"
    " id TEXT NOT NULL UNIQUE,"
    " user_id TEXT REFERENCES users(id) ON DELETE SET NULL,"
    " kind TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " other TEXT NOT NULL,"
    " rating BIGINT NOT NULL,"
    " tie BIGINT NOT NULL,"
    " reasons TEXT NOT NULL,"
    " comment TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " model TEXT NOT NULL,"
    " created BIGINT NOT NULL,"
    " context TEXT NOT NULL)",
    "CREATE UNIQUE INDEX feedback_ratings ON feedback(user_id, message) WHERE kind = 'rating'",
    "CREATE INDEX feedback_by_time ON feedback(created, id)",
    "CREATE INDEX feedback_of_user ON feedback(user_id, created, id)",
    "CREATE INDEX feedback_of_message ON feedback(message)",
    "CREATE INDEX feedback_of_other ON feedback(other)",
};

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

void make_tables(Connection& connection) {
  const bool sqlite = connection.dialect() == Dialect::kSqlite;
  for (std::string sql : kTables) {
    replace_all(sql, "%seq%",
                sqlite ? "INTEGER PRIMARY KEY AUTOINCREMENT"
                       : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
    replace_all(sql, "%hash(text)%", sqlite ? "text" : "md5(text)");
    connection.execute(sql);
  }
}

// Replicas ask each other through it.
void add_stop_asked(Connection& connection) {
  connection.execute("ALTER TABLE messages ADD COLUMN stop_asked BIGINT NOT NULL DEFAULT 0");
}

// A step at index i leads from version i to i + 1. Steps that stood in a release never change.
constexpr std::array kSteps = {&make_tables, &make_indices, &add_stop_asked};

int version_of(Connection& connection, const std::string& place) {
  if (!connection.has_table("schema_version")) {
    if (!connection.is_empty())
      base::fail(
          "database {}: it belongs to another program (there are tables, but no schema_version). "
          "Give parley a database, or a schema, of its own",
          place);
    return 0;
  }
  const auto version =
      static_cast<int>(connection.number("SELECT max(version) FROM schema_version"));
  if (version > schema_version())
    base::fail(
        "database {}: a newer parley made it (version {}, this program knows {}). Use that "
        "version, or a backup from before the upgrade",
        place, version, schema_version());
  return version;
}

}  // namespace

int schema_version() { return static_cast<int>(kSteps.size()); }

void migrate(Database& database, int version) {
  int found = 0;
  // Whether a database without versions is empty or another program's only the lock can tell:
  // another server may be making the tables now.
  database.read([&](Connection& connection) {
    if (connection.has_table("schema_version")) found = version_of(connection, database.place());
  });
  if (found >= version) return;
  database.write([&](Connection& connection) {
    connection.lock(kMigrationLock);
    // Another program may have been faster.
    found = version_of(connection, database.place());
    if (found == 0)
      connection.execute("CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)");
    for (; found < version; ++found) {
      kSteps[static_cast<size_t>(found)](connection);
      connection.execute("INSERT INTO schema_version(version) VALUES (?)", {found + 1});
    }
  });
}

}  // namespace parley::store

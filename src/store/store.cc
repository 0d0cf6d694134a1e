#include "store/store.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "store/migrations.h"
#include "store/sql_store.h"

namespace parley::store {

Id make_id() {
  std::array<unsigned char, 16> bytes{};
  for (size_t have = 0; have < bytes.size();) {
    const auto got = ::getrandom(bytes.data() + have, bytes.size() - have, 0);
    if (got > 0)
      have += static_cast<size_t>(got);
    else if (errno != EINTR)
      base::fail("the system gives no random numbers (getrandom)");
  }
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Id id;
  uint32_t bits = 0;
  int held = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) id += kLetters[bits >> (held - 6) & 63];
  }
  id += kLetters[bits << (6 - held) & 63];
  return id;
}

Time now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SqlStore::SqlStore(std::unique_ptr<Database> database) : database_(std::move(database)) {
  migrate(*database_);
}

bool SqlStore::shared() const { return database_->dialect() == Dialect::kPostgres; }

std::unique_ptr<Store> Store::open(const std::string& url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
    return std::make_unique<SqlStore>(open_postgres(url));
  if (!url.starts_with(kSqlite) && url.find("://") != std::string::npos)
    base::fail("database {}: a path, sqlite:PATH or postgresql://USER@HOST/NAME is expected",
               url.substr(0, url.find("://") + 3) + "…");
  const std::string path = url.starts_with(kSqlite) ? url.substr(kSqlite.size()) : url;
  if (path.empty()) base::fail("database: the path is empty; give sqlite:PATH or a path");
  return std::make_unique<SqlStore>(open_sqlite(path));
}

}  // namespace parley::store

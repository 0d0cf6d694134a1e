// SQL as both databases understand it: what the store is written over. SQLite in sqlite.cc,
// PostgreSQL in postgres.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/error.h"
#include "store/utf8.h"

namespace parley::store {

enum class Dialect { kSqlite, kPostgres };

// A row that would be the second of its kind.
class UniqueViolation : public base::Error {
 public:
  using base::Error::Error;
};
// A row that belongs to one that is not (or no longer) there.
class MissingReference : public base::Error {
 public:
  using base::Error::Error;
};

// A parameter of a statement. Text is a view, for the time of the call; what is no valid UTF-8, or
// a NUL in it, becomes U+FFFD here, so that no text reaches a database any other way.
class Value {
 public:
  Value(std::nullptr_t) {}                       // NOLINT(google-explicit-constructor)
  Value(double number) : value_(number) {}       // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : value_(text) {  // NOLINT(google-explicit-constructor)
    if (!is_valid_text(text)) owned_ = valid_text(text);
  }
  Value(const std::string& text) : Value(std::string_view(text)) {}  // NOLINT
  Value(const char* text) : Value(std::string_view(text)) {}         // NOLINT
  Value(const nlohmann::ordered_json& json)                          // NOLINT
      : value_(std::string_view()),
        owned_(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)) {}
  template <typename T>
  requires std::is_integral_v<T> Value(T number)
      : value_(static_cast<int64_t>(number)) {}  // NOLINT

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_text() const { return std::holds_alternative<std::string_view>(value_); }
  bool is_integer() const { return std::holds_alternative<int64_t>(value_); }
  int64_t integer() const { return std::get<int64_t>(value_); }
  double real() const { return std::get<double>(value_); }
  std::string_view text() const {
    return owned_.empty() ? std::get<std::string_view>(value_) : owned_;
  }

 private:
  std::variant<std::monostate, int64_t, double, std::string_view> value_;
  std::string owned_;  // the text, where it is not the caller's
};
// An id that may be empty, for a column that refers to another table.
inline Value or_null(std::string_view id) { return id.empty() ? Value(nullptr) : Value(id); }

// One row of an answer, for the time of the call. NULL reads as "" or 0.
class Row {
 public:
  virtual ~Row() = default;
  virtual int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual std::string text(int column) const = 0;
};

// Reads a row's columns in order: Columns(row) >> id >> name.
class Columns {
 public:
  explicit Columns(const Row& row) : row_(row) {}
  Columns& operator>>(std::string& value) {
    value = row_.text(next_++);
    return *this;
  }
  Columns& operator>>(int64_t& value) {
    value = row_.integer(next_++);
    return *this;
  }
  Columns& operator>>(bool& value) {
    value = row_.integer(next_++) != 0;
    return *this;
  }
  Columns& operator>>(double& value) {
    value = row_.real(next_++);
    return *this;
  }
  // What is no JSON (somebody edited the database) leaves the value as it is.
  Columns& operator>>(nlohmann::ordered_json& value) {
    auto json = nlohmann::ordered_json::parse(row_.text(next_++), nullptr, false);
    if (!json.is_discarded()) value = std::move(json);
    return *this;
  }

 private:
  const Row& row_;
  int next_ = 0;
};

using RowFn = std::function<void(const Row&)>;

// A connection while a call of Database has it.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Dialect dialect() const = 0;
  // Runs one statement with a parameter for each `?` and gives its rows to `row`. Returns how many
  // rows it changed. UniqueViolation, MissingReference, Error.
  virtual int64_t run(const std::string& sql, std::span<const Value> parameters,
                      const RowFn& row) = 0;
  // Until the transaction ends, no other transaction passes this with the same key.
  virtual void lock(int64_t key) = 0;
  virtual bool has_table(std::string_view name) = 0;
  virtual bool is_empty() = 0;  // no tables at all

  int64_t execute(const std::string& sql, std::initializer_list<Value> parameters = {}) {
    return run(sql, {parameters.begin(), parameters.size()}, nullptr);
  }
  void query(const std::string& sql, std::initializer_list<Value> parameters, const RowFn& row) {
    run(sql, {parameters.begin(), parameters.size()}, row);
  }
  // All rows, each made by `read`.
  template <typename T>
  std::vector<T> all(const std::string& sql, std::initializer_list<Value> parameters,
                     T (*read)(const Row&)) {
    std::vector<T> rows;
    query(sql, parameters, [&](const Row& row) { rows.push_back(read(row)); });
    return rows;
  }
  template <typename T>
  std::optional<T> one(const std::string& sql, std::initializer_list<Value> parameters,
                       T (*read)(const Row&)) {
    std::optional<T> value;
    query(sql, parameters, [&](const Row& row) { value = read(row); });
    return value;
  }
  // The first column of the only row; 0 when there is none.
  int64_t number(const std::string& sql, std::initializer_list<Value> parameters = {}) {
    int64_t value = 0;
    query(sql, parameters, [&](const Row& row) { value = row.integer(0); });
    return value;
  }
};

using Work = std::function<void(Connection&)>;

// A pool of connections. Thread-safe. `work` may run again from its beginning when a connection
// broke or transactions got in each other's way, so it sets what it returns and adds nothing to it,
// and it must not call the Database.
class Database {
 public:
  virtual ~Database() = default;
  virtual Dialect dialect() const = 0;
  // For people: the file, or the URL without its password.
  virtual const std::string& place() const = 0;
  // Statements that change nothing, each on its own.
  virtual void read(const Work& work) = 0;
  // One transaction: all of `work` or, when it throws, nothing.
  virtual void write(const Work& work) = 0;
};

// A file (created with its folder, for nobody but its owner, if need be) or ":memory:".
std::unique_ptr<Database> open_sqlite(const std::string& path);
// "postgresql://…"; at most `connections` at a time.
std::unique_ptr<Database> open_postgres(const std::string& url, int connections = 8);

// At the end of a SELECT in a write(): nobody changes its rows before the transaction ends. (SQLite
// has one writer.)
inline const char* for_update(Dialect dialect) {
  return dialect == Dialect::kSqlite ? "" : " FOR NO KEY UPDATE";
}

// ` IN ` this: the strings of a JSON array, given as one parameter.
inline const char* json_list(Dialect dialect) {
  return dialect == Dialect::kSqlite ? "(SELECT value FROM json_each(?))"
                                     : "(SELECT json_array_elements_text(CAST(? AS json)))";
}

}  // namespace parley::store

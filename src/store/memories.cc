#include "store/index.h"
#include "store/sql_store.h"

namespace parley::store {

namespace {

const std::string kMemoryColumns =
    "r.id, r.user_id, r.text, r.enabled, r.source, r.created, r.updated";

void read_columns(Columns& columns, Memory& m) {
  columns >> m.id >> m.user >> m.text >> m.enabled >> m.source >> m.created >> m.updated;
}

Memory read_memory(const Row& row) {
  Memory memory;
  Columns columns(row);
  read_columns(columns, memory);
  return memory;
}

Scored<Memory> read_scored_memory(const Row& row) {
  Scored<Memory> scored{};
  Columns columns(row);
  read_columns(columns, scored.value);
  columns >> scored.score;
  return scored;
}

[[noreturn]] void fail_known() { throw Conflict("this is remembered already"); }

}  // namespace

void SqlStore::add_memory(const Memory& memory) {
  try {
    database_->write([&](Connection& connection) {
      int64_t seq = 0;
      connection.query(
          "INSERT INTO memories(id, user_id, text, enabled, source, created, updated)"
          " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq",
          {memory.id, memory.user, memory.text, memory.enabled, memory.source, memory.created,
           memory.updated},
          [&](const Row& row) { seq = row.integer(0); });
      index_text(connection, Indexed::kMemories, seq, memory.text);
    });
  } catch (const UniqueViolation&) {
    fail_known();
  }
}

std::vector<Memory> SqlStore::memories(const Id& user) {
  return list(
      "SELECT " + kMemoryColumns + " FROM memories r WHERE r.user_id = ? ORDER BY r.created, r.seq",
      {user}, &read_memory);
}

void SqlStore::update_memory(const Memory& memory) {
  try {
    database_->write([&](Connection& connection) {
      int64_t seq = 0;
      connection.query(
          "UPDATE memories SET text = ?, enabled = ?, source = ?, updated = ?"
          " WHERE id = ? AND user_id = ? RETURNING seq",
          {memory.text, memory.enabled, memory.source, memory.updated, memory.id, memory.user},
          [&](const Row& row) { seq = row.integer(0); });
      if (seq > 0) index_text(connection, Indexed::kMemories, seq, memory.text);
    });
  } catch (const UniqueViolation&) {
    fail_known();
  }
}

void SqlStore::remove_memory(const Id& user, const Id& id) {
  change("DELETE FROM memories WHERE id = ? AND user_id = ?", {id, user});
}

void SqlStore::remove_memories(const Id& user) {
  change("DELETE FROM memories WHERE user_id = ?", {user});
}

std::vector<Scored<Memory>> SqlStore::find_memories(const Id& user, std::string_view query,
                                                    int64_t limit) {
  const std::vector<QueryTerm> terms = query_terms(query, false);
  if (terms.empty() || limit <= 0) return {};
  const Dialect dialect = database_->dialect();
  const IndexParts index = index_parts(dialect, Indexed::kMemories);
  return list("SELECT " + kMemoryColumns + ", " + index.score + " AS score FROM " + index.from +
                  " WHERE r.user_id = ? AND r.enabled = 1"
                  " ORDER BY score DESC, r.updated DESC, r.seq DESC LIMIT ?",
              {match_text(dialect, terms, false), user, limit}, &read_scored_memory);
}

}  // namespace parley::store

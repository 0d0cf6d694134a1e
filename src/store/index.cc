#include "store/index.h"

#include <fmt/format.h>

#include <map>

#include "store/store.h"

namespace parley::store {

namespace {

struct Table {
  Indexed what;
  const char* name;
  const char* column;
};
constexpr Table kIndexed[] = {
    {Indexed::kMessages, "messages", "content"},
    {Indexed::kTitles, "conversations", "title"},
    {Indexed::kMemories, "memories", "text"},
    {Indexed::kPassages, "passages", "text"},
};

const Table& table_of(Indexed what) {
  for (const Table& table : kIndexed)
    if (table.what == what) return table;
  PARLEY_CHECK(false, "an index without a table");
  return kIndexed[0];
}

// A text's terms as PostgreSQL writes a tsvector: each with the places where it stands. Its own
// parser would cut terms anew, by rules of its own.
std::string tsvector(const std::string& terms) {
  constexpr size_t kPlaces = 255, kLastPlace = 16383;  // PostgreSQL's limits
  std::map<std::string_view, std::vector<size_t>> places;
  size_t place = 0;
  for (size_t at = 0; at < terms.size();) {
    const size_t end = std::min(terms.find(' ', at), terms.size());
    auto& of_term = places[std::string_view(terms).substr(at, end - at)];
    ++place;
    if (of_term.size() < kPlaces) of_term.push_back(std::min(place, kLastPlace));
    at = end + 1;
  }
  std::string vector;
  for (const auto& [term, of_term] : places) {
    vector += '\'';
    vector += term;
    vector += '\'';
    char separator = ':';
    for (const size_t at : of_term) {
      vector += separator;
      vector += std::to_string(at);
      separator = ',';
      if (at == kLastPlace) break;
    }
    vector += ' ';
  }
  return vector;
}

}  // namespace

void make_indices(Connection& connection) {
  for (const Table& table : kIndexed) {
    const std::string name = table.name;
    if (connection.dialect() == Dialect::kSqlite) {
      // The terms are ready: "ascii" only splits at the spaces between them.
      connection.execute("CREATE VIRTUAL TABLE " + name +
                         "_search USING fts5(terms, tokenize = 'ascii')");
      connection.execute("CREATE TRIGGER " + name + "_leave_search AFTER DELETE ON " + name +
                         " BEGIN DELETE FROM " + name + "_search WHERE rowid = old.seq; END");
    } else {
      connection.execute("ALTER TABLE " + name + " ADD COLUMN terms tsvector");
      connection.execute("CREATE INDEX " + name + "_search ON " + name + " USING gin(terms)");
    }
    // Rows there are already, some at a time.
    const std::string select = fmt::format(
        "SELECT seq, {} FROM {} WHERE seq > ? ORDER BY seq LIMIT 200", table.column, table.name);
    for (int64_t last = 0;;) {
      std::vector<std::pair<int64_t, std::string>> rows;
      connection.query(select, {last},
                       [&](const Row& row) { rows.emplace_back(row.integer(0), row.text(1)); });
      if (rows.empty()) break;
      for (const auto& [seq, text] : rows) index_text(connection, table.what, seq, text);
      last = rows.back().first;
    }
  }
}

void index_text(Connection& connection, Indexed what, int64_t seq, std::string_view text) {
  const std::string name = table_of(what).name;
  const std::string terms = search_terms(text);
  if (connection.dialect() == Dialect::kSqlite)
    connection.execute("INSERT OR REPLACE INTO " + name + "_search(rowid, terms) VALUES (?, ?)",
                       {seq, terms});
  else
    connection.execute("UPDATE " + name + " SET terms = CAST(? AS tsvector) WHERE seq = ?",
                       {tsvector(terms), seq});
}

IndexParts index_parts(Dialect dialect, Indexed what) {
  const std::string name = table_of(what).name;
  if (dialect == Dialect::kSqlite)
    // CROSS: the index first, whatever the planner thinks of it.
    return {name + "_search(?) s CROSS JOIN " + name + " r ON r.seq = s.rowid", "-s.rank"};
  // 1: a long text needs more matches.
  return {"(SELECT CAST(? AS tsquery) AS asked) q JOIN " + name + " r ON r.terms @@ q.asked",
          "ts_rank(r.terms, q.asked, 1)"};
}

std::string match_text(Dialect dialect, const std::vector<QueryTerm>& terms, bool all) {
  const bool sqlite = dialect == Dialect::kSqlite;
  const char* const quote = sqlite ? "\"" : "'";
  std::string text;
  for (const QueryTerm& term : terms) {
    if (!text.empty()) text += sqlite ? (all ? " AND " : " OR ") : (all ? " & " : " | ");
    text += quote + term.text + quote;
    if (term.prefix) text += sqlite ? " *" : ":*";
  }
  return text;
}

}  // namespace parley::store

#include "store/index.h"
#include "store/sql_store.h"

namespace parley::store {

namespace {

const std::string kDocument =
    "SELECT id, user_id, name, kind, bytes, characters, passages, created FROM documents ";
const std::string kPassage = "r.document_id, r.number, r.text, r.page, r.start_line";

Document read_document(const Row& row) {
  Document d;
  Columns(row) >> d.id >> d.user >> d.name >> d.kind >> d.bytes >> d.characters >> d.passages >>
      d.created;
  return d;
}

void read_columns(Columns& columns, Passage& p) {
  columns >> p.document >> p.number >> p.text >> p.page >> p.start_line;
}

Passage read_passage(const Row& row) {
  Passage passage;
  Columns columns(row);
  read_columns(columns, passage);
  return passage;
}

Scored<Passage> read_scored_passage(const Row& row) {
  Scored<Passage> scored{};
  Columns columns(row);
  read_columns(columns, scored.value);
  columns >> scored.score;
  return scored;
}

}  // namespace

void SqlStore::add_document(const Document& d, const std::vector<Passage>& passages) {
  database_->write([&](Connection& connection) {
    try {
      connection.execute(
          "INSERT INTO documents(id, user_id, name, kind, bytes, characters, passages, created)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
          {d.id, d.user, d.name, d.kind, d.bytes, d.characters, d.passages, d.created});
      for (const Passage& passage : passages) {
        int64_t seq = 0;
        connection.query(
            "INSERT INTO passages(document_id, number, page, start_line, text)"
            " VALUES (?, ?, ?, ?, ?) RETURNING seq",
            {d.id, passage.number, passage.page, passage.start_line, passage.text},
            [&](const Row& row) { seq = row.integer(0); });
        index_text(connection, Indexed::kPassages, seq, passage.text);
      }
    } catch (const UniqueViolation&) {
      throw Conflict("there is a document with the id " + d.id +
                     " already, or two of its passages have one number");
    }
  });
}

std::vector<Document> SqlStore::documents(const Id& user) {
  return list(kDocument + "WHERE user_id = ? ORDER BY created DESC, id DESC", {user},
              &read_document);
}

std::optional<Document> SqlStore::document(const Id& user, const Id& id) {
  return find(kDocument + "WHERE id = ? AND user_id = ?", {id, user}, &read_document);
}

void SqlStore::remove_document(const Id& user, const Id& id) {
  change("DELETE FROM documents WHERE id = ? AND user_id = ?", {id, user});
}

std::optional<Passage> SqlStore::passage(const Id& user, const Id& document, int64_t number) {
  return find("SELECT " + kPassage +
                  " FROM passages r JOIN documents d ON d.id = r.document_id"
                  " WHERE r.document_id = ? AND r.number = ? AND d.user_id = ?",
              {document, number, user}, &read_passage);
}

std::vector<Passage> SqlStore::passages(const Id& document) {
  return list("SELECT " + kPassage + " FROM passages r WHERE r.document_id = ? ORDER BY r.number",
              {document}, &read_passage);
}

std::vector<Scored<Passage>> SqlStore::find_passages(const Id& user,
                                                     const std::vector<Id>& documents,
                                                     std::string_view query, int64_t limit) {
  const std::vector<QueryTerm> terms = query_terms(query, false);
  if (terms.empty() || documents.empty() || limit <= 0) return {};
  const Dialect dialect = database_->dialect();
  const IndexParts index = index_parts(dialect, Indexed::kPassages);
  return list("SELECT " + kPassage + ", " + index.score + " AS score FROM " + index.from +
                  " WHERE r.document_id IN (SELECT id FROM documents WHERE user_id = ?)"
                  " AND r.document_id IN " +
                  json_list(dialect) + " ORDER BY score DESC, r.seq LIMIT ?",
              {match_text(dialect, terms, false), user, Json(documents), limit},
              &read_scored_passage);
}

}  // namespace parley::store

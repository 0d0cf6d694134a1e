// Search in a user's conversations.
#include "store/index.h"
#include "store/sql_store.h"

namespace parley::store {

std::vector<SearchHit> SqlStore::search(const Id& user, std::string_view query, int64_t limit) {
  const std::vector<QueryTerm> terms = query_terms(query, true);
  if (terms.empty() || limit <= 0) return {};
  const Dialect dialect = database_->dialect();
  const std::string asked = match_text(dialect, terms, true);

  // Titles first. All terms are there, so what is new is likelier meant than what ranks high.
  std::vector<SearchHit> hits = list<SearchHit>(
      "SELECT r.id, r.title, r.updated FROM " + index_parts(dialect, Indexed::kTitles).from +
          " WHERE r.user_id = ? ORDER BY r.updated DESC, r.id DESC LIMIT ?",
      {asked, user, limit}, [](const Row& row) {
        SearchHit hit;
        Columns(row) >> hit.conversation >> hit.title >> hit.created;
        hit.snippet = hit.title;
        return hit;
      });
  if (const auto left = limit - static_cast<int64_t>(hits.size()); left > 0) {
    // Rows are found and ordered without their texts, which may be long.
    const std::vector<SearchHit> messages = list<SearchHit>(
        "SELECT m.conversation_id, m.id, c.title, m.role, m.content, m.created FROM ("
        "SELECT r.seq FROM " +
            index_parts(dialect, Indexed::kMessages).from +
            " WHERE r.conversation_id IN (SELECT id FROM conversations WHERE user_id = ?)"
            " ORDER BY r.created DESC, r.seq DESC LIMIT ?) found"
            " JOIN messages m ON m.seq = found.seq JOIN conversations c ON c.id = m.conversation_id"
            " ORDER BY m.created DESC, m.seq DESC",
        {asked, user, left}, [](const Row& row) {
          SearchHit hit;
          Columns(row) >> hit.conversation >> hit.message >> hit.title >> hit.role >> hit.snippet >>
              hit.created;
          return hit;
        });
    hits.insert(hits.end(), messages.begin(), messages.end());
  }
  for (SearchHit& hit : hits) hit.snippet = make_snippet(hit.snippet, terms);
  return hits;
}

}  // namespace parley::store

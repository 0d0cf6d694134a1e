// The full-text index: what is searched beside each row of a table, and how the two databases are
// asked. Where they differ in searching is all in index.cc.
#pragma once

#include <string>
#include <string_view>

#include "store/database.h"
#include "store/terms.h"

namespace parley::store {

// Tables with an index of their own. Rows that are deleted leave it by themselves.
enum class Indexed { kMessages, kTitles, kMemories, kPassages };

// The migration that makes the indices, with all rows there are.
void make_indices(Connection& connection);

// Puts a row's text into the index, in the place of what was there. Within the transaction that
// writes the row.
void index_text(Connection& connection, Indexed what, int64_t seq, std::string_view text);

// Parts of a statement over an index: `SELECT … FROM <from> … ORDER BY <score> DESC`. In `from`
// the table's rows are `r`, and its one `?` is match_text().
struct IndexParts {
  std::string from, score;
};
IndexParts index_parts(Dialect dialect, Indexed what);
// What the index is asked; `all`: every term has to be there, else any.
std::string match_text(Dialect dialect, const std::vector<QueryTerm>& terms, bool all);

}  // namespace parley::store

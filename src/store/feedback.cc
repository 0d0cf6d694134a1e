#include "store/sql_store.h"

namespace parley::store {

namespace {

constexpr int64_t kBatch = 200;

const std::string kFeedback =
    "SELECT id, user_id, kind, message, other, rating, tie, reasons, comment, text, model, created,"
    " context FROM feedback ";

Feedback read_feedback(const Row& row) {
  Feedback f;
  Columns(row) >> f.id >> f.user >> f.kind >> f.message >> f.other >> f.rating >> f.tie >>
      f.reasons >> f.comment >> f.text >> f.model >> f.created >> f.context;
  return f;
}

}  // namespace

void SqlStore::add_feedback(const Feedback& f) {
  // The replaced rating takes the new one's id: whoever has the old id has the old rating.
  const std::string replace =
      f.kind == "rating"
          ? " ON CONFLICT (user_id, message) WHERE kind = 'rating' DO UPDATE SET id = excluded.id,"
            " rating = excluded.rating, reasons = excluded.reasons, comment = excluded.comment,"
            " text = excluded.text, model = excluded.model, created = excluded.created,"
            " context = excluded.context"
          : "";
  try {
    change(
        "INSERT INTO feedback(id, user_id, kind, message, other, rating, tie, reasons, comment,"
        " text, model, created, context) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" +
            replace,
        {f.id, or_null(f.user), f.kind, f.message, f.other, f.rating, f.tie, f.reasons, f.comment,
         f.text, f.model, f.created, f.context});
  } catch (const UniqueViolation&) {
    throw Conflict("there is feedback with the id " + f.id + " already");
  }
}

void SqlStore::remove_feedback(const Id& user, const Id& id) {
  change("DELETE FROM feedback WHERE id = ? AND user_id = ?", {id, user});
}

std::vector<Feedback> SqlStore::feedback_of(const std::vector<Id>& messages) {
  if (messages.empty()) return {};
  const std::string among = std::string(" IN ") + json_list(database_->dialect());
  const Json ids = messages;
  return list(kFeedback + "WHERE message" + among + " OR other" + among + " ORDER BY created, id",
              {ids, ids}, &read_feedback);
}

std::vector<Feedback> SqlStore::feedback(const Id& user, std::string_view kind, int64_t limit,
                                         std::optional<std::pair<Time, Id>> before) {
  // Conditions that are there or not, so that each form can use an index.
  const auto last = before.value_or(std::pair<Time, Id>{});
  const std::string mine = user.empty() ? "? = ''" : "user_id = ?";
  const std::string such = kind.empty() ? "? = ''" : "kind = ?";
  const std::string where = kFeedback + "WHERE " + mine + " AND " + such;
  const std::string order = " ORDER BY created DESC, id DESC LIMIT ?";
  if (!before) return list(where + order, {user, kind, limit}, &read_feedback);
  return list(where + " AND (created, id) < (?, ?)" + order,
              {user, kind, last.first, last.second, limit}, &read_feedback);
}

void SqlStore::each_feedback(const std::function<void(const Feedback&)>& each) {
  // No connection is held while `each` runs: it may ask the store itself.
  std::pair<Time, Id> last{INT64_MIN, ""};
  for (;;) {
    const std::vector<Feedback> batch =
        list(kFeedback + "WHERE (created, id) > (?, ?) ORDER BY created, id LIMIT ?",
             {last.first, last.second, kBatch}, &read_feedback);
    for (const Feedback& feedback : batch) each(feedback);
    if (static_cast<int64_t>(batch.size()) < kBatch) return;
    last = {batch.back().created, batch.back().id};
  }
}

}  // namespace parley::store

#include "store/index.h"
#include "store/sql_store.h"
#include "store/writes.h"

namespace parley::store {

namespace {

const std::string kConversation =
    "SELECT id, user_id, title, model, system, draft, params, leaf, archived, created, updated"
    " FROM conversations ";

Conversation read_conversation(const Row& row) {
  Conversation c;
  Columns(row) >> c.id >> c.user >> c.title >> c.model >> c.system >> c.draft >> c.params >>
      c.leaf >> c.archived >> c.created >> c.updated;
  return c;
}

Summary read_summary(const Row& row) {
  Summary summary;
  Columns(row) >> summary.conversation >> summary.before >> summary.text >> summary.tokens;
  return summary;
}

void index_title(Connection& connection, const Id& id, std::string_view title) {
  const int64_t seq = connection.number("SELECT seq FROM conversations WHERE id = ?", {id});
  if (seq > 0) index_text(connection, Indexed::kTitles, seq, title);
}

}  // namespace

void insert_conversation(Connection& connection, const Conversation& c) {
  try {
    connection.execute(
        "INSERT INTO conversations(id, user_id, title, model, system, draft, params, leaf, "
        "archived,"
        " created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {c.id, c.user, c.title, c.model, c.system, c.draft, c.params, c.leaf, c.archived, c.created,
         c.updated});
  } catch (const UniqueViolation&) {
    throw Conflict("there is a conversation with the id " + c.id + " already");
  }
  index_title(connection, c.id, c.title);
}

void SqlStore::add_conversation(const Conversation& conversation) {
  database_->write([&](Connection& connection) { insert_conversation(connection, conversation); });
}

std::optional<Conversation> SqlStore::conversation(const Id& user, const Id& id) {
  return find(kConversation + "WHERE id = ? AND user_id = ?", {id, user}, &read_conversation);
}

std::vector<Conversation> SqlStore::conversations(const Id& user, bool archived, int64_t limit,
                                                  std::optional<std::pair<Time, Id>> before) {
  const std::string order = " ORDER BY updated DESC, id DESC LIMIT ?";
  if (!before)
    return list(kConversation + "WHERE user_id = ? AND archived = ?" + order,
                {user, archived, limit}, &read_conversation);
  return list(
      kConversation + "WHERE user_id = ? AND archived = ? AND (updated, id) < (?, ?)" + order,
      {user, archived, before->first, before->second, limit}, &read_conversation);
}

int64_t SqlStore::count_conversations(const Id& user) {
  return number("SELECT count(*) FROM conversations WHERE user_id = ?", {user});
}

std::optional<Conversation> SqlStore::change_conversation(
    const Id& user, const Id& id, const std::function<void(Conversation&)>& change) {
  std::optional<Conversation> found;
  database_->write([&](Connection& connection) {
    found = connection.one(
        kConversation + "WHERE id = ? AND user_id = ?" + for_update(connection.dialect()),
        {id, user}, &read_conversation);
    if (!found) return;
    Conversation& c = *found;
    const std::string title = c.title;
    change(c);
    connection.execute(
        "UPDATE conversations SET title = ?, model = ?, system = ?, params = ?, leaf = ?,"
        " archived = ? WHERE id = ?",
        {c.title, c.model, c.system, c.params, c.leaf, c.archived, id});
    if (c.title != title) index_title(connection, id, c.title);
  });
  return found;
}

void SqlStore::set_leaf(const Id& conversation, const Id& leaf) {
  change("UPDATE conversations SET leaf = ? WHERE id = ?", {leaf, conversation});
}

void SqlStore::remove_conversation(const Id& user, const Id& id) {
  change("DELETE FROM conversations WHERE id = ? AND user_id = ?", {id, user});
}

void SqlStore::remove_conversations(const Id& user) {
  change("DELETE FROM conversations WHERE user_id = ?", {user});
}

void SqlStore::set_draft(const Id& user, const Id& conversation_or_new, std::string_view text) {
  if (conversation_or_new == "new")
    change("UPDATE users SET draft = ? WHERE id = ?", {text, user});
  else
    change("UPDATE conversations SET draft = ? WHERE id = ? AND user_id = ?",
           {text, conversation_or_new, user});
}

std::string SqlStore::new_draft(const Id& user) {
  const auto draft = find<std::string>("SELECT draft FROM users WHERE id = ?", {user},
                                       [](const Row& row) { return row.text(0); });
  return draft.value_or("");
}

void SqlStore::add_summary(const Summary& summary) {
  change(
      "INSERT INTO summaries(conversation_id, before_id, text, tokens, created)"
      " VALUES (?, ?, ?, ?, ?) ON CONFLICT (conversation_id, before_id)"
      " DO UPDATE SET text = excluded.text, tokens = excluded.tokens, created = excluded.created",
      {summary.conversation, summary.before, summary.text, summary.tokens, now()});
}

std::vector<Summary> SqlStore::summaries(const Id& conversation) {
  return list(
      "SELECT conversation_id, before_id, text, tokens FROM summaries WHERE conversation_id = ?"
      " ORDER BY created, before_id",
      {conversation}, &read_summary);
}

}  // namespace parley::store

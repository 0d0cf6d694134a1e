#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "store/index.h"
#include "store/sql_store.h"
#include "store/writes.h"

namespace parley::store {

namespace {

const std::string kMessageColumns =
    "m.id, m.conversation_id, m.parent, m.role, m.content, m.status, m.model, m.created,"
    " m.heartbeat, m.data";

void read_columns(Columns& columns, Message& m) {
  columns >> m.id >> m.conversation >> m.parent >> m.role >> m.content >> m.status >> m.model >>
      m.created >> m.heartbeat >> m.data;
}

Message read_message(const Row& row) {
  Message message;
  Columns columns(row);
  read_columns(columns, message);
  return message;
}

Message read_whole_message(const Row& row) {
  Message message;
  Columns columns(row);
  read_columns(columns, message);
  columns >> message.prompt;
  return message;
}

void insert_message(Connection& connection, const Message& m) {
  int64_t seq = 0;
  try {
    connection.query(
        "INSERT INTO messages(id, conversation_id, parent, role, content, status, model, created,"
        " heartbeat, data, prompt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        {m.id, m.conversation, m.parent, m.role, m.content, m.status, m.model, m.created,
         m.heartbeat, m.data, m.prompt},
        [&](const Row& row) { seq = row.integer(0); });
  } catch (const UniqueViolation&) {
    throw Conflict("there is a message with the id " + m.id + " already");
  }
  index_text(connection, Indexed::kMessages, seq, m.content);
}

// The messages with every parent before its children. Error when they are no forest.
std::vector<const Message*> parents_first(const std::vector<Message>& messages) {
  std::unordered_map<std::string_view, std::vector<const Message*>> children;
  std::unordered_set<std::string_view> ids;
  for (const Message& message : messages) {
    if (!ids.insert(message.id).second) base::fail("two messages have the id \"{}\"", message.id);
    children[message.parent].push_back(&message);
  }
  std::vector<const Message*> order = children[""];
  order.reserve(messages.size());
  for (size_t i = 0; i < order.size(); ++i)
    if (const auto found = children.find(order[i]->id); found != children.end())
      order.insert(order.end(), found->second.begin(), found->second.end());
  if (order.size() != messages.size())
    base::fail("{} of {} messages have parents that are not there, or are their own",
               messages.size() - order.size(), messages.size());
  return order;
}

}  // namespace

void SqlStore::add_message(const Message& message) {
  database_->write([&](Connection& connection) {
    if (!message.parent.empty() &&
        connection.number("SELECT count(*) FROM messages WHERE id = ? AND conversation_id = ?",
                          {message.parent, message.conversation}) == 0)
      throw MissingReference("the message this one answers is not in its conversation any more");
    insert_message(connection, message);
    connection.execute(
        "UPDATE conversations SET leaf = ?,"
        " updated = CASE WHEN updated < ? THEN ? ELSE updated END WHERE id = ?",
        {message.id, message.created, message.created, message.conversation});
  });
}

void SqlStore::import_conversation(const Conversation& conversation,
                                   const std::vector<Message>& messages) {
  for (const Message& message : messages)
    if (message.conversation != conversation.id || message.id.empty())
      base::fail("message \"{}\" does not belong to the conversation \"{}\" it comes with",
                 message.id, conversation.id);
  const std::vector<const Message*> order = parents_first(messages);
  database_->write([&](Connection& connection) {
    insert_conversation(connection, conversation);
    for (const Message* message : order) insert_message(connection, *message);
  });
}

std::optional<Message> SqlStore::message(const Id& user, const Id& id) {
  return find("SELECT " + kMessageColumns +
                  ", m.prompt FROM messages m JOIN conversations c ON c.id = m.conversation_id"
                  " WHERE m.id = ? AND c.user_id = ?",
              {id, user}, &read_whole_message);
}

std::vector<Message> SqlStore::messages(const Id& conversation) {
  return list("SELECT " + kMessageColumns +
                  " FROM messages m WHERE m.conversation_id = ? ORDER BY m.created, m.seq",
              {conversation}, &read_message);
}

std::vector<Message> SqlStore::branch(const Id& leaf) {
  // Sorted here: the database would carry the texts through its sorting.
  using Step = std::pair<int64_t, Message>;
  std::vector<Step> steps = list<Step>(
      "WITH RECURSIVE up(id, parent, depth) AS ("
      " SELECT id, parent, 0 FROM messages WHERE id = ?"
      " UNION ALL SELECT m.id, m.parent, up.depth + 1 FROM up JOIN messages m ON m.id = up.parent)"
      " SELECT up.depth, " +
          kMessageColumns + " FROM up JOIN messages m ON m.id = up.id",
      {leaf}, [](const Row& row) {
        Step step;
        Columns columns(row);
        columns >> step.first;
        read_columns(columns, step.second);
        return step;
      });
  std::ranges::sort(steps, std::greater(), &Step::first);
  std::vector<Message> branch;
  branch.reserve(steps.size());
  for (Step& step : steps) branch.push_back(std::move(step.second));
  return branch;
}

bool SqlStore::update_message(const Message& m) {
  bool go_on = false;
  database_->write([&](Connection& connection) {
    int64_t seq = 0;
    go_on = false;
    const auto changed = [&](const Row& row) {
      seq = row.integer(0);
      go_on = row.integer(1) == 0;
    };
    if (m.prompt.empty())
      connection.query(
          "UPDATE messages SET content = ?, status = ?, model = ?, heartbeat = ?, data = ?"
          " WHERE id = ? RETURNING seq, stop_asked",
          {m.content, m.status, m.model, m.heartbeat, m.data, m.id}, changed);
    else
      connection.query(
          "UPDATE messages SET content = ?, status = ?, model = ?, heartbeat = ?, data = ?,"
          " prompt = ? WHERE id = ? RETURNING seq, stop_asked",
          {m.content, m.status, m.model, m.heartbeat, m.data, m.prompt, m.id}, changed);
    if (seq > 0) index_text(connection, Indexed::kMessages, seq, m.content);
  });
  return go_on;
}

bool SqlStore::ask_to_stop(const Id& id, Time silent) {
  return change(
             "UPDATE messages SET stop_asked = 1,"
             " status = CASE WHEN heartbeat < ? THEN 'stopped' ELSE status END"
             " WHERE id = ? AND status = 'streaming'",
             {silent, id}) > 0;
}

bool SqlStore::resume_message(const Id& id, Time seen, Time heartbeat) {
  return change(
             "UPDATE messages SET status = 'streaming', heartbeat = ?, stop_asked = 0"
             " WHERE id = ? AND status <> 'streaming' AND heartbeat = ?",
             {heartbeat, id, seen}) > 0;
}

int64_t SqlStore::interrupt_stale(Time before) {
  return change(
      "UPDATE messages SET status = 'interrupted' WHERE status = 'streaming' AND heartbeat < ?",
      {before});
}

}  // namespace parley::store

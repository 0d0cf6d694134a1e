// The Store over a Database, the same for SQLite and PostgreSQL. Each part has its file: users.cc,
// sessions.cc, conversations.cc, messages.cc, search.cc, memories.cc, documents.cc, presets.cc,
// feedback.cc.
#pragma once

#include "store/database.h"
#include "store/store.h"

namespace parley::store {

class SqlStore : public Store {
 public:
  // Migrates the database.
  explicit SqlStore(std::unique_ptr<Database> database);

  bool shared() const override;
  void add_user(const User&) override;
  std::optional<User> user(const Id&) override;
  std::optional<User> user_by_name(std::string_view name) override;
  std::vector<User> users() override;
  std::optional<User> change_user(const Id&, const std::function<void(User&)>&) override;
  void remove_user(const Id&) override;
  int64_t count_users() override;
  void add_session(const Session&) override;
  std::optional<Session> session(std::string_view token_hash) override;
  void remove_session(std::string_view token_hash) override;
  void remove_sessions_of(const Id& user, std::string_view but_token_hash) override;
  void remove_expired_sessions() override;
  void add_invitation(const Invitation&) override;
  std::vector<Invitation> invitations() override;
  void remove_invitation(const Id&) override;
  void add_invited_user(User&, std::string_view code_hash) override;
  void add_usage(const Id& user, std::string_view day, int64_t tokens) override;
  int64_t usage(const Id& user, std::string_view day) override;
  void add_conversation(const Conversation&) override;
  std::optional<Conversation> conversation(const Id& user, const Id&) override;
  std::vector<Conversation> conversations(const Id& user, bool archived, int64_t limit,
                                          std::optional<std::pair<Time, Id>> before) override;
  int64_t count_conversations(const Id& user) override;
  std::optional<Conversation> change_conversation(
      const Id& user, const Id&, const std::function<void(Conversation&)>&) override;
  void set_leaf(const Id& conversation, const Id& leaf) override;
  void remove_conversation(const Id& user, const Id&) override;
  void remove_conversations(const Id& user) override;
  void set_draft(const Id& user, const Id& conversation_or_new, std::string_view) override;
  std::string new_draft(const Id& user) override;
  void add_message(const Message&) override;
  void import_conversation(const Conversation&, const std::vector<Message>&) override;
  std::optional<Message> message(const Id& user, const Id&) override;
  std::vector<Message> messages(const Id& conversation) override;
  std::vector<Message> branch(const Id& leaf) override;
  bool update_message(const Message&) override;
  bool ask_to_stop(const Id&, Time silent) override;
  bool resume_message(const Id&, Time seen, Time heartbeat) override;
  int64_t interrupt_stale(Time before) override;
  void add_summary(const Summary&) override;
  std::vector<Summary> summaries(const Id& conversation) override;
  std::vector<SearchHit> search(const Id& user, std::string_view query, int64_t limit) override;
  void add_memory(const Memory&) override;
  std::vector<Memory> memories(const Id& user) override;
  void update_memory(const Memory&) override;
  void remove_memory(const Id& user, const Id&) override;
  void remove_memories(const Id& user) override;
  std::vector<Scored<Memory>> find_memories(const Id& user, std::string_view query,
                                            int64_t limit) override;
  void add_document(const Document&, const std::vector<Passage>&) override;
  std::vector<Document> documents(const Id& user) override;
  std::optional<Document> document(const Id& user, const Id&) override;
  void remove_document(const Id& user, const Id&) override;
  std::optional<Passage> passage(const Id& user, const Id& document, int64_t number) override;
  std::vector<Passage> passages(const Id& document) override;
  std::vector<Scored<Passage>> find_passages(const Id& user, const std::vector<Id>& documents,
                                             std::string_view query, int64_t limit) override;
  void add_preset(const Preset&) override;
  std::vector<Preset> presets(const Id& user) override;
  void update_preset(const Preset&) override;
  void remove_preset(const Id& user, const Id&) override;
  void add_feedback(const Feedback&) override;
  void remove_feedback(const Id& user, const Id&) override;
  std::vector<Feedback> feedback_of(const std::vector<Id>& messages) override;
  std::vector<Feedback> feedback(const Id& user, std::string_view kind, int64_t limit,
                                 std::optional<std::pair<Time, Id>> before) override;
  void each_feedback(const std::function<void(const Feedback&)>&) override;

 private:
  template <typename T>
  std::optional<T> find(const std::string& sql, std::initializer_list<Value> parameters,
                        T (*read)(const Row&)) {
    std::optional<T> found;
    database_->read([&](Connection& connection) { found = connection.one(sql, parameters, read); });
    return found;
  }
  template <typename T>
  std::vector<T> list(const std::string& sql, std::initializer_list<Value> parameters,
                      T (*read)(const Row&)) {
    std::vector<T> rows;
    database_->read([&](Connection& connection) { rows = connection.all(sql, parameters, read); });
    return rows;
  }
  int64_t number(const std::string& sql, std::initializer_list<Value> parameters = {}) {
    int64_t value = 0;
    database_->read([&](Connection& connection) { value = connection.number(sql, parameters); });
    return value;
  }
  // One statement as a transaction; how many rows it changed.
  int64_t change(const std::string& sql, std::initializer_list<Value> parameters) {
    int64_t changed = 0;
    database_->write(
        [&](Connection& connection) { changed = connection.execute(sql, parameters); });
    return changed;
  }

  std::unique_ptr<Database> database_;
};

}  // namespace parley::store

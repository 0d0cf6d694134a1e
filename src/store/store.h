// What the chat app keeps: users, sessions, conversations, memories, documents, feedback.
// SQLite (WAL) by default, PostgreSQL by URL; one schema, migrations in migrations.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace parley::store {

using Json = nlohmann::ordered_json;
using Id = std::string;  // 22 characters of [A-Za-z0-9_-]: 128 random bits
using Time = int64_t;    // Unix milliseconds

Id make_id();
Time now();

// Two of one kind where there may be one (a user's name, an invitation used twice).
class Conflict : public base::Error {
 public:
  using base::Error::Error;
};

struct User {
  Id id{};
  std::string name{};
  std::string role = "user";    // or "admin"
  std::string password_hash{};  // PHC string; empty: cannot log in (the local user)
  bool disabled = false;
  int64_t daily_tokens = 0;  // quota; 0: none
  Json settings = Json::object();
  Time created = 0;
};

struct Session {
  std::string token_hash{};  // of the cookie; the cookie itself is never stored
  Id user{};                 // empty: nobody has logged in yet
  std::string csrf{};
  Time created = 0, expires = 0;
};

struct Invitation {
  Id id{};
  std::string code_hash{};
  std::string role = "user";
  Time created = 0, expires = 0;
  Id used_by{};
};

struct Conversation {
  Id id{}, user{};
  std::string title{}, model{}, system{}, draft{};
  Json params = Json::object();
  Id leaf{};  // the last message of the branch that is shown
  bool archived = false;
  Time created = 0, updated = 0;
};

// One message of the tree of a conversation.
struct Message {
  Id id{}, conversation{}, parent{};  // parent empty: a root
  std::string role{};                 // "user", "assistant"
  std::string content{};
  std::string status = "done";  // "streaming", "done", "stopped", "interrupted", "error"
  std::string model{};          // name and fingerprint of what answered
  Time created = 0;
  Time heartbeat = 0;          // of an answer that is being written: the last sign of life
  Json data = Json::object();  // the rest of the message's shape in docs/app_api.md
  // What the model was given, for feedback: {messages, text?}. Long: only Store::message() reads
  // it, and update_message() leaves the stored one where this is empty.
  Json prompt = Json::object();
};

// An earlier part of a branch in few words; stands for everything before `before`.
struct Summary {
  Id conversation{}, before{};
  std::string text{};
  int64_t tokens = 0;
};

struct Memory {
  Id id{}, user{};
  std::string text{};
  bool enabled = true;
  Id source{};  // conversation
  Time created = 0, updated = 0;
};

struct Document {
  Id id{}, user{};
  std::string name{}, kind{};  // "text", "pdf"
  int64_t bytes = 0, characters = 0, passages = 0;
  Time created = 0;
};

struct Passage {
  Id document{};
  int64_t number = 0;  // from 0
  std::string text{};
  int64_t page = 0;        // from 1; 0: no pages
  int64_t start_line = 0;  // from 1
};

struct Preset {
  Id id{}, user{};
  std::string title{}, system{}, text_template{}, language{};
  Json params = Json::object();
  Time created = 0;
};

struct Feedback {
  Id id{}, user{};
  std::string kind{};  // "rating", "comparison", "correction"
  Id message{};        // of a comparison: the chosen answer
  Id other{};          // of a comparison: the rejected one
  int64_t rating = 0;  // 1, -1
  bool tie = false;
  Json reasons = Json::array();
  std::string comment{}, text{};  // `text`: the corrected answer
  // Copies, so that feedback outlives the conversation it is about:
  // {model, params, messages: [{role, content}], answer, other}
  Json context = Json::object();
  std::string model{};
  Time created = 0;
};

template <typename T>
struct Scored {
  T value;
  double score = 0;  // higher is better (BM25 in SQLite, ts_rank in PostgreSQL)
};

struct SearchHit {
  Id conversation{}, message{};
  std::string title{}, role{}, snippet{};  // matches between U+E000 and U+E001
  Time created = 0;
};

// Words in lower case, and pairs of characters where a script has no spaces (Chinese, Japanese,
// …), separated by spaces: what both databases index, so that they find alike (terms.h).
std::string search_terms(std::string_view text);

// Thread-safe; calls block (a connection from a pool each), so never call it on a connection's
// strand. Everything that names a user finds only what is theirs. Error when the database fails.
class Store {
 public:
  virtual ~Store() = default;

  // "sqlite:PATH" or a path, "sqlite::memory:", or "postgresql://…". Creates and migrates it. Error
  // naming the place and the remedy when it cannot be opened, is newer than this program, or is no
  // database.
  static std::unique_ptr<Store> open(const std::string& url);
  virtual bool shared() const = 0;  // other servers may use it too (PostgreSQL)

  // ---- users ----
  virtual void add_user(const User&) = 0;  // Conflict: the name is taken
  virtual std::optional<User> user(const Id&) = 0;
  // Names that differ in nothing but case, or the width of letters, are one.
  virtual std::optional<User> user_by_name(std::string_view name) = 0;
  virtual std::vector<User> users() = 0;
  // Reads, changes and stores a user as one, so that of changes at the same time each stays. What
  // it is then; nothing when there is none. `change` may run again, on what is there by then, and
  // must not use the store. Conflict: the name is taken.
  virtual std::optional<User> change_user(const Id&, const std::function<void(User&)>& change) = 0;
  virtual void remove_user(const Id&) = 0;  // and all that is theirs; feedback keeps its copies
  virtual int64_t count_users() = 0;        // who can log in: the local user does not count

  virtual void add_session(const Session&) = 0;  // replaces the one of the same token_hash
  virtual std::optional<Session> session(std::string_view token_hash) = 0;  // not if expired
  virtual void remove_session(std::string_view token_hash) = 0;
  virtual void remove_sessions_of(const Id& user, std::string_view but_token_hash) = 0;
  virtual void remove_expired_sessions() = 0;

  virtual void add_invitation(const Invitation&) = 0;
  virtual std::vector<Invitation> invitations() = 0;
  virtual void remove_invitation(const Id&) = 0;
  // Adds the user and spends the invitation, both or neither. Conflict as add_user; Error when no
  // unused, unexpired invitation has that hash. An empty hash: only while count_users() is 0.
  // Sets the user's role: the invitation's; "admin" without one.
  virtual void add_invited_user(User&, std::string_view code_hash) = 0;

  // Tokens of a day ("2026-11-27", UTC).
  virtual void add_usage(const Id& user, std::string_view day, int64_t tokens) = 0;
  virtual int64_t usage(const Id& user, std::string_view day) = 0;

  // ---- conversations ----
  virtual void add_conversation(const Conversation&) = 0;
  virtual std::optional<Conversation> conversation(const Id& user, const Id&) = 0;
  // Newest `updated` first; those before (updated, id) when `before` is given.
  virtual std::vector<Conversation> conversations(const Id& user, bool archived, int64_t limit,
                                                  std::optional<std::pair<Time, Id>> before) = 0;
  virtual int64_t count_conversations(const Id& user) = 0;
  // As change_user: title, model, system prompt, parameters, leaf, archived.
  virtual std::optional<Conversation> change_conversation(
      const Id& user, const Id&, const std::function<void(Conversation&)>& change) = 0;
  virtual void set_leaf(const Id& conversation, const Id& leaf) = 0;
  virtual void remove_conversation(const Id& user, const Id&) = 0;
  virtual void remove_conversations(const Id& user) = 0;
  // The draft of the chat that does not exist yet is a user's own.
  virtual void set_draft(const Id& user, const Id& conversation_or_new, std::string_view) = 0;
  virtual std::string new_draft(const Id& user) = 0;

  // Adds a message, makes it its conversation's leaf and touches `updated`. Error when its parent
  // is not in the conversation.
  virtual void add_message(const Message&) = 0;
  // A conversation with its messages, in any order, all or nothing. Error when they are no forest.
  virtual void import_conversation(const Conversation&, const std::vector<Message>&) = 0;
  virtual std::optional<Message> message(const Id& user, const Id&) = 0;
  virtual std::vector<Message> messages(const Id& conversation) = 0;  // by creation
  // From the root to `leaf`.
  virtual std::vector<Message> branch(const Id& leaf) = 0;
  // What an answer has so far: content, status, model, heartbeat, data, prompt. False when it need
  // not go on: somebody asked it to stop, or it is gone.
  virtual bool update_message(const Message&) = 0;
  // Asks whoever writes an answer to stop; an answer whose heartbeat is older than `silent` nobody
  // writes: it is "stopped". False when it is not "streaming" any more.
  virtual bool ask_to_stop(const Id&, Time silent) = 0;
  // Makes an answer "streaming" that has ended, for one who has read it with the heartbeat `seen`.
  // False when somebody else was faster.
  virtual bool resume_message(const Id&, Time seen, Time heartbeat) = 0;
  // Sets "streaming" to "interrupted" where the heartbeat is older; returns how many.
  virtual int64_t interrupt_stale(Time before) = 0;

  virtual void add_summary(const Summary&) = 0;  // replaces one of the same `before`
  virtual std::vector<Summary> summaries(const Id& conversation) = 0;

  // Every term of the query is in the message or in the title; the last word may be unfinished.
  // Titles first (their hits have no message), then messages, both newest first.
  virtual std::vector<SearchHit> search(const Id& user, std::string_view query, int64_t limit) = 0;

  // ---- memory, documents, presets ----
  virtual void add_memory(const Memory&) = 0;  // Conflict: the same text is there
  virtual std::vector<Memory> memories(const Id& user) = 0;
  virtual void update_memory(const Memory&) = 0;
  virtual void remove_memory(const Id& user, const Id&) = 0;
  virtual void remove_memories(const Id& user) = 0;
  // The enabled ones that share terms with the query, best first.
  virtual std::vector<Scored<Memory>> find_memories(const Id& user, std::string_view query,
                                                    int64_t limit) = 0;

  virtual void add_document(const Document&, const std::vector<Passage>&) = 0;
  virtual std::vector<Document> documents(const Id& user) = 0;
  virtual std::optional<Document> document(const Id& user, const Id&) = 0;
  virtual void remove_document(const Id& user, const Id&) = 0;
  virtual std::optional<Passage> passage(const Id& user, const Id& document, int64_t number) = 0;
  virtual std::vector<Passage> passages(const Id& document) = 0;
  virtual std::vector<Scored<Passage>> find_passages(const Id& user,
                                                     const std::vector<Id>& documents,
                                                     std::string_view query, int64_t limit) = 0;

  virtual void add_preset(const Preset&) = 0;
  virtual std::vector<Preset> presets(const Id& user) = 0;
  virtual void update_preset(const Preset&) = 0;
  virtual void remove_preset(const Id& user, const Id&) = 0;

  // ---- feedback ----
  virtual void add_feedback(const Feedback&) = 0;  // a rating replaces the user's earlier one
  virtual void remove_feedback(const Id& user, const Id&) = 0;
  // Of these messages, also as the rejected answer of a comparison. Oldest first.
  virtual std::vector<Feedback> feedback_of(const std::vector<Id>& messages) = 0;
  // Newest first; `user` empty: everybody's; `kind` empty: all.
  virtual std::vector<Feedback> feedback(const Id& user, std::string_view kind, int64_t limit,
                                         std::optional<std::pair<Time, Id>> before) = 0;
  // All, oldest first, without holding them in memory.
  virtual void each_feedback(const std::function<void(const Feedback&)>&) = 0;
};

}  // namespace parley::store

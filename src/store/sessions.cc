#include "store/sql_store.h"

namespace parley::store {

namespace {

Session read_session(const Row& row) {
  Session session;
  Columns(row) >> session.token_hash >> session.user >> session.csrf >> session.created >>
      session.expires;
  return session;
}

}  // namespace

void SqlStore::add_session(const Session& session) {
  change(
      "INSERT INTO sessions(token_hash, user_id, csrf, created, expires) VALUES (?, ?, ?, ?, ?)"
      " ON CONFLICT (token_hash) DO UPDATE SET user_id = excluded.user_id, csrf = excluded.csrf,"
      " created = excluded.created, expires = excluded.expires",
      {session.token_hash, or_null(session.user), session.csrf, session.created, session.expires});
}

std::optional<Session> SqlStore::session(std::string_view token_hash) {
  return find(
      "SELECT token_hash, user_id, csrf, created, expires FROM sessions"
      " WHERE token_hash = ? AND expires > ?",
      {token_hash, now()}, &read_session);
}

void SqlStore::remove_session(std::string_view token_hash) {
  change("DELETE FROM sessions WHERE token_hash = ?", {token_hash});
}

void SqlStore::remove_sessions_of(const Id& user, std::string_view but_token_hash) {
  change("DELETE FROM sessions WHERE user_id = ? AND token_hash <> ?", {user, but_token_hash});
}

void SqlStore::remove_expired_sessions() {
  change("DELETE FROM sessions WHERE expires <= ?", {now()});
}

}  // namespace parley::store

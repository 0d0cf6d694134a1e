// Users, invitations, tokens they used.
#include "store/sql_store.h"
#include "store/terms.h"

namespace parley::store {

namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr int64_t kFirstUserLock = 0x75736572;

const std::string kUser =
    "SELECT id, name, role, password_hash, disabled, daily_tokens, settings, created FROM users ";

User read_user(const Row& row) {
  User user;
  Columns(row) >> user.id >> user.name >> user.role >> user.password_hash >> user.disabled >>
      user.daily_tokens >> user.settings >> user.created;
  return user;
}

Invitation read_invitation(const Row& row) {
  Invitation invitation;
  Columns(row) >> invitation.id >> invitation.code_hash >> invitation.role >> invitation.created >>
      invitation.expires >> invitation.used_by;
  return invitation;
}

void check_name(const User& user) {
  if (user.name.empty() || user.name.size() > kMaxNameBytes)
    base::fail("a user's name has to have 1 to {} bytes, not {}", kMaxNameBytes, user.name.size());
}

[[noreturn]] void fail_taken(const User& user) {
  throw Conflict(fmt::format("there is a user \"{}\" already; take another name", user.name));
}

void insert(Connection& connection, const User& user) {
  connection.execute(
      "INSERT INTO users(id, name, name_key, role, password_hash, disabled, daily_tokens, settings,"
      " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {user.id, user.name, fold(user.name), user.role, user.password_hash, user.disabled,
       user.daily_tokens, user.settings, user.created});
}

constexpr const char* kCountUsers = "SELECT count(*) FROM users WHERE password_hash <> ''";

}  // namespace

void SqlStore::add_user(const User& user) {
  check_name(user);
  try {
    database_->write([&](Connection& connection) { insert(connection, user); });
  } catch (const UniqueViolation&) {
    fail_taken(user);
  }
}

std::optional<User> SqlStore::user(const Id& id) {
  return find(kUser + "WHERE id = ?", {id}, &read_user);
}

std::optional<User> SqlStore::user_by_name(std::string_view name) {
  if (name.size() > kMaxNameBytes) return std::nullopt;
  return find(kUser + "WHERE name_key = ?", {fold(name)}, &read_user);
}

std::vector<User> SqlStore::users() { return list(kUser + "ORDER BY created, id", {}, &read_user); }

std::optional<User> SqlStore::change_user(const Id& id, const std::function<void(User&)>& change) {
  std::optional<User> user;
  try {
    database_->write([&](Connection& connection) {
      user = connection.one(kUser + "WHERE id = ?" + for_update(connection.dialect()), {id},
                            &read_user);
      if (!user) return;
      change(*user);
      check_name(*user);
      connection.execute(
          "UPDATE users SET name = ?, name_key = ?, role = ?, password_hash = ?, disabled = ?,"
          " daily_tokens = ?, settings = ? WHERE id = ?",
          {user->name, fold(user->name), user->role, user->password_hash, user->disabled,
           user->daily_tokens, user->settings, id});
    });
  } catch (const UniqueViolation&) {
    fail_taken(*user);
  }
  return user;
}

void SqlStore::remove_user(const Id& id) { change("DELETE FROM users WHERE id = ?", {id}); }

int64_t SqlStore::count_users() { return number(kCountUsers); }

void SqlStore::add_invitation(const Invitation& invitation) {
  try {
    change(
        "INSERT INTO invitations(id, code_hash, role, created, expires, used_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        {invitation.id, invitation.code_hash, invitation.role, invitation.created,
         invitation.expires, invitation.used_by});
  } catch (const UniqueViolation&) {
    throw Conflict("there is such an invitation already");
  }
}

std::vector<Invitation> SqlStore::invitations() {
  return list(
      "SELECT id, code_hash, role, created, expires, used_by FROM invitations"
      " ORDER BY created DESC, id DESC",
      {}, &read_invitation);
}

void SqlStore::remove_invitation(const Id& id) {
  change("DELETE FROM invitations WHERE id = ?", {id});
}

void SqlStore::add_invited_user(User& user, std::string_view code_hash) {
  check_name(user);
  User added = user;
  try {
    database_->write([&](Connection& connection) {
      added = user;
      if (code_hash.empty()) {
        connection.lock(kFirstUserLock);
        if (connection.number(kCountUsers) > 0)
          base::fail("an invitation is needed; ask an administrator for one");
        added.role = "admin";
      } else {
        // Of two that come together the second waits here, and finds it used.
        const int64_t spent = connection.execute(
            "UPDATE invitations SET used_by = ? WHERE code_hash = ? AND used_by = ''"
            " AND expires > ?",
            {user.id, code_hash, now()});
        if (spent == 0)
          base::fail(
              "the invitation is not valid, was used already or has expired; ask for a new one");
        connection.query("SELECT role FROM invitations WHERE code_hash = ?", {code_hash},
                         [&](const Row& row) { added.role = row.text(0); });
      }
      insert(connection, added);
    });
  } catch (const UniqueViolation&) {
    fail_taken(user);
  }
  user = added;
}

void SqlStore::add_usage(const Id& user, std::string_view day, int64_t tokens) {
  change(
      "INSERT INTO token_usage(user_id, day, tokens) VALUES (?, ?, ?) ON CONFLICT (user_id, day)"
      " DO UPDATE SET tokens = token_usage.tokens + excluded.tokens",
      {user, day, tokens});
}

int64_t SqlStore::usage(const Id& user, std::string_view day) {
  return number("SELECT tokens FROM token_usage WHERE user_id = ? AND day = ?", {user, day});
}

}  // namespace parley::store

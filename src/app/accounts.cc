#include "app/accounts.h"

#include "app/guard.h"
#include "app/sessions.h"
#include "app/settings.h"
#include "http/text.h"
#include "server/secrets.h"
#include "text/text_stream.h"

namespace parley::app {
namespace {

constexpr int64_t kMostNameCharacters = 64;
constexpr size_t kCodeLength = 24;  // 144 bits
constexpr store::Time kDay = 86'400'000;

ApiError name_taken(std::string_view name) {
  return {409, fmt::format("The name '{}' is taken. Choose another one.", name), "name",
          "name_taken"};
}

void require_users(const Call& call) {
  if (!call.services.options.users)
    throw ApiError(403,
                   "This server has no accounts: everything is the local user's. `parley serve "
                   "--users on` turns them on.",
                   {}, "users_disabled");
}

// Counts an attempt for the name and for the address. ApiError 429.
class Attempt {
 public:
  Attempt(Call& call, const std::string& name)
      : failures_(call.services.guard.failures),
        address_("address " + call.exchange.request().peer),
        name_("name " + name) {
    double wait = failures_.take(address_);
    if (wait <= 0 && !name.empty()) {
      wait = failures_.take(name_);
      if (wait > 0) failures_.forgive(address_);  // refused, so no guess
    }
    if (wait <= 0) return;
    ApiError error(429, "Too many failed attempts. Try again in some minutes.", {},
                   "too_many_attempts");
    error.retry_after = wait;
    throw error;
  }
  void succeeded() {
    failures_.forgive(address_);
    failures_.forgive(name_);
  }

 private:
  Throttle& failures_;
  std::string address_, name_;
};

http::Task log_in(Call& call) {
  require_users(call);
  const Json body = call.body();
  Fields fields(body);
  const std::string name(http::trim(fields.required_string("name")));
  const std::string password = fields.required_string("password");
  fields.reject_unknown();
  if (name.size() > 1000) throw ApiError(401, "Name or password is wrong.", {}, "wrong_password");
  Attempt attempt(call, name);

  store::Store& store = call.services.store;
  auto find = [&] { return store.user_by_name(name); };
  const std::optional<store::User> user = co_await call.blocking(find);
  // Whether there is such a user must not show in the time either.
  auto check = [&] { return check_password(user ? user->password_hash : "", password); };
  const bool good = co_await call.services.guard.passwords.run(check);
  if (!good || !user) throw ApiError(401, "Name or password is wrong.", {}, "wrong_password");
  if (user->disabled)
    throw ApiError(403, "This account is disabled. Ask an administrator.", {}, "disabled");
  attempt.succeeded();
  auto begin = [&] {
    begin_session(call, *user);
    return session_json(call);
  };
  const Json json = co_await call.blocking(begin);
  co_await call.reply(json);
}

ApiError needs_invitation() {
  return {403, "An account needs an invitation. Ask an administrator for one.", "invitation",
          "bad_invitation"};
}

// Without a code: the first of all. ApiError 403, 409.
store::User accept_invitation(store::Store& store, const std::string& code, const std::string& name,
                              std::string hash) {
  store::User user{.id = store::make_id(), .name = name};
  user.password_hash = std::move(hash);
  user.created = store::now();
  try {
    store.add_invited_user(user, code.empty() ? "" : server::sha256(code));
  } catch (const store::Conflict&) {
    throw name_taken(name);
  } catch (const ApiError&) {
    throw;
  } catch (const base::Error&) {
    throw ApiError(403,
                   "This invitation is unknown, used or too old. Ask an administrator for a new "
                   "one.",
                   "invitation", "bad_invitation");
  }
  return user;
}

// The first account takes over what the local user had. Another server over the same database may
// be faster. ApiError 403.
store::User claim(store::Store& store, const std::string& name, const std::string& hash) {
  const std::vector<store::User> users = store.users();
  if (users.empty()) return accept_invitation(store, "", name, hash);
  const auto user = store.change_user(users.front().id, [&](store::User& local) {
    if (!local.password_hash.empty()) throw needs_invitation();
    local.name = name;
    local.password_hash = hash;
    local.role = "admin";
    local.disabled = false;
  });
  if (!user) throw needs_invitation();
  store.remove_sessions_of(user->id, "");
  return *user;
}

http::Task sign_up(Call& call) {
  require_users(call);
  const Json body = call.body();
  Fields fields(body);
  const std::string code(http::trim(fields.string("invitation").value_or("")));
  const std::string name = checked_name(fields.required_string("name"));
  const std::string password = fields.required_string("password");
  fields.reject_unknown();
  require_good_password(password);
  Attempt attempt(call, "");

  store::Store& store = call.services.store;
  auto unclaimed = [&] { return is_unclaimed(store); };
  const bool first = co_await call.blocking(unclaimed);
  if (!first && code.empty()) throw needs_invitation();
  auto make_hash = [&] { return hash_password(password); };
  const std::string hash = co_await call.services.guard.passwords.run(make_hash);
  auto add = [&] {
    const std::lock_guard lock(call.services.guard.accounts);
    const store::User user = first && is_unclaimed(store)
                                 ? claim(store, name, hash)
                                 : accept_invitation(store, code, name, hash);
    begin_session(call, user);
    return session_json(call);
  };
  const Json json = co_await call.blocking(add);
  attempt.succeeded();
  co_await call.reply(json);
}

http::Task change_password(Call& call) {
  require_users(call);
  const Json body = call.body();
  Fields fields(body);
  const std::string old = fields.required_string("old");
  const std::string fresh = fields.required_string("new");
  fields.reject_unknown();
  require_good_password(fresh);
  Attempt attempt(call, call.user.name);
  auto check = [&] { return check_password(call.user.password_hash, old); };
  const bool good = co_await call.services.guard.passwords.run(check);
  if (!good) throw ApiError(401, "The old password is wrong.", "old", "wrong_password");
  attempt.succeeded();
  auto make_hash = [&] { return hash_password(fresh); };
  const std::string hash = co_await call.services.guard.passwords.run(make_hash);
  auto change = [&] {
    store::Store& store = call.services.store;
    const auto user =
        store.change_user(call.user.id, [&](store::User& now) { now.password_hash = hash; });
    if (!user) throw not_found("user");
    store.remove_sessions_of(user->id, call.session.token_hash);
  };
  co_await call.blocking(change);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task change_settings(Call& call) {
  const Json body = call.body();
  auto change = [&] {
    const auto user = call.services.store.change_user(call.user.id, [&](store::User& now) {
      now.settings = merged_settings(settings_of(now), body);
    });
    if (!user) throw not_found("user");
    return user->settings;
  };
  const Json settings = co_await call.blocking(change);
  co_await call.reply(settings);
}

}  // namespace

std::string checked_name(std::string_view name) {
  name = http::trim(name);
  const bool plain =
      std::ranges::none_of(name, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
  if (name.empty() || !plain || text::count_characters(name) > kMostNameCharacters)
    throw ApiError(400,
                   fmt::format("A name has 1 to {} characters, none of them a control character.",
                               kMostNameCharacters),
                   "name", "invalid_value");
  return std::string(name);
}

store::User add_account(store::Store& store, std::string_view name, std::string password_hash,
                        const std::string& role) {
  store::User user{.id = store::make_id(), .name = checked_name(name), .role = role};
  user.password_hash = std::move(password_hash);
  user.created = store::now();
  try {
    store.add_user(user);
  } catch (const store::Conflict&) {
    throw name_taken(user.name);
  }
  return user;
}

NewInvitation add_invitation(store::Store& store, const std::string& role, int64_t days) {
  NewInvitation fresh;
  fresh.code = server::random_text(kCodeLength);
  store::Invitation& invitation = fresh.invitation;
  invitation.id = store::make_id();
  invitation.code_hash = server::sha256(fresh.code);
  invitation.role = role;
  invitation.created = store::now();
  invitation.expires = invitation.created + days * kDay;
  store.add_invitation(invitation);
  return fresh;
}

bool another_admin(store::Store& store, const store::Id& but) {
  return std::ranges::any_of(store.users(), [&](const store::User& user) {
    return user.id != but && user.role == "admin" && !user.disabled && !user.password_hash.empty();
  });
}

std::vector<Route> account_routes() {
  std::vector<Route> routes = {
      {"POST", "/app/api/login", Access::kSession, log_in},
      {"POST", "/app/api/signup", Access::kSession, sign_up},
      {"POST", "/app/api/password", Access::kUser, change_password},
      {"PUT", "/app/api/settings", Access::kUser, change_settings},
  };
  for (Route& route : admin_routes()) routes.push_back(std::move(route));
  return routes;
}

}  // namespace parley::app

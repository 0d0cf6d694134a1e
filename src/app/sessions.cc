#include "app/sessions.h"

#include <algorithm>

#include "app/guard.h"
#include "http/text.h"
#include "server/secrets.h"

namespace parley::app {
namespace {

constexpr std::string_view kCookie = "parley_session";
constexpr store::Time kHour = 3'600'000;
constexpr store::Time kLifetime = 30 * 24 * kHour;
constexpr store::Time kAnonymousLifetime = kHour;  // nobody has logged in
constexpr size_t kTokenLength = 43;                // 258 bits
constexpr std::string_view kLocalName = "local";

std::string cookie_of(const http::Request& request) {
  const auto header = request.headers.find("Cookie");
  std::string_view rest = header.value_or("");
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view pair = http::trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('='))
      return std::string(pair.substr(kCookie.size() + 1));
  }
  return {};
}

void set_cookie(Call& call, const std::string& token, store::Time lifetime) {
  call.headers.set(
      "Set-Cookie",
      fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kCookie, token,
                  lifetime / 1000, call.services.options.secure_cookies ? "; Secure" : ""));
}

store::Time lifetime_of(const store::Session& session) {
  return session.user.empty() ? kAnonymousLifetime : kLifetime;
}

// Whether it may still be used: with accounts, one without a password cannot have logged in.
bool may_use(const store::User& user, const AppOptions& options) {
  return !user.disabled && !(options.users && user.password_hash.empty());
}

bool changes_something(const http::Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

http::Task show_session(Call& call) {
  const bool users = call.services.options.users;
  const bool fresh = call.session.token_hash.empty() || (!users && call.user.id.empty());
  if (fresh) {
    const double wait = call.services.guard.sessions.take(call.exchange.request().peer);
    if (wait > 0) {
      ApiError error(429, "Too many new sessions from your address. Try again in some minutes.", {},
                     "too_many_sessions");
      error.retry_after = wait;
      throw error;
    }
  }
  auto work = [&] {
    if (fresh) begin_session(call, users ? store::User{} : local_user(call.services.store));
    return session_json(call);
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task log_out(Call& call) {
  auto work = [&] { call.services.store.remove_session(call.session.token_hash); };
  co_await call.blocking(work);
  set_cookie(call, "", 0);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

}  // namespace

void find_session(Call& call) {
  const std::string token = cookie_of(call.exchange.request());
  if (token.size() != kTokenLength) return;
  store::Store& store = call.services.store;
  const auto session = store.session(server::sha256(token));
  if (!session) return;
  call.session = *session;
  if (!session->user.empty()) {
    const auto user = store.user(session->user);
    if (!user || !may_use(*user, call.services.options)) {
      call.session = {};
      return;
    }
    call.user = *user;
  }
  const store::Time lifetime = lifetime_of(call.session), now = store::now();
  if (call.session.expires - now > lifetime - lifetime / 30) return;  // once a day is enough
  call.session.expires = now + lifetime;
  store.add_session(call.session);
  set_cookie(call, token, lifetime);
}

void check_access(const Call& call, Access access) {
  const bool has_session = !call.session.token_hash.empty();
  if (access != Access::kOpen) {
    if (!has_session)
      throw ApiError(401, "There is no session, or it has ended. Load the page again.", {},
                     "no_session");
    if (access != Access::kSession && call.user.id.empty())
      throw ApiError(401, "Log in first.", {}, "not_logged_in");
    if (access == Access::kAdmin && call.user.role != "admin")
      throw ApiError(403, "Only administrators may do this.", {}, "not_admin");
  }
  if (!changes_something(call.exchange.request())) return;
  const auto token = call.exchange.request().headers.find("X-CSRF-Token");
  if (!has_session || !token || !server::same_secret(*token, call.session.csrf))
    throw ApiError(403, "The X-CSRF-Token header is not this session's. Load the page again.", {},
                   "csrf");
}

void begin_session(Call& call, const store::User& user) {
  store::Store& store = call.services.store;
  if (!call.session.token_hash.empty()) store.remove_session(call.session.token_hash);
  const std::string token = server::random_text(kTokenLength);
  const store::Time now = store::now();
  store::Session session{.token_hash = server::sha256(token),
                         .user = user.id,
                         .csrf = server::random_text(kTokenLength),
                         .created = now};
  session.expires = now + lifetime_of(session);
  store.add_session(session);
  call.session = session;
  call.user = user;
  set_cookie(call, token, lifetime_of(session));
}

Json session_json(const Call& call) {
  const Services& services = call.services;
  Json models = Json::array();
  for (const auto& model : services.models.all())
    models.push_back({{"id", model->id()},
                      {"context", model->context()},
                      {"chat", model->chat_format() == text::ChatFormat::kTemplate}});
  const bool somebody = !call.user.id.empty();
  return {{"user", somebody ? to_json(call.user) : Json()},
          {"csrf", call.session.csrf},
          {"users_enabled", services.options.users},
          {"setup_needed", services.options.users && is_unclaimed(services.store)},
          {"models", std::move(models)},
          {"version", PARLEY_VERSION},
          {"settings", settings_of(call.user)}};
}

bool is_unclaimed(store::Store& store) { return store.count_users() == 0; }

store::User local_user(store::Store& store) {
  const auto local = store.user_by_name(kLocalName);
  if (local && local->password_hash.empty()) return *local;
  // The one who has had accounts turned on and off again is still alone.
  const std::vector<store::User> users = store.users();
  if (users.size() == 1) return users.front();
  store::User user{.id = store::make_id(), .name = std::string(kLocalName), .role = "admin"};
  // Somebody with an account may be called so.
  if (local) user.name = fmt::format("{}-{}", kLocalName, user.id.substr(0, 6));
  user.created = store::now();
  try {
    store.add_user(user);
  } catch (const store::Conflict&) {  // another request was first
    if (const auto other = store.user_by_name(kLocalName)) return *other;
    throw;
  }
  return user;
}

std::vector<Route> session_routes() {
  return {
      {"GET", "/app/api/session", Access::kOpen, show_session},
      {"POST", "/app/api/logout", Access::kSession, log_out},
  };
}

}  // namespace parley::app

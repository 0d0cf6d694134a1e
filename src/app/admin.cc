// What administrators do: invitations and users.
#include <algorithm>

#include "app/accounts.h"
#include "app/guard.h"
#include "app/jobs.h"

namespace parley::app {
namespace {

constexpr int64_t kInvitationDays = 7;

Json invitation_json(const store::Invitation& invitation, const std::vector<store::User>& users) {
  const auto user = std::ranges::find(users, invitation.used_by, &store::User::id);
  return {{"id", invitation.id},
          {"role", invitation.role},
          {"created", invitation.created},
          {"expires", invitation.expires},
          {"used_by", invitation.used_by.empty() ? Json()
                      : user != users.end()      ? Json(user->name)
                                                 : Json(invitation.used_by)}};
}

std::string read_role(Fields& fields, const std::string& otherwise) {
  std::string role = fields.string("role").value_or(otherwise);
  if (role != "user" && role != "admin")
    server::bad_request("role", "'role' must be user or admin.", "invalid_value");
  return role;
}

http::Task list_invitations(Call& call) {
  auto work = [&] {
    Json list = Json::array();
    const auto users = call.services.store.users();
    for (const auto& invitation : call.services.store.invitations())
      list.push_back(invitation_json(invitation, users));
    return Json({{"invitations", std::move(list)}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task make_invitation(Call& call) {
  const Json body = call.body();
  Fields fields(body);
  const std::string role = read_role(fields, "user");
  const int64_t days = fields.integer("days", 1, 365).value_or(kInvitationDays);
  fields.reject_unknown();
  auto work = [&] {
    const NewInvitation fresh = add_invitation(call.services.store, role, days);
    Json json = invitation_json(fresh.invitation, {});
    json["code"] = fresh.code;
    return json;
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json, 201);
}

http::Task remove_invitation(Call& call) {
  auto work = [&] { call.services.store.remove_invitation(call.parts[0]); };
  co_await call.blocking(work);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task list_users(Call& call) {
  auto work = [&] {
    Json list = Json::array();
    store::Store& store = call.services.store;
    for (const store::User& user : store.users()) {
      Json json = to_json(user);
      json["tokens_today"] = store.usage(user.id, day_of(store::now()));
      json["conversations"] = store.count_conversations(user.id);
      list.push_back(std::move(json));
    }
    return Json({{"users", std::move(list)}});
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

void keep_an_admin(store::Store& store, const store::User& user) {
  if (user.role == "admin" && !user.disabled && !another_admin(store, user.id))
    throw ApiError(409,
                   "This is the last administrator who can log in. Make somebody else one first.",
                   {}, "last_admin");
}

http::Task change_user(Call& call) {
  const Json body = call.body();
  auto work = [&] {
    store::Store& store = call.services.store;
    const std::lock_guard lock(call.services.guard.accounts);
    const auto apply = [&](store::User& user) {
      Fields fields(body);
      user.role = read_role(fields, user.role);
      user.disabled = fields.boolean("disabled", user.disabled);
      user.daily_tokens =
          fields.integer("daily_tokens", 0, INT64_C(1) << 50).value_or(user.daily_tokens);
      fields.reject_unknown();
    };
    const auto user = store.user(call.parts[0]);
    if (!user) throw not_found("user");
    store::User wanted = *user;
    apply(wanted);
    if (wanted.role != "admin" || wanted.disabled) keep_an_admin(store, *user);
    const auto changed = store.change_user(user->id, apply);
    if (!changed) throw not_found("user");
    if (changed->disabled) {
      store.remove_sessions_of(changed->id, "");
      call.services.jobs.stop_user(changed->id);
    }
    return to_json(*changed);
  };
  const Json json = co_await call.blocking(work);
  co_await call.reply(json);
}

http::Task remove_user(Call& call) {
  auto work = [&] {
    store::Store& store = call.services.store;
    const std::lock_guard lock(call.services.guard.accounts);
    const auto user = store.user(call.parts[0]);
    if (!user) throw not_found("user");
    keep_an_admin(store, *user);
    call.services.jobs.stop_user(user->id);
    store.remove_sessions_of(user->id, "");
    store.remove_user(user->id);
  };
  co_await call.blocking(work);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

}  // namespace

std::vector<Route> admin_routes() {
  return {
      {"GET", "/app/api/invitations", Access::kAdmin, list_invitations},
      {"POST", "/app/api/invitations", Access::kAdmin, make_invitation},
      {"DELETE", "/app/api/invitations/{id}", Access::kAdmin, remove_invitation},
      {"GET", "/app/api/users", Access::kAdmin, list_users},
      {"PATCH", "/app/api/users/{id}", Access::kAdmin, change_user},
      {"DELETE", "/app/api/users/{id}", Access::kAdmin, remove_user},
  };
}

}  // namespace parley::app

// Accounts: what the app's endpoints and `parley user` share. All of it blocks.
#pragma once

#include <string>

#include "app/call.h"

namespace parley::app {

// A user's name, without white space at its ends. ApiError 400 when it is empty, longer than 64
// characters or has control characters.
std::string checked_name(std::string_view name);

// A new account. ApiError 409 `name_taken`.
store::User add_account(store::Store& store, std::string_view name, std::string password_hash,
                        const std::string& role);

struct NewInvitation {
  store::Invitation invitation{};
  std::string code{};  // shown once; the store has its hash
};
NewInvitation add_invitation(store::Store& store, const std::string& role, int64_t days);

// Whether there is an administrator who may log in besides this user.
bool another_admin(store::Store& store, const store::Id& but);

std::vector<Route> admin_routes();  // admin.cc: users and invitations

}  // namespace parley::app

// Who is behind a request: the session of its cookie.
#pragma once

#include "app/call.h"

namespace parley::app {

// Finds the session of the request's cookie and its user, if there is one and may use the app.
// A session that is used lives on. Blocks.
void find_session(Call& call);

// ApiError 401 or 403, when the call may not go where `access` is asked, or does not carry its
// session's CSRF token though it changes something.
void check_access(const Call& call, Access access);

// A new session of `user` (empty: nobody's yet), its cookie among the answer's headers; the one
// there was ends. Blocks.
void begin_session(Call& call, const store::User& user);

// What GET /app/api/session answers. Blocks.
Json session_json(const Call& call);

// Without accounts: whose everything is. Made at the first start. Blocks.
store::User local_user(store::Store& store);

// Whether nobody has an account with a password yet. Blocks.
bool is_unclaimed(store::Store& store);

}  // namespace parley::app

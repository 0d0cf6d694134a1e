// A user's settings; reading them is settings_of() in call.h.
#pragma once

#include "app/call.h"

namespace parley::app {

// `settings` with the fields of `changes` (docs/app_api.md: Settings). ApiError 400.
Json merged_settings(const Json& settings, const Json& changes);

}  // namespace parley::app

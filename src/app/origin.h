// Where a request comes from: names the app answers to, and pages that may change things.
#pragma once

#include <string>
#include <string_view>

#include "app/call.h"

namespace parley::app {

// "localhost:8080" -> "localhost"; "[::1]:8080" -> "::1"; in lower case.
std::string host_name(std::string_view authority);

// Whether a name or an address means this machine alone.
bool is_loopback(std::string_view host);

// ApiError 403 `bad_host`, unless the Host header is a name the app answers to. A page elsewhere
// can make its own name mean this machine (DNS rebinding) and would then be asked for nothing.
void check_host(const AppOptions& options, const http::Request& request);

// ApiError 403 `csrf`, when the request says that a page of another origin made it.
void check_origin(const AppOptions& options, const http::Request& request);

}  // namespace parley::app

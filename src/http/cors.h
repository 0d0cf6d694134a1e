// Cross-origin requests of browsers (the Fetch standard, section "CORS protocol").
#pragma once

#include <string>
#include <vector>

#include "http/message.h"

namespace parley::http {

// Adds what lets the page that sent `request` read the answer, if its origin is one of `origins`
// ("*": any). Nothing when `origins` is empty.
void add_cors(const std::vector<std::string>& origins, const Request& request, Headers& headers);

// Whether a browser asks if it may send a request.
bool is_preflight(const Request& request);

// The answer to that, without what add_cors adds.
Response preflight_answer(const Request& request);

}  // namespace parley::http

#include "http/cors.h"

#include <algorithm>

namespace parley::http {

void add_cors(const std::vector<std::string>& origins, const Request& request, Headers& headers) {
  if (origins.empty()) return;
  const bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
  // Also on answers to others: a cache must not hand them to a page that may read them.
  if (!any) headers.add("Vary", "Origin");
  const auto origin = request.headers.find("Origin");
  if (!origin) return;
  if (!any && std::find(origins.begin(), origins.end(), *origin) == origins.end()) return;
  headers.set("Access-Control-Allow-Origin", any ? "*" : *origin);
  headers.set("Access-Control-Expose-Headers",
              "x-request-id, retry-after, openai-processing-ms, x-ratelimit-limit-requests, "
              "x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
              "x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens");
}

bool is_preflight(const Request& request) {
  return request.method == "OPTIONS" && request.headers.find("Origin") &&
         request.headers.find("Access-Control-Request-Method");
}

Response preflight_answer(const Request& request) {
  Response response;
  response.status = 204;
  response.headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  if (const auto asked = request.headers.find("Access-Control-Request-Headers"))
    response.headers.set("Access-Control-Allow-Headers", *asked);
  response.headers.set("Access-Control-Max-Age", "86400");
  response.headers.add("Vary", "Access-Control-Request-Headers");
  return response;
}

}  // namespace parley::http

#include "app/router.h"

#include <algorithm>

namespace parley::app {
namespace {

// The part before the next slash, taken off.
std::string_view take_part(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view part = path.substr(0, slash);
  path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  return part;
}

bool is_many(std::string_view part) { return part.starts_with('{') && part.ends_with("*}"); }

size_t slashes(std::string_view text) { return static_cast<size_t>(std::ranges::count(text, '/')); }

}  // namespace

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parts) {
  parts.clear();
  // A {…*} takes what the parts behind it leave.
  while (true) {
    const bool last = pattern.find('/') == std::string_view::npos;
    if (last != (path.find('/') == std::string_view::npos) &&
        !is_many(pattern.substr(0, pattern.find('/'))))
      return false;
    std::string_view wanted = take_part(pattern);
    if (is_many(wanted)) {
      const size_t behind = last ? 0 : slashes(pattern) + 1;
      const size_t there = slashes(path);
      if (there < behind) return false;
      std::string many(take_part(path));
      for (size_t i = 0; i < there - behind; ++i) many.append("/").append(take_part(path));
      if (many.empty()) return false;
      parts.push_back(std::move(many));
    } else {
      const std::string_view given = take_part(path);
      if (wanted.starts_with('{')) {
        if (given.empty()) return false;
        parts.emplace_back(given);
      } else if (given != wanted) {
        return false;
      }
    }
    if (last) return true;
  }
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (size_t i = 0; i < routes_.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      PARLEY_CHECK(routes_[i].method != routes_[j].method || routes_[i].path != routes_[j].path,
                   "two routes are {} {}", routes_[i].method, routes_[i].path);
}

const Route& Router::find(std::string_view method, std::string_view path,
                          std::vector<std::string>& parts) const {
  std::string allowed;
  const Route* found = nullptr;
  std::vector<std::string> these;
  for (const Route& route : routes_) {
    if (!matches(route.path, path, these)) continue;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) {
      // A fixed path goes before one with a {…}.
      if (found && these.size() >= parts.size()) continue;
      found = &route;
      parts = these;
    } else if (allowed.find(route.method) == std::string::npos) {
      if (!allowed.empty()) allowed += ", ";
      allowed += route.method;
    }
  }
  if (found) return *found;
  const std::string url = fmt::format("{} {}", method.substr(0, 20), path.substr(0, 200));
  if (allowed.empty())
    throw ApiError(404, fmt::format("Unknown request URL: {}.", url), {}, "unknown_url");
  throw ApiError(405, fmt::format("Not allowed: {}. Use {}.", url, allowed), {},
                 "method_not_allowed");
}

}  // namespace parley::app

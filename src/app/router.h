// Which endpoint a request is for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/call.h"

namespace parley::app {

class Router {
 public:
  // PARLEY_CHECKs that no two routes are the same.
  explicit Router(std::vector<Route> routes);

  // The route, and what stands for the {…} of its path. ApiError 404, or 405 saying which methods
  // there are.
  const Route& find(std::string_view method, std::string_view path,
                    std::vector<std::string>& parts) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

// Those of every part of docs/app_api.md.
std::vector<Route> all_routes();

// Whether `path` is of the form of `pattern`; then `parts` is what stands for its {…}.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& parts);

}  // namespace parley::app

#include "app/origin.h"

#include <algorithm>

#include "http/text.h"

namespace parley::app {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return out;
}

bool named(const AppOptions& options, const std::string& name) {
  return std::ranges::any_of(options.hosts, [&](const std::string& host) {
    return host == "*" || host_name(host) == name;
  });
}

}  // namespace

std::string host_name(std::string_view authority) {
  authority = http::trim(authority);
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? "" : lower(authority.substr(1, end - 1));
  }
  // "::1", as an option may have it, is no name with a port.
  if (std::ranges::count(authority, ':') <= 1) authority = authority.substr(0, authority.find(':'));
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return lower(authority);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") return true;
  // 127.0.0.1 and its like; "127.evil.example" is a name.
  return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

void check_host(const AppOptions& options, const http::Request& request) {
  const std::string name = host_name(request.headers.find("Host").value_or(""));
  if (is_loopback(name) || named(options, name)) return;
  const std::string address = host_name(options.address);
  if (!is_loopback(address) && (options.hosts.empty() || name == address)) return;
  throw ApiError(
      403,
      fmt::format("This server does not answer to the name '{}'. If it should, add it to "
                  "[app] hosts in its configuration (--hosts).",
                  name.substr(0, 100)),
      {}, "bad_host");
}

void check_origin(const AppOptions& options, const http::Request& request) {
  const auto site = request.headers.find("Sec-Fetch-Site");
  const auto origin = request.headers.find("Origin");
  bool good = !site || lower(*site) != "cross-site";
  if (origin) {
    const size_t scheme = origin->find("://");
    const std::string authority =
        scheme == std::string_view::npos ? "" : lower(origin->substr(scheme + 3));
    const std::string host = lower(request.headers.find("Host").value_or(""));
    // A proxy may change the Host; then the name has to be one of ours.
    const bool ours = std::ranges::any_of(options.hosts, [&](const std::string& other) {
      return lower(other) == authority || lower(other) == host_name(authority);
    });
    good = good && !authority.empty() && (authority == host || ours);
  }
  if (!good)
    throw ApiError(403,
                   "The request comes from a page of another origin. Open the app at its own "
                   "address and try again.",
                   {}, "csrf");
}

}  // namespace parley::app

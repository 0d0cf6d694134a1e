// HTTP requests and responses as values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley::http {

// Header fields in their order; names compare without regard to case.
class Headers {
 public:
  // The first field of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  // Replaces every field of that name by one.
  void set(std::string_view name, std::string_view value);
  void add(std::string_view name, std::string_view value);

  using Field = std::pair<std::string, std::string>;
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

// A request whose body has been read, within the limits of the server.
struct Request {
  std::string method;  // "GET", as sent
  std::string path;    // percent-decoded, begins with "/"; no query
  std::string query;   // behind "?", as sent
  Headers headers;
  std::string body;
  std::string peer;  // address of the client, without port
  std::string id;    // "req_" and 32 hexadecimal digits, of this server's making
  std::chrono::steady_clock::time_point received;  // when its last byte was read

  // The value of a query parameter, decoded.
  std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date, Connection and x-request-id are the server's
  std::string body;
};

// The usual phrase of a status code: "Not Found".
std::string_view reason_phrase(int status);

}  // namespace parley::http

// Bytes of a connection -> requests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace parley::http {

// Why a request is refused, and that the connection ends with it.
struct Refusal {
  int status = 400;
  std::string message;
};

// Parses one request. RFC 9112; where servers differ in what they forgive, this one refuses
// (Content-Length with Transfer-Encoding, two Host fields, codings other than chunked), so that it
// never sees other requests than a proxy before it.
class RequestParser {
 public:
  RequestParser(int64_t max_header_bytes, int64_t max_body_bytes);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // Parses what it can of `bytes`, the unconsumed bytes of the connection from their first;
  // returns how many it consumed. Until done() or refusal(), call again with what is left and
  // more behind it.
  size_t put(std::string_view bytes);

  bool head_done() const;
  bool done() const;
  const std::optional<Refusal>& refusal() const;

  // Of the head.
  const Request& request() const;
  bool keep_alive() const;
  bool http_1_0() const;
  bool expects_continue() const;

  // The request with its body, once done().
  Request release();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::http

// Responses -> bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace parley::http {

enum class Framing { kLength, kChunked, kUntilClose, kNone };

struct HeadOptions {
  Framing framing = Framing::kLength;
  int64_t length = 0;  // of the body, for kLength
  bool close = false;  // the connection ends with this answer
  bool http_1_0 = false;
  std::string_view request_id;
};

// The status line and the fields, to the empty line. Fields that are the server's
// (Content-Length, …) are left out of `headers`; control characters in values become spaces, so
// that no value can end its line.
std::string response_head(int status, const Headers& headers, const HeadOptions& options);

// Whether answers of this status have a body at all.
bool has_body(int status);

}  // namespace parley::http

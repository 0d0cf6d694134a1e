#include "http/response_head.h"

#include <algorithm>

#include "http/text.h"

namespace parley::http {
namespace {

bool is_ours(std::string_view name) {
  static constexpr std::string_view kOurs[] = {"Content-Length", "Date",       "Connection",
                                               "x-request-id",   "Keep-Alive", "Transfer-Encoding"};
  return std::any_of(std::begin(kOurs), std::end(kOurs),
                     [&](std::string_view ours) { return equal_ignoring_case(ours, name); });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) {
    const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    out += control ? ' ' : c;
  }
  out += "\r\n";
}

}  // namespace

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string response_head(int status, const Headers& headers, const HeadOptions& options) {
  std::string out;
  out.reserve(256);
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
  for (const auto& [name, value] : headers.fields())
    if (!is_ours(name)) append_field(out, name, value);
  if (!options.request_id.empty()) append_field(out, "x-request-id", options.request_id);
  append_field(out, "Date", http_date());
  if (options.framing == Framing::kLength)
    append_field(out, "Content-Length", std::to_string(options.length));
  else if (options.framing == Framing::kChunked)
    append_field(out, "Transfer-Encoding", "chunked");
  if (options.close)
    append_field(out, "Connection", "close");
  else if (options.http_1_0)
    append_field(out, "Connection", "keep-alive");
  out += "\r\n";
  return out;
}

}  // namespace parley::http

#include "cli/bench_serve_http.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace parley::cli {
namespace {

constexpr size_t kMaxLine = size_t{64} * 1024;

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What from_chars takes behind the number: a base, or nothing.
template <typename Number, typename... Format>
bool parse(std::string_view text, Number& number, Format... format) {
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number, format...);
  return error == std::errc() && end == last;
}

}  // namespace

ServerUrl parse_server_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const std::string whole(url);
  if (!url.starts_with(kScheme))
    throw base::UsageError(fmt::format(
        "“{}” is not a URL like http://127.0.0.1:8080 (https is not spoken here)", whole));
  url.remove_prefix(kScheme.size());
  ServerUrl result;
  const size_t slash = std::min(url.find('/'), url.size());
  std::string_view host = url.substr(0, slash);
  result.prefix = url.substr(slash);
  while (result.prefix.ends_with('/')) result.prefix.pop_back();
  if (result.prefix.ends_with("/v1")) result.prefix.resize(result.prefix.size() - 3);
  result.port = "80";
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    result.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  result.host = host;
  uint16_t port = 0;
  if (result.host.empty() || !parse(result.port, port))
    throw base::UsageError(fmt::format("“{}” names no host and port", whole));
  return result;
}

bool ResponseParser::take_line(std::string_view& bytes) {
  const size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    partial_ += bytes;
    bytes = {};
    if (partial_.size() > kMaxLine) base::fail("a header line of more than {} bytes", kMaxLine);
    return false;
  }
  line_ = std::move(partial_);
  partial_.clear();
  line_ += bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

void ResponseParser::read_head_line() {
  if (status_ == 0) {  // HTTP/1.1 200 OK
    if (!line_.starts_with("HTTP/1.") || line_.size() < 12 ||
        !parse(std::string_view(line_).substr(9, 3), status_))
      base::fail("“{}” is no status line", line_.substr(0, 100));
    keep_alive_ = line_[7] == '1';
    return;
  }
  if (line_.empty()) return end_of_head();
  const size_t colon = line_.find(':');
  if (colon == std::string::npos) base::fail("“{}” is no header", line_.substr(0, 100));
  const std::string_view name = std::string_view(line_).substr(0, colon);
  const std::string_view value = trimmed(std::string_view(line_).substr(colon + 1));
  if (same(name, "content-length") && !parse(value, length_)) base::fail("a length of {}", value);
  if (same(name, "transfer-encoding")) chunked_ = same(value, "chunked");
  if (same(name, "connection")) keep_alive_ = same(value, "keep-alive");
  if (same(name, "retry-after") && !parse(value, retry_after_)) retry_after_ = -1;
}

void ResponseParser::end_of_head() {
  if (status_ >= 100 && status_ < 200) {  // 100 Continue: the real one follows
    *this = {};
    any_ = true;
    return;
  }
  if (chunked_) {
    state_ = State::kChunkSize;
  } else if (status_ == 204 || status_ == 304 || length_ == 0) {
    state_ = State::kDone;
  } else if (length_ > 0) {
    left_ = length_;
    state_ = State::kBody;
  } else {
    keep_alive_ = false;
    state_ = State::kToEnd;
  }
}

void ResponseParser::read_chunk_size() {
  const std::string_view size = trimmed(std::string_view(line_).substr(0, line_.find(';')));
  if (!parse(size, left_, 16) || left_ < 0) base::fail("a chunk of size “{}”", size.substr(0, 40));
  state_ = left_ > 0 ? State::kChunk : State::kTrailer;
}

void ResponseParser::take_body(std::string_view& bytes, const OnBody& on_body) {
  const auto size = std::min(bytes.size(), static_cast<size_t>(left_));
  on_body(bytes.substr(0, size));
  bytes.remove_prefix(size);
  left_ -= static_cast<int64_t>(size);
  if (left_ == 0) state_ = state_ == State::kChunk ? State::kChunkEnd : State::kDone;
}

void ResponseParser::push(std::string_view bytes, const OnBody& on_body) {
  if (!bytes.empty()) any_ = true;
  while (!bytes.empty()) {
    switch (state_) {
      case State::kHead:
        if (take_line(bytes)) read_head_line();
        break;
      case State::kBody:
      case State::kChunk: take_body(bytes, on_body); break;
      case State::kToEnd: return on_body(bytes);
      case State::kChunkSize:
        if (take_line(bytes)) read_chunk_size();
        break;
      case State::kChunkEnd:
        if (!take_line(bytes)) break;
        if (!line_.empty()) base::fail("a chunk does not end where it should");
        state_ = State::kChunkSize;
        break;
      case State::kTrailer:
        if (take_line(bytes) && line_.empty()) state_ = State::kDone;
        break;
      case State::kDone: base::fail("{} bytes after the response's end", bytes.size());
    }
  }
}

bool ResponseParser::push_end() {
  if (state_ == State::kToEnd) state_ = State::kDone;
  return done();
}

void EventScanner::push(std::string_view bytes,
                        const std::function<void(std::string_view)>& on_data) {
  constexpr std::string_view kData = "data:";
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      partial_ += bytes;
      return;
    }
    std::string_view line = bytes.substr(0, end);
    if (!partial_.empty()) {
      partial_ += line;
      line = partial_;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(kData)) {
      line.remove_prefix(kData.size());
      if (line.starts_with(' ')) line.remove_prefix(1);
      on_data(line);
    }
    partial_.clear();
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace parley::cli

#include "data/json_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace parley::data {

namespace {
constexpr size_t kFirstBuffer = size_t{64} << 10;
}

LineReader::LineReader(std::unique_ptr<ByteStream> stream, std::string name)
    : stream_(std::move(stream)), name_(std::move(name)) {
  buffer_.resize(kFirstBuffer + simdjson::SIMDJSON_PADDING);
}

std::string LineReader::where() const { return fmt::format("{}:{}", name_, line_); }

// Reads more behind end_; false when the stream has ended.
bool LineReader::fill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + simdjson::SIMDJSON_PADDING == buffer_.size())
    buffer_.resize(2 * end_ + simdjson::SIMDJSON_PADDING);
  const size_t n =
      stream_->read(buffer_.data() + end_, buffer_.size() - simdjson::SIMDJSON_PADDING - end_);
  end_ += n;
  at_end_ = n == 0;
  return n > 0;
}

bool LineReader::next(std::string_view& line) {
  size_t searched = 0;
  ++line_;
  while (true) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    size_t length = rest.find('\n', searched);
    const bool found = length != std::string_view::npos;
    if (!found) length = rest.size();
    if (length > kMaxLineBytes)
      base::fail("{}: the line is longer than {} bytes; split the record into several lines",
                 where(), kMaxLineBytes);
    if (!found && fill()) {
      searched = length;
      continue;
    }
    if (rest.empty()) return false;
    begin_ += length + (found ? 1 : 0);
    line = rest.substr(0, length);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    return true;
  }
}

JsonLines::JsonLines(const fs::path& path) : JsonLines(open_stream(path), path.string()) {}

JsonLines::JsonLines(std::unique_ptr<ByteStream> stream, std::string name)
    : lines_(std::move(stream), std::move(name)) {}

JsonLines::Status JsonLines::next(simdjson::dom::element& record, std::string& problem) {
  std::string_view line;
  do {
    if (!lines_.next(line)) return Status::kEnd;
  } while (line.find_first_not_of(" \t\r") == std::string_view::npos);
  // LineReader keeps the padding simdjson reads beyond the end, so no copy is made.
  constexpr bool kCopyLine = false;
  const auto error = parser_.parse(line.data(), line.size(), kCopyLine).get(record);
  if (!error) return Status::kRecord;
  problem = fmt::format("not valid JSON: {}", simdjson::error_message(error));
  return Status::kBad;
}

}  // namespace parley::data

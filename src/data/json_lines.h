// Lines of a stream, and JSON Lines on top: one JSON value a line.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "data/byte_stream.h"

namespace parley::data {

// The longest line (and so the longest record) accepted: it bounds memory.
inline constexpr size_t kMaxLineBytes = size_t{64} << 20;

// Splits a stream at '\n'. A UTF-8 byte order mark at the start is dropped.
class LineReader {
 public:
  LineReader(std::unique_ptr<ByteStream> stream, std::string name);

  // The next line without its '\n' (nor '\r' before it), readable for at least
  // SIMDJSON_PADDING bytes beyond its end; valid until the next call. False at the end.
  // Error naming file and line when a line is longer than kMaxLineBytes.
  bool next(std::string_view& line);

  // "file:line" of the last line.
  std::string where() const;
  uint64_t consumed() const { return stream_->consumed(); }

 private:
  bool fill();

  std::unique_ptr<ByteStream> stream_;
  std::string name_;
  std::string buffer_;  // [begin_, end_) is not handed out yet
  size_t begin_ = 0, end_ = 0, line_ = 0;
  bool at_end_ = false;
};

// JSON Lines (jsonlines.org): parses each line that is not blank.
class JsonLines {
 public:
  explicit JsonLines(const fs::path& path);
  JsonLines(std::unique_ptr<ByteStream> stream, std::string name);

  enum class Status { kRecord, kBad, kEnd };
  // Parses the next record whole; it is valid until the next call. kBad: the line is
  // not JSON, `problem` says why, and reading may go on with the next line.
  Status next(simdjson::dom::element& record, std::string& problem);

  std::string where() const { return lines_.where(); }
  uint64_t consumed() const { return lines_.consumed(); }

 private:
  LineReader lines_;
  simdjson::dom::parser parser_;
};

}  // namespace parley::data

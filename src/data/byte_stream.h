// Streams of bytes: a file, plain or compressed with gzip or zstd, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"

namespace parley::data {

namespace fs = base::fs;

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads up to `capacity` bytes (at least one, unless the stream is at its end, then
  // 0). Error when the file cannot be read or its compressed data is broken.
  virtual size_t read(char* buffer, size_t capacity) = 0;
  // Bytes taken from the source so far (compressed ones when it is compressed).
  virtual uint64_t consumed() const = 0;
};

// Opens a file. gzip (several members too) and zstd (several frames too) are told by
// the first bytes, not by the name, and decompressed piece by piece: memory stays
// bounded however far the data expands.
std::unique_ptr<ByteStream> open_stream(const fs::path& path);

// The same over bytes in memory, which must outlive the stream; `name` is for messages.
std::unique_ptr<ByteStream> memory_stream(std::string_view bytes, std::string name);

}  // namespace parley::data

// What general compressors make of a text: the yardstick next to a language model,
// which is a compressor too (Shannon 1951; Delétang et al. 2023, arXiv 2309.10668).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace parley::eval {

class StreamCompressor {
 public:
  virtual ~StreamCompressor() = default;
  virtual std::string name() const = 0;
  virtual void add(std::string_view text) = 0;
  // Bytes of the whole compressed stream, headers included. Call once, at the end.
  virtual uint64_t finish() = 0;
};

// gzip -9, zstd -19 and xz -9. Each keeps counts only, never the compressed data.
std::vector<std::unique_ptr<StreamCompressor>> make_compressors();

}  // namespace parley::eval

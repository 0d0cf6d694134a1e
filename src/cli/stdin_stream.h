// Standard input as a stream of bytes.
#pragma once

#include "data/byte_stream.h"

namespace parley::cli {

// Reads by the descriptor: /dev/stdin cannot be opened when it is a socket.
class StdinStream : public data::ByteStream {
 public:
  size_t read(char* buffer, size_t capacity) override;
  uint64_t consumed() const override { return consumed_; }

 private:
  uint64_t consumed_ = 0;
};

}  // namespace parley::cli

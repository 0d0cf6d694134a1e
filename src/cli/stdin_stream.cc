#include "cli/stdin_stream.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace parley::cli {

size_t StdinStream::read(char* buffer, size_t capacity) {
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, capacity);
    if (got >= 0) {
      consumed_ += static_cast<uint64_t>(got);
      return static_cast<size_t>(got);
    }
    if (errno != EINTR) base::fail("cannot read standard input: {}", std::strerror(errno));
  }
}

}  // namespace parley::cli

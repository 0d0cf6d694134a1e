#include "tensor/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/files.h"

namespace parley::tensor {

namespace {

[[noreturn]] void fail_memory(size_t bytes) {
  base::fail("not enough memory for {}: use a smaller model, batch or context",
             base::human_bytes(static_cast<double>(bytes)));
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)

// The sanitizer guards what malloc gives, not what mmap gives.
Storage::Storage(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  constexpr size_t kLargest = size_t{1} << 36;  // malloc would stop the process
  if (bytes > kLargest) fail_memory(bytes);
  data_ = ::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!data_) fail_memory(bytes);
  std::memset(data_, 0, bytes);
}

Storage::~Storage() { ::free(data_); }

#else

Storage::Storage(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) fail_memory(bytes);
  constexpr size_t kHugePage = size_t{2} << 20;
  if (bytes >= 2 * kHugePage) ::madvise(data, bytes, MADV_HUGEPAGE);
  data_ = data;
}

Storage::~Storage() {
  if (data_) ::munmap(data_, bytes_);
}

#endif

}  // namespace parley::tensor

#include "data/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"

namespace parley::data {
namespace {

constexpr size_t kInputBuffer = size_t{64} << 10;

class FileStream : public ByteStream {
 public:
  explicit FileStream(const fs::path& path) : name_(path.string()) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) base::fail("{}: cannot open: {}", name_, std::strerror(errno));
    (void)::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~FileStream() override { ::close(fd_); }

  size_t read(char* buffer, size_t capacity) override {
    while (true) {
      const ssize_t n = ::read(fd_, buffer, capacity);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) base::fail("{}: cannot read: {}", name_, std::strerror(errno));
      consumed_ += static_cast<uint64_t>(n);
      return static_cast<size_t>(n);
    }
  }
  uint64_t consumed() const override { return consumed_; }

 private:
  std::string name_;
  int fd_;
  uint64_t consumed_ = 0;
};

class MemoryStream : public ByteStream {
 public:
  explicit MemoryStream(std::string_view bytes) : bytes_(bytes) {}

  size_t read(char* buffer, size_t capacity) override {
    const size_t n = bytes_.copy(buffer, capacity, consumed_);
    consumed_ += n;
    return n;
  }
  uint64_t consumed() const override { return consumed_; }

 private:
  std::string_view bytes_;
  size_t consumed_ = 0;
};

// Input of a decompressor: the source's bytes, some of them read ahead.
class Input {
 public:
  Input(std::unique_ptr<ByteStream> source, std::string file_name)
      : name(std::move(file_name)), source_(std::move(source)), buffer_(kInputBuffer) {}

  // Makes at least one byte available; false at the source's end.
  bool fill() {
    if (begin < end) return true;
    begin = 0;
    end = source_->read(buffer_.data(), buffer_.size());
    return end > 0;
  }
  // Reads ahead until `n` bytes are there or the source ends.
  std::string_view peek(size_t n) {
    while (end - begin < n) {
      const size_t got = source_->read(buffer_.data() + end, buffer_.size() - end);
      if (got == 0) break;
      end += got;
    }
    return {data(), std::min(n, end - begin)};
  }
  char* data() { return buffer_.data() + begin; }
  uint64_t consumed() const { return source_->consumed() - (end - begin); }

  std::string name;
  size_t begin = 0, end = 0;

 private:
  std::unique_ptr<ByteStream> source_;
  std::vector<char> buffer_;
};

[[noreturn]] void fail_truncated(const std::string& name) {
  base::fail("{}: the compressed file ends in the middle; fetch or compress it again", name);
}

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<Input> input) : input_(std::move(input)) {}
  size_t read(char* buffer, size_t capacity) override {
    if (!input_->fill()) return 0;
    const size_t n = std::min(capacity, input_->end - input_->begin);
    std::memcpy(buffer, input_->data(), n);
    input_->begin += n;
    return n;
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  std::unique_ptr<Input> input_;
};

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<Input> input) : input_(std::move(input)) {
    // 16: a gzip header and checksum around the deflate data.
    if (inflateInit2(&zlib_, 15 + 16) != Z_OK) base::fail("{}: zlib: no memory", input_->name);
  }
  ~GzipStream() override { inflateEnd(&zlib_); }

  size_t read(char* buffer, size_t capacity) override {
    zlib_.next_out = reinterpret_cast<Bytef*>(buffer);
    zlib_.avail_out = static_cast<uInt>(std::min<size_t>(capacity, 1u << 30));
    const uInt room = zlib_.avail_out;
    while (zlib_.avail_out == room) {
      if (!input_->fill()) {
        if (inside_member_) fail_truncated(input_->name);
        return 0;
      }
      inside_member_ = true;
      zlib_.next_in = reinterpret_cast<Bytef*>(input_->data());
      zlib_.avail_in = static_cast<uInt>(input_->end - input_->begin);
      const int result = inflate(&zlib_, Z_NO_FLUSH);
      input_->begin = input_->end - zlib_.avail_in;
      if (result == Z_STREAM_END) {
        inside_member_ = false;
        inflateReset(&zlib_);
      } else if (result != Z_OK) {
        base::fail("{}: broken gzip data at byte {}: {}; fetch or compress it again", input_->name,
                   input_->consumed(), zlib_.msg ? zlib_.msg : "no progress");
      }
    }
    return room - zlib_.avail_out;
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  std::unique_ptr<Input> input_;
  z_stream zlib_{};
  bool inside_member_ = false;
};

class ZstdStream : public ByteStream {
 public:
  explicit ZstdStream(std::unique_ptr<Input> input)
      : input_(std::move(input)), zstd_(ZSTD_createDStream()) {
    if (!zstd_) base::fail("{}: zstd: no memory", input_->name);
  }
  ~ZstdStream() override { ZSTD_freeDStream(zstd_); }

  size_t read(char* buffer, size_t capacity) override {
    ZSTD_outBuffer out{buffer, capacity, 0};
    while (out.pos == 0) {
      // With nothing left to read the decoder may still hold decoded bytes, so it is
      // asked before the end is believed.
      const bool more = input_->fill();
      ZSTD_inBuffer in{input_->data(), input_->end - input_->begin, 0};
      const size_t result = ZSTD_decompressStream(zstd_, &out, &in);
      if (ZSTD_isError(result))
        base::fail("{}: broken zstd data at byte {}: {}; fetch or compress it again", input_->name,
                   input_->consumed(), ZSTD_getErrorName(result));
      input_->begin += in.pos;
      if (more || out.pos > 0) inside_frame_ = result != 0;
      if (!more && out.pos == 0) {
        if (inside_frame_) fail_truncated(input_->name);
        return 0;
      }
    }
    return out.pos;
  }
  uint64_t consumed() const override { return input_->consumed(); }

 private:
  std::unique_ptr<Input> input_;
  ZSTD_DStream* zstd_;
  bool inside_frame_ = false;
};

std::unique_ptr<ByteStream> decompress(std::unique_ptr<ByteStream> source, std::string name) {
  auto input = std::make_unique<Input>(std::move(source), std::move(name));
  const std::string_view magic = input->peek(4);
  if (magic.starts_with("\x1f\x8b")) return std::make_unique<GzipStream>(std::move(input));
  if (magic == "\x28\xb5\x2f\xfd") return std::make_unique<ZstdStream>(std::move(input));
  return std::make_unique<PlainStream>(std::move(input));
}

}  // namespace

std::unique_ptr<ByteStream> open_stream(const fs::path& path) {
  return decompress(std::make_unique<FileStream>(path), path.string());
}

std::unique_ptr<ByteStream> memory_stream(std::string_view bytes, std::string name) {
  return decompress(std::make_unique<MemoryStream>(bytes), std::move(name));
}

}  // namespace parley::data

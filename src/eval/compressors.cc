#include "eval/compressors.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace parley::eval {
namespace {

using Output = std::array<char, size_t{64} << 10>;
// zlib counts its input in 32 bits.
constexpr size_t kPiece = size_t{1} << 30;

class Gzip : public StreamCompressor {
 public:
  Gzip() {
    // 15 + 16: the largest window, in a gzip envelope.
    if (deflateInit2(&z_, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      base::fail("gzip: not enough memory");
  }
  ~Gzip() override { deflateEnd(&z_); }
  std::string name() const override { return "gzip -9"; }
  void add(std::string_view text) override {
    for (; !text.empty(); text.remove_prefix(std::min(kPiece, text.size())))
      run(text.substr(0, kPiece), Z_NO_FLUSH);
  }
  uint64_t finish() override {
    run({}, Z_FINISH);
    return bytes_;
  }

 private:
  void run(std::string_view text, int flush) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z_.avail_in = static_cast<uInt>(text.size());
    do {
      z_.next_out = reinterpret_cast<Bytef*>(output_.data());
      z_.avail_out = static_cast<uInt>(output_.size());
      deflate(&z_, flush);
      bytes_ += output_.size() - z_.avail_out;
    } while (z_.avail_out == 0);
  }

  z_stream z_{};
  Output output_;
  uint64_t bytes_ = 0;
};

class Zstd : public StreamCompressor {
 public:
  Zstd() : z_(ZSTD_createCCtx()) {
    if (!z_) base::fail("zstd: not enough memory");
    ZSTD_CCtx_setParameter(z_, ZSTD_c_compressionLevel, 19);
  }
  ~Zstd() override { ZSTD_freeCCtx(z_); }
  std::string name() const override { return "zstd -19"; }
  void add(std::string_view text) override { run(text, ZSTD_e_continue); }
  uint64_t finish() override {
    run({}, ZSTD_e_end);
    return bytes_;
  }

 private:
  void run(std::string_view text, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    size_t left = 0;
    do {
      ZSTD_outBuffer out{output_.data(), output_.size(), 0};
      left = ZSTD_compressStream2(z_, &out, &in, directive);
      if (ZSTD_isError(left)) base::fail("zstd: {}", ZSTD_getErrorName(left));
      bytes_ += out.pos;
    } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
  }

  ZSTD_CCtx* z_;
  Output output_;
  uint64_t bytes_ = 0;
};

class Xz : public StreamCompressor {
 public:
  Xz() {
    if (lzma_easy_encoder(&z_, 9, LZMA_CHECK_CRC64) != LZMA_OK)
      base::fail("xz: not enough memory (about 700 MB)");
  }
  ~Xz() override { lzma_end(&z_); }
  std::string name() const override { return "xz -9"; }
  void add(std::string_view text) override { run(text, LZMA_RUN); }
  uint64_t finish() override {
    run({}, LZMA_FINISH);
    return z_.total_out;
  }

 private:
  void run(std::string_view text, lzma_action action) {
    z_.next_in = reinterpret_cast<const uint8_t*>(text.data());
    z_.avail_in = text.size();
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK && (z_.avail_in > 0 || action == LZMA_FINISH)) {
      z_.next_out = reinterpret_cast<uint8_t*>(output_.data());
      z_.avail_out = output_.size();
      result = lzma_code(&z_, action);
    }
    if (result != LZMA_OK && result != LZMA_STREAM_END)
      base::fail("xz: failed with code {}", static_cast<int>(result));
  }

  lzma_stream z_ = LZMA_STREAM_INIT;
  Output output_;
};

}  // namespace

std::vector<std::unique_ptr<StreamCompressor>> make_compressors() {
  std::vector<std::unique_ptr<StreamCompressor>> all;
  all.push_back(std::make_unique<Gzip>());
  all.push_back(std::make_unique<Zstd>());
  all.push_back(std::make_unique<Xz>());
  return all;
}

}  // namespace parley::eval

#include "data/token_shard.h"

#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/text_source.h"

namespace parley::data {
namespace {

static_assert(std::endian::native == std::endian::little, "the shard format is little-endian");

constexpr char kMagic[9] = "PARLEYTS";
constexpr uint32_t kVersion = 1;
constexpr size_t kBatchBytes = size_t{8} << 20;  // of text, tokenised in parallel at a time
constexpr int64_t kCheckBlock = int64_t{4} << 20;

struct Header {
  char magic[8];
  uint32_t version, width;
  uint64_t vocab_size, manifest_bytes;
};
struct Trailer {
  uint64_t documents, tokens, crc;
};
static_assert(sizeof(Header) == 32 && sizeof(Trailer) == 24);

uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

std::string make_manifest(const ShardSpec& spec, const TextEncoder& encoder) {
  std::string text = fmt::format("tokenizer {} of {}\nfield {}\nskip_bad {}\n", encoder.fingerprint,
                                 encoder.vocab_size, spec.text_field, spec.skip_bad);
  if (!encoder.chat_fingerprint.empty())
    text += fmt::format("conversations {}\n", encoder.chat_fingerprint);
  if (spec.fim.rate > 0)
    text += fmt::format("fim rate {} seed {} every {} tokens {} {} {}\n", spec.fim.rate,
                        spec.fim.seed, spec.hold_out_every, spec.fim.prefix_token,
                        spec.fim.suffix_token, spec.fim.middle_token);
  for (const fs::path& file : find_text_files(spec.paths)) {
    std::error_code error;
    const uint64_t size = fs::file_size(file, error);
    const auto time = fs::last_write_time(file, error).time_since_epoch().count();
    if (error)
      base::fail("{}: only regular files can be tokenised into a cache: {}", file.string(),
                 error.message());
    text += fmt::format("file {} size {} time {}\n", fs::absolute(file).string(), size, time);
  }
  return text;
}

// Writes and sums up at once.
class ShardWriter {
 public:
  explicit ShardWriter(const fs::path& path) : file_(path) {}

  void write(const void* data, size_t bytes) {
    crc_ = crc32_z(crc_, static_cast<const Bytef*>(data), bytes);
    file_.write(data, bytes);
  }
  void pad() {
    const char zeros[8] = {};
    write(zeros, padded(file_.bytes_written()) - file_.bytes_written());
  }
  void finish(uint64_t documents, uint64_t tokens) {
    const Trailer trailer{documents, tokens, crc_};
    file_.write(&trailer, sizeof trailer);
    file_.commit();
  }

 private:
  base::AtomicFile file_;
  uLong crc_ = crc32_z(0, nullptr, 0);
};

void build(const ShardSpec& spec, const TextEncoder& encoder, const std::string& manifest,
           const fs::path& path, bool quiet) {
  TextSource source(spec.paths, spec.text_field);
  source.set_skip_bad(spec.skip_bad);
  base::Progress progress("tokenising", source.total_bytes(), "B", quiet);

  ShardWriter writer(path);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof header.magic);
  header.version = kVersion;
  header.width = encoder.vocab_size <= 65536 ? 2 : 4;
  header.vocab_size = static_cast<uint64_t>(encoder.vocab_size);
  header.manifest_bytes = manifest.size();
  writer.write(&header, sizeof header);
  writer.write(manifest.data(), manifest.size());
  writer.pad();

  std::vector<uint64_t> offsets{0}, texts{0};
  std::vector<std::string> documents;
  std::vector<std::vector<tokenizer::Message>> conversations;  // of each; empty: plain text
  std::vector<std::vector<int32_t>> tokens;
  std::vector<uint16_t> narrow;
  const base::InterruptGuard guard;
  bool more = true;
  while (more) {
    if (base::interrupted()) base::fail("interrupted while tokenising; nothing was kept of it");
    documents.clear();
    conversations.clear();
    for (size_t bytes = 0; bytes < kBatchBytes;) {
      std::string document;
      more = source.next(document);
      if (!more) break;
      bytes += document.size();
      documents.push_back(std::move(document));
      conversations.push_back(encoder.encode_chat ? source.messages()
                                                  : std::vector<tokenizer::Message>());
    }
    const int64_t first = static_cast<int64_t>(offsets.size()) - 1;
    tokens.resize(documents.size());
    base::parallel_for(static_cast<int64_t>(documents.size()), [&](int64_t i) {
      const std::string& text = documents[static_cast<size_t>(i)];
      std::vector<int32_t>& out = tokens[static_cast<size_t>(i)];
      out.clear();
      if (const auto& messages = conversations[static_cast<size_t>(i)]; !messages.empty()) {
        encoder.encode_chat(messages, out);
        return;
      }
      FimCut cut;
      if (!is_held_out(first + i, spec.hold_out_every))
        cut = fim_cut(text, static_cast<uint64_t>(first + i), spec.fim);
      fim_encode(text, cut, spec.fim, encoder.encode, out);
    });
    for (size_t i = 0; i < documents.size(); ++i) {
      offsets.push_back(offsets.back() + tokens[i].size());
      texts.push_back(texts.back() + documents[i].size());
      if (header.width == 2) {
        narrow.assign(tokens[i].begin(), tokens[i].end());
        writer.write(narrow.data(), narrow.size() * 2);
      } else {
        writer.write(tokens[i].data(), tokens[i].size() * 4);
      }
    }
    progress.update(source.bytes_read());
  }
  if (texts.size() == 1) base::fail("the data holds no document with text; check --data");
  writer.pad();
  writer.write(offsets.data(), offsets.size() * 8);
  writer.write(texts.data(), texts.size() * 8);
  writer.finish(offsets.size() - 1, offsets.back());
  progress.finish();
  if (source.skipped() > 0)
    spdlog::warn("{} broken records passed over (--skip-bad)", source.skipped());
}

// CRC-32 of a large span, its blocks computed in parallel.
uint64_t parallel_crc(std::span<const std::byte> bytes) {
  const int64_t n = static_cast<int64_t>(bytes.size());
  std::vector<uLong> crcs(static_cast<size_t>((n + kCheckBlock - 1) / kCheckBlock));
  base::parallel_blocks(n, kCheckBlock, [&](int64_t begin, int64_t end) {
    crcs[static_cast<size_t>(begin / kCheckBlock)] =
        crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()) + begin,
                static_cast<size_t>(end - begin));
  });
  uLong crc = crc32_z(0, nullptr, 0);
  for (size_t i = 0; i < crcs.size(); ++i)
    crc = crc32_combine(crc, crcs[i],
                        std::min(kCheckBlock, n - static_cast<int64_t>(i) * kCheckBlock));
  return crc;
}

}  // namespace

uint64_t fnv1a(std::string_view bytes) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

TokenShard::TokenShard(const fs::path& path, std::string_view manifest) : file_(path) {
  const auto bytes = file_.bytes();
  const auto broken = [&](std::string_view what) {
    base::fail("{}: not a sound token shard: {}; delete it to have it built again", path.string(),
               what);
  };
  Header header;
  Trailer trailer;
  if (bytes.size() < sizeof header + sizeof trailer) broken("too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  if (std::memcmp(header.magic, kMagic, sizeof header.magic) != 0) broken("wrong first bytes");
  if (header.version != kVersion) broken("another version of the format");
  if (header.width != 2 && header.width != 4) broken("wrong token width");

  // Each count is bounded by the file's size first, so that sums cannot overflow.
  const uint64_t size = bytes.size();
  if (header.manifest_bytes > size || trailer.documents > size / 16 || trailer.tokens > size / 2)
    broken("wrong counts");
  const uint64_t at_tokens = sizeof header + padded(header.manifest_bytes);
  const uint64_t at_offsets = at_tokens + padded(trailer.tokens * header.width);
  const uint64_t at_texts = at_offsets + 8 * (trailer.documents + 1);
  if (at_texts + 8 * (trailer.documents + 1) + sizeof trailer != size)
    broken("its size is not what its counts say");
  if (parallel_crc(bytes.first(size - sizeof trailer)) != trailer.crc) broken("wrong checksum");

  const std::string_view made_from = file_.text().substr(sizeof header, header.manifest_bytes);
  if (!manifest.empty() && made_from != manifest) broken("made from other data");

  documents_ = static_cast<int64_t>(trailer.documents);
  tokens_ = static_cast<int64_t>(trailer.tokens);
  vocab_size_ = static_cast<int64_t>(header.vocab_size);
  // Of what was read, not of where it was: data may be moved.
  checksum_ = parallel_crc(bytes.first(size - sizeof trailer).subspan(at_tokens));
  width_ = static_cast<int>(header.width);
  data_ = bytes.data() + at_tokens;
  offsets_ = reinterpret_cast<const uint64_t*>(bytes.data() + at_offsets);
  texts_ = reinterpret_cast<const uint64_t*>(bytes.data() + at_texts);
  if (offsets_[0] != 0 || texts_[0] != 0 || offsets_[documents_] != trailer.tokens)
    broken("wrong offsets");
  for (int64_t i = 0; i < documents_; ++i)
    if (offsets_[i] > offsets_[i + 1] || texts_[i] > texts_[i + 1]) broken("wrong offsets");

  std::atomic<bool> in_vocabulary = true;
  base::parallel_blocks(tokens_, kCheckBlock, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> block(static_cast<size_t>(end - begin));
    copy(begin, end - begin, block.data());
    const auto [low, high] = std::minmax_element(block.begin(), block.end());
    if (*low < 0 || *high >= vocab_size_) in_vocabulary = false;
  });
  if (!in_vocabulary) broken("a token beyond the vocabulary");
}

void TokenShard::copy(int64_t first, int64_t count, int32_t* out) const {
  PARLEY_CHECK(first >= 0 && count >= 0 && first + count <= tokens_, "tokens {}+{} of {}", first,
               count, tokens_);
  if (width_ == 2) {
    const auto* tokens = reinterpret_cast<const uint16_t*>(data_) + first;
    std::copy(tokens, tokens + count, out);
  } else {
    std::memcpy(out, data_ + 4 * first, static_cast<size_t>(count) * 4);
  }
}

TokenShard open_or_build_shard(const ShardSpec& spec, const TextEncoder& encoder,
                               const fs::path& cache, bool quiet) {
  const std::string manifest = make_manifest(spec, encoder);
  const fs::path path = cache / fmt::format("{:016x}.tokens", fnv1a(manifest));
  if (fs::exists(path)) {
    try {
      TokenShard shard(path, manifest);
      spdlog::info("tokens: {} (cached)", path.string());
      return shard;
    } catch (const base::Error& error) {
      spdlog::warn("{}; building it again", error.what());
    }
  }
  build(spec, encoder, manifest, path, quiet);
  spdlog::info("tokens: {}", path.string());
  return TokenShard(path, manifest);
}

}  // namespace parley::data

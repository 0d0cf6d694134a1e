// A token shard: a corpus tokenised once, cached in one file and memory-mapped.
//
// The file, little-endian:
//   header    8 bytes "PARLEYTS", u32 version (1), u32 bytes a token (2 or 4),
//             u64 vocabulary size, u64 manifest length M
//   manifest  M bytes, padded with zeros to a multiple of 8: what the shard was made
//             from (tokenizer, files with sizes and times, options), as text
//   tokens    N × u16 or u32, all documents one after another, padded to 8
//   offsets   (D + 1) × u64: document i is tokens [offsets[i], offsets[i + 1])
//   texts     (D + 1) × u64: the same in bytes of the text before tokenisation
//   trailer   u64 D, u64 N, u64 CRC-32 of all bytes before it
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "data/fim.h"
#include "tokenizer/chat.h"

namespace parley::data {

namespace fs = base::fs;

// How text becomes tokens. `fingerprint` names it: the same name, the same tokens.
// `encode` appends the tokens of a text and may run on several threads at once.
struct TextEncoder {
  Encode encode;
  std::string fingerprint;
  int64_t vocab_size = 0;
  // Appends the tokens of a conversation in the form of its chat template, which
  // `chat_fingerprint` names. Empty: conversations are text like any other.
  std::function<void(std::span<const tokenizer::Message>, std::vector<int32_t>& tokens)>
      encode_chat;
  std::string chat_fingerprint;
};

// FNV-1a, 64 bits: names things, protects nothing.
uint64_t fnv1a(std::string_view bytes);

// What a shard is made from.
struct ShardSpec {
  std::vector<fs::path> paths;  // as TextSource takes them
  std::string text_field = "text";
  bool skip_bad = false;  // pass over broken records
  FimOptions fim;
  int64_t hold_out_every = 0;  // documents is_held_out() names are never cut for FIM
};

// Every n-th document is held out for validation, the first one included, whatever
// the seed: files are read in sorted order, so each source gives its share. 0: none.
inline bool is_held_out(int64_t document, int64_t every) {
  return every > 0 && document % every == 0;
}

class TokenShard {
 public:
  TokenShard() = default;
  // Maps the file and checks all of it (sizes, offsets, tokens below the vocabulary,
  // checksum). Error saying what is wrong. An empty manifest accepts any.
  explicit TokenShard(const fs::path& path, std::string_view manifest = {});

  int64_t documents() const { return documents_; }
  int64_t tokens() const { return tokens_; }
  int64_t vocab_size() const { return vocab_size_; }
  // CRC-32 of the tokens and documents: tells one corpus from another, wherever it is.
  uint64_t checksum() const { return checksum_; }
  // Document i's first token, tokens, and bytes of its text.
  int64_t begin(int64_t i) const { return static_cast<int64_t>(offsets_[i]); }
  int64_t length(int64_t i) const { return static_cast<int64_t>(offsets_[i + 1] - offsets_[i]); }
  int64_t text_bytes(int64_t i) const { return static_cast<int64_t>(texts_[i + 1] - texts_[i]); }
  // Copies `count` tokens from token `first` on.
  void copy(int64_t first, int64_t count, int32_t* out) const;

 private:
  base::MappedFile file_;
  int64_t documents_ = 0, tokens_ = 0, vocab_size_ = 0;
  uint64_t checksum_ = 0;
  int width_ = 0;
  const std::byte* data_ = nullptr;    // N tokens of width_ bytes
  const uint64_t* offsets_ = nullptr;  // (D + 1)
  const uint64_t* texts_ = nullptr;    // (D + 1)
};

// The shard of `spec` in the folder `cache`: mapped if it is there and sound, else
// built on all threads with a progress bar and put there whole (an interrupted build
// leaves nothing). The result is the same for any number of threads.
TokenShard open_or_build_shard(const ShardSpec& spec, const TextEncoder& encoder,
                               const fs::path& cache, bool quiet = false);

}  // namespace parley::data

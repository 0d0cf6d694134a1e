// The first half of training: how often each piece of text ("word") occurs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/split.h"

namespace parley::tokenizer {

// Words and their counts: open addressing over one pool of bytes.
class WordTable {
 public:
  struct Word {
    uint64_t hash, offset, count;
    uint32_t length;
  };

  void add(uint64_t hash, std::string_view word, uint64_t count);
  void add_all(const WordTable& other);
  // Forgets the words that occur at most `count` times.
  void drop_up_to(uint64_t count);

  std::span<const Word> words() const { return words_; }
  std::string_view bytes(const Word& word) const {
    return {pool_.data() + word.offset, word.length};
  }

 private:
  void grow();

  std::string pool_;
  std::vector<Word> words_;
  std::vector<uint32_t> slots_;  // index into words_ plus one; 0: empty
};

// Counts the words of a corpus that is fed in batches. Memory grows with the number of
// different words only. Work is cut into blocks of text of fixed size and the tables are
// merged after each batch, so the counts do not depend on the number of threads.
class WordCounter {
 public:
  static constexpr size_t kShards = 16;  // by hash, so that merging tables is parallel too

  // `max_words` (0: no limit): when more are known after a batch, the rarest are
  // forgotten until half as many are left.
  WordCounter(Pattern pattern, size_t max_words) : splitter_(pattern), max_words_(max_words) {}

  // Bytes that are not UTF-8 are skipped: they need no merges.
  void add(std::span<const std::string> documents);

  const std::array<WordTable, kShards>& shards() const { return shards_; }
  size_t size() const;

 private:
  void prune();

  Splitter splitter_;
  size_t max_words_;
  std::array<WordTable, kShards> shards_;
};

}  // namespace parley::tokenizer

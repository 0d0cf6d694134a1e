#include "tokenizer/word_counter.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "tokenizer/merges.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
// Longer words (base64, rulers of dashes) are cut: no token should be that long, and
// each merge inside a word costs its length.
constexpr size_t kMaxWordBytes = 128;

// Cuts a document into parts of about a block, at line ends where there are any.
void cut_into_parts(std::string_view document, std::vector<std::string_view>& parts) {
  while (document.size() > kBlockBytes) {
    const size_t line_end = document.rfind('\n', kBlockBytes);
    size_t cut = line_end == document.npos || line_end == 0 ? kBlockBytes : line_end;
    while (cut < document.size() && (static_cast<uint8_t>(document[cut]) & 0xC0) == 0x80) ++cut;
    parts.push_back(document.substr(0, cut));
    document.remove_prefix(cut);
  }
  parts.push_back(document);
}

void count_words(const Splitter& splitter, std::string_view text,
                 std::array<WordTable, WordCounter::kShards>& tables) {
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    splitter.split(text.substr(0, valid), [&tables](std::string_view piece) {
      while (piece.size() > 1) {  // one byte has nothing to merge
        const std::string_view word = piece.substr(0, kMaxWordBytes);
        const uint64_t hash = hash_bytes(word);
        tables[hash % WordCounter::kShards].add(hash, word, 1);
        piece.remove_prefix(word.size());
      }
    });
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
}

}  // namespace

void WordTable::add(uint64_t hash, std::string_view word, uint64_t count) {
  if (2 * (words_.size() + 1) > slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t i = hash / WordCounter::kShards & mask;
  for (; slots_[i] != 0; i = (i + 1) & mask) {
    Word& known = words_[slots_[i] - 1];
    if (known.hash == hash && bytes(known) == word) {
      known.count += count;
      return;
    }
  }
  if (words_.size() >= UINT32_MAX - 1)
    base::fail("the corpus has too many different words; set a limit with --max-words");
  words_.push_back({hash, pool_.size(), count, static_cast<uint32_t>(word.size())});
  pool_ += word;
  slots_[i] = static_cast<uint32_t>(words_.size());
}

void WordTable::grow() {
  slots_.assign(std::max<size_t>(64, 2 * slots_.size()), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t w = 0; w < words_.size(); ++w) {
    size_t i = words_[w].hash / WordCounter::kShards & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    slots_[i] = static_cast<uint32_t>(w + 1);
  }
}

void WordTable::add_all(const WordTable& other) {
  for (const Word& word : other.words_) add(word.hash, other.bytes(word), word.count);
}

void WordTable::drop_up_to(uint64_t count) {
  WordTable kept;
  for (const Word& word : words_)
    if (word.count > count) kept.add(word.hash, bytes(word), word.count);
  *this = std::move(kept);
}

void WordCounter::add(std::span<const std::string> documents) {
  std::vector<std::string_view> parts;
  for (const std::string& document : documents) cut_into_parts(document, parts);
  // Blocks of neighbouring parts, each about kBlockBytes.
  std::vector<size_t> block_begin = {0};
  for (size_t i = 0, bytes = 0; i < parts.size(); ++i) {
    bytes += parts[i].size();
    if (bytes < kBlockBytes && i + 1 < parts.size()) continue;
    block_begin.push_back(i + 1);
    bytes = 0;
  }
  const size_t blocks = block_begin.size() - 1;
  std::vector<std::array<WordTable, kShards>> tables(blocks);
  base::parallel_for(static_cast<int64_t>(blocks), [&](int64_t b) {
    const auto block = static_cast<size_t>(b);
    for (size_t i = block_begin[block]; i < block_begin[block + 1]; ++i)
      count_words(splitter_, parts[i], tables[block]);
  });
  base::parallel_for(kShards, [&](int64_t shard) {
    for (const auto& table : tables)
      shards_[static_cast<size_t>(shard)].add_all(table[static_cast<size_t>(shard)]);
  });
  if (max_words_ > 0 && size() > max_words_) prune();
}

size_t WordCounter::size() const {
  size_t total = 0;
  for (const WordTable& shard : shards_) total += shard.words().size();
  return total;
}

void WordCounter::prune() {
  std::vector<uint64_t> counts;
  counts.reserve(size());
  for (const WordTable& shard : shards_)
    for (const WordTable::Word& word : shard.words()) counts.push_back(word.count);
  const auto limit = counts.begin() + static_cast<ptrdiff_t>(counts.size() - max_words_ / 2 - 1);
  std::nth_element(counts.begin(), limit, counts.end());
  base::parallel_for(
      kShards, [&](int64_t shard) { shards_[static_cast<size_t>(shard)].drop_up_to(*limit); });
}

}  // namespace parley::tokenizer

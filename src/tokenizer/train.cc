#include "tokenizer/train.h"

#include <algorithm>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/threads.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_counter.h"

namespace parley::tokenizer {
namespace {

constexpr size_t kBatchBytes = size_t{32} << 20;
constexpr int64_t kWordsPerBlock = 2048;
constexpr int64_t kMinCount = 2;

using PairKey = uint64_t;  // left << 32 | right
PairKey key_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

void check_interrupt() {
  if (base::interrupted()) base::fail("interrupted; no tokenizer was written");
}

// How often a pair occurs, and the words where it did when it was made (some may have lost
// it since).
struct Pair {
  PairKey key;
  int64_t count = 0;
  std::vector<uint32_t> words;
};

// Pairs by key, in the order they came.
class PairTable {
 public:
  Pair& operator[](PairKey key) {
    if (2 * (pairs_.size() + 1) > slots_.size()) grow();
    size_t i = slot(key);
    for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1))
      if (pairs_[slots_[i] - 1].key == key) return pairs_[slots_[i] - 1];
    slots_[i] = static_cast<uint32_t>(pairs_.size() + 1);
    return pairs_.emplace_back(Pair{key, 0, {}});
  }

  void add(PairTable&& other) {
    for (Pair& from : other.pairs_) {
      Pair& to = (*this)[from.key];
      to.count += from.count;
      if (to.words.empty()) {
        to.words = std::move(from.words);
      } else {
        to.words.insert(to.words.end(), from.words.begin(), from.words.end());
      }
    }
  }

  std::span<Pair> pairs() { return pairs_; }

 private:
  size_t slot(PairKey key) const {
    return static_cast<size_t>(mix(key, 0x9E3779B97F4A7C15)) & (slots_.size() - 1);
  }
  void grow() {
    slots_.assign(std::max<size_t>(64, 2 * slots_.size()), 0);
    for (size_t p = 0; p < pairs_.size(); ++p) {
      size_t i = slot(pairs_[p].key);
      while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = static_cast<uint32_t>(p + 1);
    }
  }

  std::vector<Pair> pairs_;
  std::vector<uint32_t> slots_;  // index into pairs_ plus one; 0: empty
};

// The words of the corpus as sequences of tokens that get shorter with each merge.
class Corpus {
 public:
  explicit Corpus(const WordCounter& counter) {
    for (const WordTable& shard : counter.shards())
      for (const WordTable::Word& word : shard.words()) {
        begin_.push_back(tokens_.size());
        length_.push_back(word.length);
        count_.push_back(static_cast<int64_t>(word.count));
        for (const char byte : shard.bytes(word)) tokens_.push_back(static_cast<uint8_t>(byte));
      }
    if (count_.size() >= UINT32_MAX)
      base::fail("the corpus has {} different words; set a limit with --max-words", count_.size());
  }

  // All pairs of neighbours. Blocks of words are counted in parallel and added in order.
  PairTable count_pairs() const {
    constexpr int64_t kBlock = 1 << 16;
    const auto words = static_cast<int64_t>(count_.size());
    std::vector<PairTable> blocks(static_cast<size_t>((words + kBlock - 1) / kBlock));
    base::parallel_blocks(words, kBlock, [&](int64_t begin, int64_t end) {
      PairTable& pairs = blocks[static_cast<size_t>(begin / kBlock)];
      for (auto w = static_cast<uint32_t>(begin); w < static_cast<uint32_t>(end); ++w) {
        const int32_t* const t = tokens_.data() + begin_[w];
        for (uint32_t i = 0; i + 1 < length_[w]; ++i) note(pairs[key_of(t[i], t[i + 1])], w);
      }
    });
    PairTable all;
    for (PairTable& block : blocks) all.add(std::exchange(block, {}));
    return all;
  }

  // Replaces the pair by `merged` in all of `words`, and returns how the counts of the
  // pairs next to it change, with the words where pairs are new.
  PairTable merge(int32_t left, int32_t right, int32_t merged, std::span<const uint32_t> words) {
    const auto n = static_cast<int64_t>(words.size());
    std::vector<PairTable> blocks(static_cast<size_t>((n + kWordsPerBlock - 1) / kWordsPerBlock));
    base::parallel_blocks(n, kWordsPerBlock, [&](int64_t begin, int64_t end) {
      PairTable& changes = blocks[static_cast<size_t>(begin / kWordsPerBlock)];
      for (int64_t i = begin; i < end; ++i)
        merge_word(words[static_cast<size_t>(i)], left, right, merged, changes);
    });
    PairTable all = std::move(blocks[0]);
    for (size_t b = 1; b < blocks.size(); ++b) all.add(std::move(blocks[b]));
    return all;
  }

 private:
  void note(Pair& pair, uint32_t word) const {
    pair.count += count_[word];
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
  }

  void merge_word(uint32_t w, int32_t left, int32_t right, int32_t merged, PairTable& changes) {
    int32_t* const t = tokens_.data() + begin_[w];
    const uint32_t n = length_[w];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; ++kept) {
      if (i + 1 >= n || t[i] != left || t[i + 1] != right) {
        t[kept] = t[i++];
        continue;
      }
      if (kept > 0) {
        changes[key_of(t[kept - 1], left)].count -= count_[w];
        note(changes[key_of(t[kept - 1], merged)], w);
      }
      if (i + 2 < n) {
        changes[key_of(right, t[i + 2])].count -= count_[w];
        note(changes[key_of(merged, t[i + 2])], w);
      }
      t[kept] = merged;
      i += 2;
    }
    length_[w] = kept;
  }

  std::vector<int32_t> tokens_;   // of all words, one behind the other
  std::vector<uint64_t> begin_;   // of each word, in tokens_
  std::vector<uint32_t> length_;  // of each word, in tokens; shrinks
  std::vector<int64_t> count_;    // of each word in the text
};

// The queue of candidates: the most frequent pair first, then the lower ids. A pair's count
// falls as merges take its tokens; an entry with an old count is put back with the new one.
struct Candidate {
  int64_t count;
  PairKey key;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : key > other.key;
  }
};

Corpus count_corpus(const TrainOptions& options, const NextDocument& next_document) {
  WordCounter counter(options.pattern, options.max_words);
  std::vector<std::string> batch;
  size_t bytes = 0;
  for (bool more = true; more;) {
    std::string document;
    more = next_document(document);
    if (more) {
      bytes += document.size();
      batch.push_back(std::move(document));
    }
    if (more && bytes < kBatchBytes) continue;
    check_interrupt();
    counter.add(batch);
    batch.clear();
    bytes = 0;
  }
  if (counter.size() == 0) base::fail("there is no text to train a tokenizer on");
  return Corpus(counter);
}

// Learns merges until `tokens` has `target` entries or no pair is frequent enough.
std::vector<MergeTable::Entry> learn_merges(Corpus corpus, size_t target, bool quiet,
                                            std::vector<std::string>& tokens) {
  PairTable pairs = corpus.count_pairs();
  std::vector<Candidate> candidates;
  for (const Pair& pair : pairs.pairs()) candidates.push_back({pair.count, pair.key});
  std::priority_queue<Candidate> queue({}, std::move(candidates));
  std::unordered_map<std::string, int32_t> ids;
  for (size_t id = 0; id < tokens.size(); ++id) ids[tokens[id]] = static_cast<int32_t>(id);

  std::vector<MergeTable::Entry> merges;
  const size_t first = tokens.size();
  base::Progress progress("merging", target - first, "merges", quiet);
  while (tokens.size() < target && !queue.empty()) {
    check_interrupt();
    const Candidate best = queue.top();
    queue.pop();
    Pair& pair = pairs[best.key];
    if (pair.count != best.count) {
      if (pair.count < best.count) queue.push({pair.count, best.key});
      continue;
    }
    if (best.count < kMinCount) break;

    // Two pairs can spell the same token ("a"+"bc", "ab"+"c"): then there is one id.
    const auto left = static_cast<int32_t>(best.key >> 32);
    const auto right = static_cast<int32_t>(best.key & UINT32_MAX);
    const std::string bytes =
        tokens[static_cast<size_t>(left)] + tokens[static_cast<size_t>(right)];
    const auto [spelled, is_new] = ids.emplace(bytes, static_cast<int32_t>(tokens.size()));
    const int32_t merged = spelled->second;
    if (is_new) tokens.push_back(bytes);
    merges.push_back({left, right, {static_cast<uint32_t>(merges.size()), merged}});

    // Each word once: where an id came twice, its pairs' words did too.
    std::vector<uint32_t> words = std::move(pair.words);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    PairTable changes = corpus.merge(left, right, merged, words);
    for (Pair& change : changes.pairs()) {
      Pair& changed = pairs[change.key];
      changed.count += change.count;
      changed.words.insert(changed.words.end(), change.words.begin(), change.words.end());
      if (change.count > 0) queue.push({changed.count, change.key});
    }
    pairs[best.key].count = 0;
    progress.update(tokens.size() - first);
  }
  progress.finish();
  return merges;
}

}  // namespace

Tokenizer train(const TrainOptions& options, const NextDocument& next_document) {
  const auto reserved = static_cast<int64_t>(256 + options.special.size());
  if (options.vocab_size < reserved || options.vocab_size > kMaxVocabulary)
    base::fail(
        "a vocabulary of {} is not possible: it takes at least {} (256 bytes, {} special "
        "tokens) and at most {}",
        options.vocab_size, reserved, options.special.size(), kMaxVocabulary);
  VocabularyDraft draft;
  draft.source = "the trained tokenizer";
  for (int b = 0; b < 256; ++b) draft.tokens.emplace_back(1, static_cast<char>(b));
  const auto target = static_cast<size_t>(options.vocab_size) - options.special.size();
  draft.merges =
      learn_merges(count_corpus(options, next_document), target, options.quiet, draft.tokens);
  if (draft.tokens.size() < target)
    spdlog::warn(
        "the corpus is small: no pair occurs twice after {} merges, so the vocabulary "
        "has {} tokens instead of {}",
        draft.merges.size(), draft.tokens.size() + options.special.size(), options.vocab_size);
  for (const std::string& special : options.special)
    draft.add_special({special, static_cast<int32_t>(draft.tokens.size()), true, false, false});
  draft.rest.splitter = Splitter(options.pattern);
  guess_special_roles(draft);
  return Tokenizer(std::move(draft).build());
}

}  // namespace parley::tokenizer

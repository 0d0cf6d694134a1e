#include "tokenizer/encoder.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer {
namespace {

// ---- Short pieces: arrays, and a look at every pair for the lowest rank.

constexpr size_t kShortPiece = 96;

// A pair's rank above, what it becomes below, so that the smallest key is the next
// merge; equal ranks go to the leftmost pair.
uint64_t key_of(Merge merge) {
  return uint64_t{merge.rank} << 32 | static_cast<uint32_t>(merge.id);
}
constexpr uint64_t kNoMerge = uint64_t{UINT32_MAX} << 32;

// `symbols` and `keys` (of each symbol with the one behind it; the last is kNoMerge)
// have n entries and shrink in place; returns how many symbols remain.
size_t merge_short(const MergeTable& merges, int32_t* symbols, uint64_t* keys, size_t n) {
  while (n > 1) {
    size_t best = 0;
    uint64_t best_rank = keys[0] >> 32;
    for (size_t i = 1; i + 1 < n; ++i) {
      const uint64_t rank = keys[i] >> 32;
      if (rank < best_rank) {
        best_rank = rank;
        best = i;
      }
    }
    if (best_rank == UINT32_MAX) break;
    symbols[best] = static_cast<int32_t>(static_cast<uint32_t>(keys[best]));
    const size_t behind = n - best - 2;
    std::memmove(symbols + best + 1, symbols + best + 2, behind * sizeof *symbols);
    std::memmove(keys + best + 1, keys + best + 2, behind * sizeof *keys);
    --n;
    keys[best] = best + 1 < n ? key_of(merges.find(symbols[best], symbols[best + 1])) : kNoMerge;
    if (best > 0) keys[best - 1] = key_of(merges.find(symbols[best - 1], symbols[best]));
  }
  return n;
}

// ---- Long pieces: a linked list of symbols and a heap of pairs.

struct Symbol {
  int32_t id;
  uint32_t rank;  // of the pair with the symbol behind it; UINT32_MAX: none, or merged away
  int32_t merged;
  uint32_t previous, next;
};
constexpr uint32_t kEnd = UINT32_MAX;

// Appends the ids left after all merges. `symbols` has ids and ranks filled in.
void merge_long(const MergeTable& merges, std::vector<Symbol>& symbols, std::vector<int32_t>& ids) {
  // Entries are rank << 32 | position: the lowest rank first, and leftmost of equals.
  // An entry is stale when the pair at its position has another rank by now.
  std::vector<uint64_t> heap;
  const auto after = std::greater<>();
  for (uint32_t i = 0; i < symbols.size(); ++i)
    if (symbols[i].rank != UINT32_MAX) heap.push_back(uint64_t{symbols[i].rank} << 32 | i);
  std::make_heap(heap.begin(), heap.end(), after);
  const auto rank_pair = [&](uint32_t left) {
    Symbol& s = symbols[left];
    const Merge merge = s.next == kEnd ? Merge{} : merges.find(s.id, symbols[s.next].id);
    s.rank = merge.rank;
    s.merged = merge.id;
    if (merge.rank == UINT32_MAX) return;
    heap.push_back(uint64_t{merge.rank} << 32 | left);
    std::push_heap(heap.begin(), heap.end(), after);
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), after);
    const uint64_t top = heap.back();
    heap.pop_back();
    const auto left = static_cast<uint32_t>(top);
    Symbol& s = symbols[left];
    if (s.rank != top >> 32) continue;
    s.id = s.merged;
    Symbol& gone = symbols[s.next];
    gone.rank = UINT32_MAX;
    s.next = gone.next;
    if (s.next != kEnd) symbols[s.next].previous = left;
    rank_pair(left);
    if (s.previous != kEnd) rank_pair(s.previous);
  }
  for (uint32_t i = 0; i != kEnd; i = symbols[i].next) ids.push_back(symbols[i].id);
}

void encode_long(const Vocabulary& v, const std::vector<int32_t>& start,
                 std::vector<int32_t>& ids) {
  if (start.size() >= kEnd) base::fail("a piece of text has {} symbols: too long", start.size());
  std::vector<Symbol> symbols(start.size());
  for (uint32_t i = 0; i < symbols.size(); ++i) {
    const bool last = i + 1 == symbols.size();
    const Merge merge = last ? Merge{} : v.merges.find(start[i], start[i + 1]);
    symbols[i] = {start[i], merge.rank, merge.id, i == 0 ? kEnd : i - 1, last ? kEnd : i + 1};
  }
  merge_long(v.merges, symbols, ids);
}

// ---- A piece's first symbols, then merging.

void encode_byte_level(const Vocabulary& v, std::string_view piece, std::vector<int32_t>& ids) {
  const auto byte = [piece](size_t i) { return static_cast<uint8_t>(piece[i]); };
  const size_t n = piece.size();
  if (n > kShortPiece) {
    std::vector<int32_t> symbols(n);
    for (size_t i = 0; i < n; ++i) symbols[i] = v.byte_ids[byte(i)];
    return encode_long(v, symbols, ids);
  }
  int32_t symbols[kShortPiece];
  uint64_t keys[kShortPiece];
  for (size_t i = 0; i + 1 < n; ++i) {
    symbols[i] = v.byte_ids[byte(i)];
    keys[i] = key_of(v.byte_merges[size_t{byte(i)} << 8 | byte(i + 1)]);
  }
  symbols[n - 1] = v.byte_ids[byte(n - 1)];
  keys[n - 1] = kNoMerge;
  ids.insert(ids.end(), symbols, symbols + merge_short(v.merges, symbols, keys, n));
}

// Appends the symbols of one character: its token, else its bytes' tokens, else the
// unknown token.
void first_symbols(const Vocabulary& v, std::string_view character, std::vector<int32_t>& symbols) {
  if (const int32_t id = v.tokens.find(character); id >= 0) {
    symbols.push_back(id);
  } else if (v.byte_fallback) {
    for (const char c : character) symbols.push_back(v.byte_ids[static_cast<uint8_t>(c)]);
  } else {
    symbols.push_back(v.unknown);
  }
}

void encode_sentencepiece(const Vocabulary& v, std::string_view piece, std::vector<int32_t>& ids) {
  std::vector<int32_t> symbols;
  while (!piece.empty()) {
    const auto length = static_cast<size_t>(utf8_length(static_cast<uint8_t>(piece[0])));
    const bool valid = length > 0 && length <= piece.size() &&
                       valid_utf8_prefix(piece.substr(0, length)) == length;
    first_symbols(v, piece.substr(0, valid ? length : 1), symbols);
    piece.remove_prefix(valid ? length : 1);
  }
  const size_t n = symbols.size();
  if (n > kShortPiece) return encode_long(v, symbols, ids);
  uint64_t keys[kShortPiece];
  for (size_t i = 0; i + 1 < n; ++i) keys[i] = key_of(v.merges.find(symbols[i], symbols[i + 1]));
  if (n > 0) keys[n - 1] = kNoMerge;
  ids.insert(
      ids.end(), symbols.begin(),
      symbols.begin() + static_cast<ptrdiff_t>(merge_short(v.merges, symbols.data(), keys, n)));
}

// ---- The cache: most of a text is few different words. One cache line an entry, one
// place an entry may be, one cache a thread.

struct alignas(64) CachedPiece {
  static constexpr size_t kMaxBytes = 24, kMaxIds = 8;
  char bytes[kMaxBytes];  // padded with zeros
  uint32_t kind;          // 0: empty
  uint8_t length, count;
  int32_t ids[kMaxIds];
};
static_assert(sizeof(CachedPiece) == 64);

constexpr size_t kCacheEntries = 1 << 15;  // 2 MB

CachedPiece* thread_cache() {
  thread_local const auto cache = std::make_unique<CachedPiece[]>(kCacheEntries);
  return cache.get();
}

// Encodes `piece` with `encode` unless the cache knows it. `kind` tells apart what the same
// bytes may become by different rules.
template <typename Fn>
void encode_cached(uint32_t kind, std::string_view piece, std::vector<int32_t>& ids, Fn&& encode) {
  if (piece.size() > CachedPiece::kMaxBytes) return encode();
  uint64_t words[3] = {0, 0, 0};
  std::memcpy(words, piece.data(), piece.size());
  constexpr uint64_t kA = 0x9E3779B97F4A7C15, kB = 0xD6E8FEB86659FD93;
  const uint64_t hash = mix(words[0] ^ kA, words[1] ^ kB) ^ mix(words[2] ^ kind, kA);
  CachedPiece& entry = thread_cache()[(hash ^ hash >> 32) % kCacheEntries];
  if (entry.kind == kind && entry.length == piece.size() &&
      std::memcmp(entry.bytes, words, sizeof words) == 0) {
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return;
  }
  const size_t before = ids.size();
  encode();
  const size_t count = ids.size() - before;
  if (count > CachedPiece::kMaxIds) return;
  // encode() may have used the same place for a part of this piece; the piece wins.
  std::memcpy(entry.bytes, words, sizeof words);
  entry.kind = kind;
  entry.length = static_cast<uint8_t>(piece.size());
  entry.count = static_cast<uint8_t>(count);
  std::copy_n(ids.data() + before, count, entry.ids);
}

// What the cache knows is keyed by the vocabulary and by whether the bytes were a whole
// piece, which may be a token merges do not lead to, or a segment between seams.
uint32_t whole_kind(const Vocabulary& v) { return v.serial * 2; }
uint32_t segment_kind(const Vocabulary& v) { return v.serial * 2 + 1; }

void encode_segments(const Vocabulary& v, std::string_view piece, std::vector<int32_t>& ids) {
  const auto segment = [&](size_t begin, size_t end) {
    const std::string_view bytes = piece.substr(begin, end - begin);
    encode_cached(segment_kind(v), bytes, ids, [&] { encode_byte_level(v, bytes, ids); });
  };
  size_t begin = 0;
  for (size_t at = 1; at < piece.size(); ++at) {
    if (!v.seams.is_seam(piece, at)) continue;
    segment(begin, at);
    begin = at;
  }
  if (begin > 0) return segment(begin, piece.size());
  encode_byte_level(v, piece, ids);
}

}  // namespace

void encode_piece(const Vocabulary& v, std::string_view piece, std::vector<int32_t>& ids) {
  if (piece.empty()) return;
  encode_cached(whole_kind(v), piece, ids, [&] {
    const int32_t whole = v.whole_pieces ? v.tokens.find(piece) : -1;
    if (whole >= 0) {
      ids.push_back(whole);
    } else if (v.kind == BpeKind::kByteLevel) {
      encode_segments(v, piece, ids);
    } else {
      encode_sentencepiece(v, piece, ids);
    }
  });
}

}  // namespace parley::tokenizer

// The hash tables of BPE: bytes to id, and pair of ids to what it merges into. Open
// addressing, because encoding is little else than looking up.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace parley::tokenizer {

inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_bytes(std::string_view bytes) {
  constexpr uint64_t kA = 0x9E3779B97F4A7C15, kB = 0xD6E8FEB86659FD93;
  uint64_t hash = bytes.size() * kA;
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t word;
  for (; left >= 8; p += 8, left -= 8) {
    std::memcpy(&word, p, 8);
    hash = mix(hash ^ word, kB);
  }
  word = 0;
  if (left > 0) std::memcpy(&word, p, left);
  return mix(hash ^ word ^ kB, kA);
}

// id -> bytes and bytes -> id. Ids may have holes, whose bytes are empty.
class TokenTable {
 public:
  // `tokens[id]`, empty where the id is not used. Where two ids have the same bytes,
  // find() gives the lower, unless `findable` (when given) leaves that one out.
  TokenTable() = default;
  explicit TokenTable(const std::vector<std::string>& tokens,
                      const std::vector<bool>& findable = {});

  int32_t size() const { return static_cast<int32_t>(offsets_.size()) - 1; }
  std::string_view bytes(int32_t id) const {
    const auto i = static_cast<size_t>(id);
    return {pool_.data() + offsets_[i], offsets_[i + 1] - offsets_[i]};
  }
  // -1 if no token has these bytes.
  int32_t find(std::string_view bytes) const;

 private:
  struct Slot {
    uint32_t hash;
    int32_t id;               // -1: empty
    uint32_t offset, length;  // of its bytes in pool_, so that a look-up touches little memory
  };
  std::string pool_;
  std::vector<uint64_t> offsets_ = {0};
  std::vector<Slot> slots_;
};

// What two neighbours become, and how early: the pair with the lowest rank merges first.
struct Merge {
  uint32_t rank = UINT32_MAX;  // UINT32_MAX: they do not merge
  int32_t id = -1;
};

class MergeTable {
 public:
  struct Entry {
    int32_t left, right;
    Merge merge;
  };

  MergeTable() = default;
  // Of two entries with the same pair the later counts.
  explicit MergeTable(const std::vector<Entry>& entries);

  Merge find(int32_t left, int32_t right) const {
    const uint64_t hash = hash_of(left, right);
    if (!(present_[hash & present_mask_] >> (hash >> 58) & 1)) return {};
    for (size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Entry& entry = slots_[i];
      if (entry.left == left && entry.right == right) return entry.merge;
      if (entry.left < 0) return {};
    }
  }
  // All entries, by rank, then left, then right.
  std::vector<Entry> sorted() const;

 private:
  static uint64_t hash_of(int32_t left, int32_t right) {
    const uint64_t key = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
    return mix(key, 0x9E3779B97F4A7C15);
  }

  // Most neighbours do not merge. A hashed bit for each pair that does says so without a
  // look at the table, which is larger than the caches near the core.
  std::vector<uint64_t> present_ = {0};
  size_t present_mask_ = 0;
  std::vector<Entry> slots_;
  size_t mask_ = 0;
};

}  // namespace parley::tokenizer

// Sorted lists of numbers, each kept once and known by an index.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace parley::grammar {

class Interner {
 public:
  Interner() : table_(1024, kFree) {}

  // The index of an equal list; it is the next one if there was none yet.
  uint32_t intern(std::span<const uint64_t> list) {
    const uint64_t hash = hash_of(list);
    uint64_t place = hash & (table_.size() - 1);
    for (; table_[place] != kFree; place = (place + 1) & (table_.size() - 1))
      if (hashes_[table_[place]] == hash && std::ranges::equal((*this)[table_[place]], list))
        return table_[place];
    const auto index = static_cast<uint32_t>(hashes_.size());
    table_[place] = index;
    items_.insert(items_.end(), list.begin(), list.end());
    ends_.push_back(items_.size());
    hashes_.push_back(hash);
    if (hashes_.size() * 2 > table_.size()) grow();
    return index;
  }

  std::span<const uint64_t> operator[](uint32_t index) const {
    const size_t begin = index ? ends_[index - 1] : 0;
    return {items_.data() + begin, ends_[index] - begin};
  }
  uint32_t size() const { return static_cast<uint32_t>(hashes_.size()); }
  size_t memory() const {
    return items_.size() * 8 + hashes_.size() * 16 + table_.size() * sizeof(uint32_t);
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  static uint64_t hash_of(std::span<const uint64_t> list) {
    uint64_t hash = list.size() + 0x9E3779B97F4A7C15;
    for (const uint64_t item : list) {
      hash = (hash ^ item) * 0xBF58476D1CE4E5B9;
      hash ^= hash >> 31;
    }
    return hash;
  }

  void grow() {
    table_.assign(table_.size() * 2, kFree);
    for (uint32_t i = 0; i < hashes_.size(); ++i) {
      uint64_t place = hashes_[i] & (table_.size() - 1);
      while (table_[place] != kFree) place = (place + 1) & (table_.size() - 1);
      table_[place] = i;
    }
  }

  std::vector<uint64_t> items_, hashes_;
  std::vector<size_t> ends_;
  std::vector<uint32_t> table_;  // open addressing; a power of two
};

}  // namespace parley::grammar

#include "tokenizer/merges.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace parley::tokenizer {

TokenTable::TokenTable(const std::vector<std::string>& tokens, const std::vector<bool>& findable) {
  size_t total = 0;
  for (const std::string& token : tokens) total += token.size();
  pool_.reserve(total);
  offsets_.reserve(tokens.size() + 1);
  for (const std::string& token : tokens) {
    pool_ += token;
    offsets_.push_back(pool_.size());
  }
  slots_.assign(std::bit_ceil(2 * tokens.size() + 1), Slot{0, -1, 0, 0});
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || (!findable.empty() && !findable[id])) continue;
    if (find(tokens[id]) >= 0) continue;
    const uint64_t hash = hash_bytes(tokens[id]);
    const size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].id >= 0) i = (i + 1) & mask;
    slots_[i] = {static_cast<uint32_t>(hash >> 32), static_cast<int32_t>(id),
                 static_cast<uint32_t>(offsets_[id]), static_cast<uint32_t>(tokens[id].size())};
  }
}

int32_t TokenTable::find(std::string_view wanted) const {
  if (slots_.empty()) return -1;
  const uint64_t hash = hash_bytes(wanted);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].id >= 0; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.hash == static_cast<uint32_t>(hash >> 32) && slot.length == wanted.size() &&
        std::memcmp(pool_.data() + slot.offset, wanted.data(), wanted.size()) == 0)
      return slot.id;
  }
  return -1;
}

MergeTable::MergeTable(const std::vector<Entry>& entries) {
  slots_.assign(std::bit_ceil(2 * entries.size() + 1), Entry{-1, -1, {}});
  mask_ = slots_.size() - 1;
  present_.assign(std::bit_ceil(entries.size() / 16 + 1), 0);  // 4 to 8 bits a pair
  present_mask_ = present_.size() - 1;
  for (const Entry& entry : entries) {
    const uint64_t hash = hash_of(entry.left, entry.right);
    present_[hash & present_mask_] |= uint64_t{1} << (hash >> 58);
    size_t i = hash & mask_;
    while (slots_[i].left >= 0 && (slots_[i].left != entry.left || slots_[i].right != entry.right))
      i = (i + 1) & mask_;
    slots_[i] = entry;
  }
}

std::vector<MergeTable::Entry> MergeTable::sorted() const {
  std::vector<Entry> entries;
  for (const Entry& entry : slots_)
    if (entry.left >= 0) entries.push_back(entry);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.merge.rank, a.left, a.right) < std::tie(b.merge.rank, b.left, b.right);
  });
  return entries;
}

}  // namespace parley::tokenizer

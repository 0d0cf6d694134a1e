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
  slots_.assign(std::bit_ceil(2 * tokens.size() + 1), Slot{0, -1});
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || (!findable.empty() && !findable[id])) continue;
    if (find(tokens[id]) >= 0) continue;
    const uint64_t hash = hash_bytes(tokens[id]);
    const size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].id >= 0) i = (i + 1) & mask;
    slots_[i] = {static_cast<uint32_t>(hash >> 32), static_cast<int32_t>(id)};
  }
}

int32_t TokenTable::find(std::string_view wanted) const {
  if (slots_.empty()) return -1;
  const uint64_t hash = hash_bytes(wanted);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].id >= 0; i = (i + 1) & mask)
    if (slots_[i].hash == static_cast<uint32_t>(hash >> 32) && bytes(slots_[i].id) == wanted)
      return slots_[i].id;
  return -1;
}

MergeTable::MergeTable(const std::vector<Entry>& entries) {
  slots_.assign(std::bit_ceil(2 * entries.size() + 1), Entry{-1, -1, {}});
  mask_ = slots_.size() - 1;
  for (const Entry& entry : entries) {
    size_t i = slot(entry.left, entry.right);
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

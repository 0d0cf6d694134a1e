#include "infer/block_manager.h"

#include <algorithm>

#include "base/error.h"

namespace parley::infer {

BlockManager::BlockManager(int64_t blocks)
    : blocks_(static_cast<size_t>(blocks)), tokens_(static_cast<size_t>(blocks * kBlock)) {
  PARLEY_CHECK(blocks > 0 && blocks <= INT32_MAX, "{} blocks", blocks);
  // The lowest numbers go out first: memory that was never touched stays so.
  for (int64_t block = blocks; block-- > 0;) free_.push_back(static_cast<int32_t>(block));
}

uint64_t BlockManager::key_of(int32_t parent, std::span<const int32_t> tokens) {
  uint64_t hash = 0x9E3779B97F4A7C15 ^ static_cast<uint64_t>(parent + 1);
  for (const int32_t token : tokens) {
    hash = (hash ^ static_cast<uint64_t>(token)) * 0xD6E8FEB86659FD93;
    hash ^= hash >> 32;
  }
  return hash;
}

int32_t BlockManager::find(int32_t parent, std::span<const int32_t> tokens) const {
  const auto [begin, end] = index_.equal_range(key_of(parent, tokens));
  for (auto it = begin; it != end; ++it) {
    const int32_t block = it->second;
    if (at(block).parent == parent &&
        std::equal(tokens.begin(), tokens.end(), tokens_.begin() + block * kBlock))
      return block;
  }
  return kNone;
}

template <typename Visit>
int64_t BlockManager::walk(std::span<const int32_t> tokens, const Visit& visit) const {
  int32_t parent = kNone;
  int64_t matched = 0;
  for (; tokens.size() >= size_t{kBlock}; tokens = tokens.subspan(size_t{kBlock})) {
    parent = find(parent, tokens.first(size_t{kBlock}));
    if (parent == kNone) break;
    visit(parent);
    ++matched;
  }
  return matched;
}

int64_t BlockManager::match(std::span<const int32_t> tokens) const {
  return walk(tokens, [](int32_t) {});
}

int64_t BlockManager::acquire(std::span<const int32_t> tokens, std::vector<int32_t>& table) {
  PARLEY_CHECK(table.empty(), "the table has {} blocks", table.size());
  const int64_t matched = walk(tokens, [&](int32_t block) { table.push_back(block); });
  for (const int32_t block : table) reference(block);
  hits_ += matched;
  return matched;
}

int64_t BlockManager::idle_among(std::span<const int32_t> tokens, int64_t count) const {
  int64_t idle = 0;
  walk(tokens.first(static_cast<size_t>(count * kBlock)),
       [&](int32_t block) { idle += at(block).references == 0; });
  return idle;
}

bool BlockManager::allocate(std::vector<int32_t>& table) {
  if (free_.empty()) {
    if (oldest_ == kNone) return false;
    const int32_t victim = oldest_;
    unlink(victim);
    unpublish(victim);
    free_.push_back(victim);
    ++evictions_;
  }
  const int32_t block = free_.back();
  free_.pop_back();
  at(block).references = 1;
  table.push_back(block);
  return true;
}

void BlockManager::publish(std::vector<int32_t>& table, size_t i, std::span<const int32_t> tokens) {
  const int32_t block = table[i];
  const int32_t parent = i == 0 ? kNone : table[i - 1];
  PARLEY_CHECK(static_cast<int64_t>(tokens.size()) == kBlock && !at(block).published &&
                   at(block).references == 1 && (parent == kNone || at(parent).published),
               "block {} of {} references with {} tokens", block, at(block).references,
               tokens.size());
  if (const int32_t known = find(parent, tokens); known != kNone) {
    reference(known);
    table[i] = known;
    dereference(block);
    return;
  }
  std::ranges::copy(tokens, tokens_of(block).begin());
  at(block).published = true;
  at(block).parent = parent;
  at(block).key = key_of(parent, tokens);
  if (parent != kNone) ++at(parent).children;
  index_.emplace(at(block).key, block);
}

void BlockManager::release(std::vector<int32_t>& table) {
  for (size_t i = table.size(); i-- > 0;) dereference(table[i]);
  table.clear();
}

void BlockManager::reset() {
  PARLEY_CHECK(stats().used == 0, "{} blocks are referenced", stats().used);
  while (oldest_ != kNone) {
    const int32_t block = oldest_;
    unlink(block);
    unpublish(block);
    free_.push_back(block);
  }
}

BlockManager::Stats BlockManager::stats() const {
  const auto all = static_cast<int64_t>(blocks_.size());
  return {all, all - available(), cached_, hits_, evictions_};
}

void BlockManager::reference(int32_t block) {
  if (at(block).references++ == 0) unlink(block);  // it was cached
}

void BlockManager::dereference(int32_t block) {
  Block& b = at(block);
  PARLEY_CHECK(b.references > 0, "block {} is not referenced", block);
  if (--b.references > 0) return;
  if (!b.published) {
    free_.push_back(block);
    return;
  }
  b.older = newest_;
  b.newer = kNone;
  (newest_ == kNone ? oldest_ : at(newest_).newer) = block;
  newest_ = block;
  ++cached_;
}

void BlockManager::unlink(int32_t block) {
  Block& b = at(block);
  (b.older == kNone ? oldest_ : at(b.older).newer) = b.newer;
  (b.newer == kNone ? newest_ : at(b.newer).older) = b.older;
  b.older = b.newer = kNone;
  --cached_;
}

void BlockManager::unpublish(int32_t block) {
  Block& b = at(block);
  PARLEY_CHECK(b.children == 0, "block {} has {} after it", block, b.children);
  const auto [begin, end] = index_.equal_range(b.key);
  index_.erase(std::find_if(begin, end, [&](const auto& entry) { return entry.second == block; }));
  if (b.parent != kNone) --at(b.parent).children;
  b.published = false;
  b.parent = kNone;
}

void BlockManager::check_invariants() const {
  int64_t published = 0, idle = 0, listed = 0;
  std::vector<int64_t> children(blocks_.size(), 0);
  for (const Block& b : blocks_) {
    PARLEY_CHECK(b.references >= 0, "{} references", b.references);
    published += b.published;
    idle += b.references == 0;
    if (!b.published || b.parent == kNone) continue;
    ++children[static_cast<size_t>(b.parent)];
    PARLEY_CHECK(at(b.parent).published && (b.references == 0 || at(b.parent).references > 0),
                 "a block whose parent {} is gone", b.parent);
  }
  for (size_t i = 0; i < blocks_.size(); ++i)
    PARLEY_CHECK(blocks_[i].children == children[i], "{} and {}", blocks_[i].children, children[i]);
  for (int32_t block = oldest_; block != kNone; block = at(block).newer, ++listed)
    PARLEY_CHECK(at(block).published && at(block).references == 0, "block {}", block);
  PARLEY_CHECK(
      listed == cached_ && idle == available() && published == static_cast<int64_t>(index_.size()),
      "{} listed, {} cached, {} idle, {} free, {} published, {} indexed", listed, cached_, idle,
      free_.size(), published, index_.size());
  for (const int32_t block : free_)
    PARLEY_CHECK(at(block).references == 0 && !at(block).published, "block {}", block);
}

}  // namespace parley::infer

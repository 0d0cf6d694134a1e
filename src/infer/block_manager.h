// Who uses which block of a KV pool, and which blocks are worth keeping.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/kv_pool.h"

namespace parley::infer {

// Hands out the blocks of a pool (Kwon et al. 2023, arXiv 2309.06180) and finds them again
// by their tokens (prefix caching). A sequence names its blocks in a block table: position p
// is in table[p / kBlock], and it holds one reference to each block of its table.
//
// A full block may be published: from then on any sequence that begins with the same
// tokens can share it. It is identified by its tokens and the block before it, which are
// compared themselves, not by their hash: a hit is never wrong. A published block that
// nobody references stays cached until its memory is needed; the least recently used goes
// first. Since tables are released from their ends, the tail of a chain of blocks is always
// older than its head: no cached block ever loses the one before it.
class BlockManager {
 public:
  static constexpr int64_t kBlock = model::kKvBlock;  // positions
  static constexpr int32_t kNone = -1;                // before the first block of a chain

  explicit BlockManager(int64_t blocks);

  // Blocks that `positions` take.
  static int64_t blocks_for(int64_t positions) { return (positions + kBlock - 1) / kBlock; }

  // The number of leading blocks of `tokens` that are published.
  int64_t match(std::span<const int32_t> tokens) const;
  // The same; appends them to the (empty) table, with a reference to each.
  int64_t acquire(std::span<const int32_t> tokens, std::vector<int32_t>& table);
  // How many of the first `count` blocks of `tokens` nobody references: acquiring them
  // leaves so much less to allocate.
  int64_t idle_among(std::span<const int32_t> tokens, int64_t count) const;

  // Appends a block of one's own to the table, forgetting a cached one if need be. False
  // when every block is referenced.
  bool allocate(std::vector<int32_t>& table);
  // Blocks that allocate() can give.
  int64_t available() const { return static_cast<int64_t>(free_.size()) + cached_; }

  // Block number i of the table is full, with these tokens (kBlock of them), and all
  // before it are published. If there is such a block already the table gets that one.
  void publish(std::vector<int32_t>& table, size_t i, std::span<const int32_t> tokens);

  // Lets go of every block of the table, and empties it.
  void release(std::vector<int32_t>& table);

  // Forgets what is published, because the weights changed. Nobody may hold references.
  void reset();

  struct Stats {
    int64_t blocks = 0;     // in all
    int64_t used = 0;       // referenced
    int64_t cached = 0;     // published, not referenced
    int64_t hits = 0;       // blocks shared by acquire(), since the beginning
    int64_t evictions = 0;  // cached blocks given to somebody else
  };
  Stats stats() const;

  // For tests: stops the program when the books do not balance. O(blocks).
  void check_invariants() const;
  int64_t references(int32_t block) const { return at(block).references; }

 private:
  struct Block {
    int64_t references = 0;
    bool published = false;
    int32_t parent = kNone;                // of a published block
    int64_t children = 0;                  // published blocks whose parent this is
    uint64_t key = 0;                      // of a published block, in index_
    int32_t older = kNone, newer = kNone;  // neighbours among the cached
  };

  Block& at(int32_t block) { return blocks_[static_cast<size_t>(block)]; }
  const Block& at(int32_t block) const { return blocks_[static_cast<size_t>(block)]; }
  std::span<int32_t> tokens_of(int32_t block) {
    return std::span(tokens_).subspan(static_cast<size_t>(block * kBlock), size_t{kBlock});
  }
  static uint64_t key_of(int32_t parent, std::span<const int32_t> tokens);
  // The published block with these tokens after `parent`, or kNone.
  int32_t find(int32_t parent, std::span<const int32_t> tokens) const;
  // Calls visit(block) for each of the leading blocks of `tokens` that are published.
  template <typename Visit>
  int64_t walk(std::span<const int32_t> tokens, const Visit& visit) const;
  void reference(int32_t block);
  void dereference(int32_t block);
  void unlink(int32_t block);     // from the list of the cached
  void unpublish(int32_t block);  // forgets its tokens

  std::vector<Block> blocks_;
  std::vector<int32_t> tokens_;  // (blocks, kBlock) of published blocks
  std::vector<int32_t> free_;    // neither referenced nor published; the next one last
  std::unordered_multimap<uint64_t, int32_t> index_;  // published blocks by key
  int32_t oldest_ = kNone, newest_ = kNone;           // of the cached
  int64_t cached_ = 0, hits_ = 0, evictions_ = 0;
};

}  // namespace parley::infer

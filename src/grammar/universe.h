// What is known of one grammar over one vocabulary: the configurations met so far, where each byte
// leads from them, and which tokens they allow.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "grammar/interner.h"
#include "grammar/network.h"
#include "grammar/token_table.h"

namespace parley::grammar {

// A configuration is a set of (state, stacks). `stacks` is the set of ways the rules above may go
// on, a list of frames (state to return to, stacks below it), each such set kept once: a trie of
// stacks shared as far as possible (compare Tomita's graph-structured stack). Everything only
// grows; a universe that has become too large is replaced by a new one, into which a matcher
// takes its configuration along. Not thread-safe.
class Universe {
 public:
  Universe(const Network& network, const TokenTable::Data& tokens);

  using Config = uint32_t;
  static constexpr Config kDead = 0;

  // Before the first byte; kDead if the vocabulary lacks bytes that every answer needs.
  Config start() const { return start_; }
  // After one more byte.
  Config next(Config config, uint8_t byte) {
    const Row* row = rows_[config].get();
    return row && (*row)[byte] != kUnknown ? (*row)[byte] : step(config, byte);
  }
  bool may_end(Config config) const;
  // Nothing can follow but the end.
  bool finished(Config config) const;
  // Bytes to the nearest end.
  int32_t distance(Config config) const { return distances_[config]; }

  struct Mask {
    std::vector<uint64_t> words;  // of the tokens from which an end can be reached
    // No allowed token leads farther from an end than this.
    int32_t max_distance = 0;
  };
  const Mask& mask(Config config);
  // Tokens that lead farther than the configuration itself is, with how far; farthest first.
  std::span<const std::pair<int32_t, int32_t>> farther(Config config);
  // Into `words`: the tokens that lead to at most `limit` bytes from an end.
  void mask_within(Config config, int32_t limit, std::vector<uint64_t>& words);

  // The configuration of another universe of the same network and vocabulary.
  Config transfer(const Universe& other, Config config);

  // Bytes, about.
  size_t memory() const { return memory_ + stacks_.memory() + configs_.memory(); }

 private:
  using Stacks = uint32_t;
  // Entries of both lists: a state (or one of these), and the stacks below.
  static constexpr int32_t kBottom = -2, kBelow = -1, kFirst = kBottom;
  using Row = std::array<Config, 256>;
  static constexpr Config kUnknown = UINT32_MAX;

  // What is allowed by a state's bytes whatever the stacks below it are.
  struct StateMask : Mask {
    std::vector<uint32_t> open;  // nodes where it depends on them: nothing below is decided
  };
  struct ConfigFacts {
    std::unique_ptr<Mask> mask;
    std::unique_ptr<std::vector<std::pair<int32_t, int32_t>>> farther;
  };

  static uint64_t pack(int32_t state, Stacks stacks) {
    return uint64_t{static_cast<uint32_t>(state - kFirst)} << 32 | stacks;
  }
  static int32_t state_of(uint64_t entry) { return static_cast<int32_t>(entry >> 32) + kFirst; }
  static Stacks stacks_of(uint64_t entry) { return static_cast<Stacks>(entry); }

  int32_t state_distance(int32_t state) const {
    return state < 0 ? 0 : state_distances_[static_cast<size_t>(state)];
  }
  int32_t entry_distance(uint64_t entry) const {
    return std::min(kUnreachable,
                    state_distance(state_of(entry)) + stack_distances_[stacks_of(entry)]);
  }

  Stacks push(int32_t state, Stacks below);
  Stacks intern_stacks(std::vector<uint64_t> frames);
  Stacks unite(Stacks a, Stacks b, int depth);
  Config intern_config(std::vector<uint64_t> entries);
  Config step(Config config, uint8_t byte);
  Config close(std::span<const uint64_t> entries);

  const StateMask& state_mask(int32_t state);
  void compose(Config config, Mask& mask);
  // Calls visit(node, configuration there) for the nodes first .. last - 1, a subtree (or all) of
  // the trie, given the configuration before `first`; below a dead one it visits none.
  template <typename Visit>
  void walk(Config before, uint32_t first, uint32_t last, Visit&& visit);
  template <typename Visit>
  void walk_all(Config config, Visit&& visit) {
    walk(config, 1, tokens_.nodes[0].end, visit);
  }
  Config along(Config config, uint32_t node);
  std::span<const int32_t> tokens_at(uint32_t node) const;

  const Network& network_;
  const TokenTable::Data& tokens_;
  std::vector<int32_t> state_distances_;
  Interner stacks_, configs_;
  std::vector<int32_t> stack_distances_, distances_;
  std::unordered_map<uint64_t, Stacks> unions_;
  std::vector<std::unique_ptr<Row>> rows_;
  std::vector<ConfigFacts> facts_;
  std::unordered_map<int32_t, StateMask> state_masks_;
  std::unordered_set<int32_t> met_;  // states whose configurations were asked for a mask
  std::vector<Config> path_;         // of walk(), by depth
  Stacks bottom_ = 0, below_ = 0;    // the whole answer ends; what is below is left open
  Config start_ = kDead;
  size_t memory_ = 0;
};

}  // namespace parley::grammar

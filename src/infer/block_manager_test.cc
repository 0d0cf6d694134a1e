#include "infer/block_manager.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"

namespace parley::infer {
namespace {

constexpr int64_t kBlock = BlockManager::kBlock;
using Table = std::vector<int32_t>;

// Blocks of tokens that are all the same: "1 2" is kBlock ones, then kBlock twos.
std::vector<int32_t> tokens_of(const std::vector<int32_t>& letters) {
  std::vector<int32_t> tokens;
  for (const int32_t letter : letters) tokens.insert(tokens.end(), size_t{kBlock}, letter);
  return tokens;
}

// A table with these blocks, all published.
Table filled(BlockManager& manager, const std::vector<int32_t>& letters) {
  const auto tokens = tokens_of(letters);
  Table table;
  manager.acquire(tokens, table);
  for (size_t i = table.size(); i < letters.size(); ++i) {
    EXPECT_TRUE(manager.allocate(table));
    manager.publish(table, i, std::span(tokens).subspan(i * kBlock, size_t{kBlock}));
  }
  return table;
}

TEST(BlockManager, SharesWhatBeginsAlike) {
  BlockManager manager(8);
  Table a = filled(manager, {1, 2, 3});
  Table b = filled(manager, {1, 2, 4});
  EXPECT_EQ(a[0], b[0]);
  EXPECT_EQ(a[1], b[1]);
  EXPECT_NE(a[2], b[2]);
  EXPECT_EQ(manager.references(a[1]), 2);
  EXPECT_EQ(manager.stats().used, 4);
  EXPECT_EQ(manager.stats().hits, 2);
  EXPECT_EQ(manager.match(tokens_of({2, 3})), 0);  // the same tokens elsewhere
  EXPECT_EQ(manager.match(std::vector<int32_t>(kBlock - 1, 1)), 0);
  manager.release(a);
  EXPECT_EQ(manager.stats().used, 3);
  EXPECT_EQ(manager.stats().cached, 1);
  EXPECT_EQ(manager.match(tokens_of({1, 2, 3})), 3);
  EXPECT_EQ(manager.idle_among(tokens_of({1, 2, 3}), 3), 1);
  manager.release(b);
  manager.check_invariants();
  manager.reset();
  EXPECT_EQ(manager.available(), 8);
  EXPECT_EQ(manager.match(tokens_of({1})), 0);
}

// Two that computed the same at the same time end with one block.
TEST(BlockManager, PublishingTwiceKeepsOne) {
  BlockManager manager(4);
  Table a, b;
  const auto tokens = tokens_of({5});
  ASSERT_TRUE(manager.allocate(a) && manager.allocate(b));
  manager.publish(a, 0, tokens);
  manager.publish(b, 0, tokens);
  EXPECT_EQ(a, b);
  EXPECT_EQ(manager.references(a[0]), 2);
  EXPECT_EQ(manager.stats().used, 1);
  EXPECT_EQ(manager.available(), 3);
  manager.check_invariants();
}

TEST(BlockManager, ForgetsTheLeastRecentlyUsedTailFirst) {
  BlockManager manager(5);
  Table a = filled(manager, {1, 2}), b = filled(manager, {3, 4});
  manager.release(a);
  manager.release(b);
  Table table;
  ASSERT_TRUE(manager.allocate(table));  // the free one
  EXPECT_EQ(manager.stats().evictions, 0);
  ASSERT_TRUE(manager.allocate(table));
  EXPECT_EQ(manager.match(tokens_of({1, 2})), 1);
  a = filled(manager, {1});  // used again: now b is the older one
  manager.release(a);
  ASSERT_TRUE(manager.allocate(table) && manager.allocate(table));
  EXPECT_EQ(manager.match(tokens_of({3, 4})), 0);
  EXPECT_EQ(manager.match(tokens_of({1})), 1);
  ASSERT_TRUE(manager.allocate(table));
  EXPECT_FALSE(manager.allocate(table));
  EXPECT_EQ(manager.stats().evictions, 4);
  manager.check_invariants();
}

// Random sequences that grow and end, against a model: the tokens that were last written
// to each block, with all tokens before them.
TEST(BlockManager, RandomOperationsKeepTheBooks) {
  struct Live {
    std::vector<int32_t> letters;  // by block
    Table table;
    size_t published;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const base::Philox random(seed, 0);
    uint64_t draws = 0;
    const auto below = [&](uint64_t n) { return random.below(draws++, n); };
    const auto blocks = static_cast<int64_t>(4 + below(30));
    BlockManager manager(blocks);
    std::vector<Live> live;
    std::map<int32_t, std::vector<int32_t>> written;  // block → the letters up to its end
    for (int operation = 0; operation < 2000; ++operation) {
      const uint64_t what = below(10);
      if (what < 3) {  // a new one: adopts what is known
        Live sequence;
        for (uint64_t n = 1 + below(5); n-- > 0;)
          sequence.letters.push_back(static_cast<int32_t>(below(2)));
        const auto known = manager.match(tokens_of(sequence.letters));
        EXPECT_EQ(manager.acquire(tokens_of(sequence.letters), sequence.table), known);
        sequence.published = sequence.table.size();
        for (size_t i = 0; i < sequence.table.size(); ++i) {
          const std::vector<int32_t> before(sequence.letters.begin(),
                                            sequence.letters.begin() + static_cast<int64_t>(i) + 1);
          ASSERT_EQ(written.at(sequence.table[i]), before) << "seed " << seed;
        }
        sequence.letters.resize(sequence.table.size());
        live.push_back(std::move(sequence));
      } else if (what < 8 && !live.empty()) {  // one grows, and publishes or not yet
        Live& sequence = live[below(live.size())];
        const int64_t available = manager.available();
        const bool got = manager.allocate(sequence.table);
        ASSERT_EQ(got, available > 0);
        if (got) {
          EXPECT_EQ(manager.references(sequence.table.back()), 1);
          sequence.letters.push_back(static_cast<int32_t>(below(2)));
          written[sequence.table.back()] = sequence.letters;
        }
        if (below(3) > 0)
          for (; sequence.published < sequence.table.size(); ++sequence.published)
            manager.publish(sequence.table, sequence.published,
                            tokens_of({sequence.letters[sequence.published]}));
      } else if (!live.empty()) {  // one ends
        const auto which = static_cast<int64_t>(below(live.size()));
        manager.release(live[static_cast<size_t>(which)].table);
        live.erase(live.begin() + which);
      }
      std::map<int32_t, int64_t> references;
      for (const Live& sequence : live)
        for (const int32_t block : sequence.table) ++references[block];
      for (int32_t block = 0; block < blocks; ++block)
        ASSERT_EQ(manager.references(block), references[block]);
      ASSERT_EQ(manager.stats().used, std::ranges::count_if(references, [](const auto& entry) {
                  return entry.second > 0;
                }));
      manager.check_invariants();
    }
    for (Live& sequence : live) manager.release(sequence.table);
    EXPECT_EQ(manager.available(), blocks);
    EXPECT_EQ(manager.stats().used, 0);
    manager.reset();
    manager.check_invariants();
    EXPECT_EQ(manager.stats().cached, 0);
  }
}

}  // namespace
}  // namespace parley::infer

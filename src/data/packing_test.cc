#include "data/packing.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "data/data_test_util.h"

namespace parley::data {
namespace {

constexpr int32_t kEnd = 299;

// Documents of unlike lengths, "document 0" … .
struct Corpus {
  TempDir dir;
  TokenShard shard;
  std::vector<int64_t> all;

  explicit Corpus(int documents) {
    std::string lines;
    for (int i = 0; i < documents; ++i)
      lines += fmt::format("{{\"text\":\"{}{}\"}}\n", i,
                           std::string(static_cast<size_t>(i * 7 % 50), 'x'));
    base::write_file(dir / "data.jsonl", lines);
    ShardSpec spec;
    spec.paths = {dir / "data.jsonl"};
    shard = open_or_build_shard(spec, byte_encoder(), dir / "cache", true);
    all.resize(static_cast<size_t>(documents));
    std::iota(all.begin(), all.end(), 0);
  }
};

TEST(Packing, EachTokenIsPredictedOnceAnEpoch) {
  Corpus corpus(101);
  for (const bool shuffle : {true, false}) {
    Packer packer(corpus.shard, corpus.all, kEnd, {.T = 16, .seed = 7, .shuffle = shuffle});
    std::map<int32_t, int64_t> expected, counted;
    for (int64_t d = 0; d < corpus.shard.documents(); ++d) {
      std::vector<int32_t> tokens(static_cast<size_t>(corpus.shard.length(d)));
      corpus.shard.copy(corpus.shard.begin(d), corpus.shard.length(d), tokens.data());
      for (const int32_t token : tokens) ++expected[token];
      ++expected[kEnd];
    }
    Batch batch(1, 16);
    int64_t targets = 0;
    for (int64_t row = 0; row < packer.rows_per_epoch(); ++row) {
      packer.fill(static_cast<uint64_t>(row), batch);
      for (const int32_t target : batch.targets)
        if (target >= 0) ++counted[target];
      targets += batch.counted_targets();
    }
    EXPECT_EQ(counted, expected);
    EXPECT_EQ(targets, packer.targets_per_epoch());
  }
}

TEST(Packing, TargetsFollowTokensAndDocumentsStayApart) {
  Corpus corpus(60);
  for (const bool mask : {true, false}) {
    Packer packer(corpus.shard, corpus.all, kEnd, {.T = 32, .seed = 1, .document_mask = mask});
    Batch batch(4, 32);
    packer.fill(0, batch);
    for (size_t i = 0; i < batch.tokens.size(); ++i) {
      const auto t = static_cast<int32_t>(i % 32);
      if (batch.targets[i] < 0) continue;
      if (t + 1 < 32 && batch.targets[i + 1] >= 0) {
        EXPECT_EQ(batch.targets[i], batch.tokens[i + 1]);
      }
      if (!mask) {
        EXPECT_EQ(batch.first_key[i], 0);
        EXPECT_EQ(batch.positions[i], t);
        continue;
      }
      EXPECT_LE(batch.first_key[i], t);
      EXPECT_EQ(batch.positions[i], t - batch.first_key[i]);
      // A document begins with its separator and holds no other.
      EXPECT_EQ(batch.tokens[i] == kEnd, batch.first_key[i] == t && batch.tokens[i] == kEnd);
      if (t > 0 && batch.first_key[i] == t) {
        EXPECT_EQ(batch.tokens[i], kEnd);
      }
    }
  }
}

TEST(Packing, IsAFunctionOfSeedAndRow) {
  Corpus corpus(80);
  Packer packer(corpus.shard, corpus.all, kEnd, {.T = 16, .seed = 3});
  const auto rows = static_cast<uint64_t>(packer.rows_per_epoch());
  Batch forward(2, 16), again(1, 16);
  std::vector<std::vector<int32_t>> seen;
  for (uint64_t row = 0; row < 3 * rows; row += 2) {
    packer.fill(row, forward);
    seen.emplace_back(forward.tokens.begin(), forward.tokens.begin() + 16);
    seen.emplace_back(forward.tokens.begin() + 16, forward.tokens.end());
  }
  Packer other(corpus.shard, corpus.all, kEnd, {.T = 16, .seed = 3});
  for (uint64_t row = 3 * rows; row-- > 0;) {
    other.fill(row, again);
    EXPECT_EQ(again.tokens, seen[row]);
  }
  // Another epoch and another seed have another order.
  EXPECT_NE(std::vector(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(rows)),
            std::vector(seen.begin() + static_cast<std::ptrdiff_t>(rows),
                        seen.begin() + static_cast<std::ptrdiff_t>(2 * rows)));
  Packer reseeded(corpus.shard, corpus.all, kEnd, {.T = 16, .seed = 4});
  Batch first(1, 16);
  reseeded.fill(0, first);
  EXPECT_NE(first.tokens, seen[0]);
}

TEST(Packing, RowsBehindTheOnlyEpochAreEmpty) {
  Corpus corpus(5);
  Packer packer(corpus.shard, corpus.all, kEnd, {.T = 1000, .endless = false});
  EXPECT_EQ(packer.rows_per_epoch(), 1);
  Batch batch(3, 1000);
  packer.fill(0, batch);
  EXPECT_EQ(batch.counted_targets(), packer.targets_per_epoch());
  packer.fill(1, batch);
  EXPECT_EQ(batch.counted_targets(), 0);
}

TEST(Packing, HeldOutDocumentsAreDisjoint) {
  int64_t held_out = 0;
  for (int64_t d = 0; d < 1000; ++d) held_out += is_held_out(d, 200);
  EXPECT_EQ(held_out, 5);
  EXPECT_TRUE(is_held_out(0, 200));
  EXPECT_FALSE(is_held_out(0, 0));
}

TEST(Fim, IsInvertible) {
  const TextEncoder encoder = byte_encoder();
  const FimOptions options{
      .rate = 0.9, .seed = 5, .prefix_token = 256, .suffix_token = 257, .middle_token = 258};
  int counts[3] = {};
  for (uint64_t i = 0; i < 2000; ++i) {
    const std::string text = fmt::format("文 {} 件 {}", i, std::string(i % 40, 'y'));
    const FimCut cut = fim_cut(text, i, options);
    ++counts[static_cast<int>(cut.order)];
    std::vector<int32_t> tokens;
    fim_encode(text, cut, options, encoder.encode, tokens);
    ASSERT_EQ(tokens.size(), text.size() + (cut.order == FimOrder::kNone ? 0 : 3));

    // Put the parts back in order.
    std::string parts[4];  // what stands before any mark, after <prefix>, <suffix>, <middle>
    size_t part = 0;
    for (const int32_t token : tokens) {
      if (token >= 256)
        part = static_cast<size_t>(token - 255);
      else
        parts[part] += static_cast<char>(token);
    }
    std::string restored = parts[0];
    const std::string middle = parts[3];
    if (cut.order == FimOrder::kPsm) restored = parts[1] + middle + parts[2];
    if (cut.order == FimOrder::kSpm) restored = middle + parts[2];
    EXPECT_EQ(restored, text);
    // No cut inside a character.
    for (const size_t at : {cut.middle_begin, cut.middle_end})
      if (at < text.size()) {
        EXPECT_NE(text[at] & 0xC0, 0x80);
      }
  }
  EXPECT_NEAR(counts[0], 200, 60);
  EXPECT_NEAR(counts[1], 900, 120);
  EXPECT_NEAR(counts[2], 900, 120);
}

TEST(Fim, HeldOutDocumentsStayWhole) {
  TempDir dir;
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += "{\"text\":\"some text\"}\n";
  base::write_file(dir / "data.jsonl", lines);
  ShardSpec spec;
  spec.paths = {dir / "data.jsonl"};
  spec.fim = {
      .rate = 1.0, .seed = 0, .prefix_token = 256, .suffix_token = 257, .middle_token = 258};
  spec.hold_out_every = 4;
  const TokenShard shard = open_or_build_shard(spec, byte_encoder(), dir / "cache", true);
  for (int64_t d = 0; d < shard.documents(); ++d)
    EXPECT_EQ(shard.length(d), is_held_out(d, 4) ? 9 : 12);
}

TEST(Fim, ConversationsKeepTheirForm) {
  TempDir dir;
  std::string lines;
  for (int i = 0; i < 20; ++i)
    lines += R"({"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"cde"}]})"
             "\n{\"text\":\"some text\"}\n";
  base::write_file(dir / "data.jsonl", lines);
  ShardSpec spec;
  spec.paths = {dir / "data.jsonl"};
  spec.fim = {
      .rate = 1.0, .seed = 0, .prefix_token = 256, .suffix_token = 257, .middle_token = 258};
  TextEncoder encoder = byte_encoder();
  encoder.chat_fingerprint = "form";
  encoder.encode_chat = [&](std::span<const tokenizer::Message> messages,
                            std::vector<int32_t>& tokens) {
    for (const tokenizer::Message& m : messages) {
      tokens.push_back(m.role == "user" ? 290 : 291);
      encoder.encode(m.content, tokens);
    }
  };
  const TokenShard shard = open_or_build_shard(spec, encoder, dir / "cache", true);
  ASSERT_EQ(shard.documents(), 40);
  const std::vector<int32_t> expected = {290, 'a', 'b', 291, 'c', 'd', 'e'};
  for (int64_t d = 0; d < shard.documents(); d += 2) {
    std::vector<int32_t> tokens(static_cast<size_t>(shard.length(d)));
    shard.copy(shard.begin(d), shard.length(d), tokens.data());
    EXPECT_EQ(tokens, expected);
    EXPECT_EQ(shard.text_bytes(d), 6);      // "ab\ncde"
    EXPECT_EQ(shard.length(d + 1), 9 + 3);  // cut for FIM
  }
  // Without a form they are text, in a shard of its own.
  const TokenShard plain = open_or_build_shard(spec, byte_encoder(), dir / "cache", true);
  EXPECT_EQ(plain.length(0), 6 + 3);
}

}  // namespace
}  // namespace parley::data

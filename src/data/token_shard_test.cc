#include "data/token_shard.h"

#include <atomic>
#include <fstream>

#include "base/error.h"
#include "base/threads.h"
#include "data/data_test_util.h"

namespace parley::data {
namespace {

std::vector<int32_t> document(const TokenShard& shard, int64_t i) {
  std::vector<int32_t> tokens(static_cast<size_t>(shard.length(i)));
  shard.copy(shard.begin(i), shard.length(i), tokens.data());
  return tokens;
}

struct Corpus {
  TempDir dir;
  std::atomic<int> encoded = 0;  // documents: whether a shard was built or reused
  ShardSpec spec;

  explicit Corpus(const std::string& lines) {
    base::write_file(dir / "data.jsonl", lines);
    spec.paths = {dir / "data.jsonl"};
  }
  TokenShard open(int64_t vocab_size = 300) {
    TextEncoder encoder = byte_encoder(vocab_size);
    encoder.encode = [this, inner = encoder.encode](std::string_view text, auto& tokens) {
      ++encoded;
      inner(text, tokens);
    };
    return open_or_build_shard(spec, encoder, dir / "cache", true);
  }
  fs::path file() { return *fs::directory_iterator(dir / "cache"); }
};

// Without the fsync of base::write_file, which would take most of the time here.
void overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

const char* kLines = "{\"text\":\"abc\"}\n{\"text\":\"你\"}\n{\"text\":\"z\"}\n";

TEST(TokenShard, HoldsTheTokensOfEachDocument) {
  for (const int64_t vocab_size : {300, 100000}) {
    Corpus corpus(kLines);
    const TokenShard shard = corpus.open(vocab_size);
    ASSERT_EQ(shard.documents(), 3);
    EXPECT_EQ(shard.tokens(), 7);
    EXPECT_EQ(document(shard, 0), (std::vector<int32_t>{'a', 'b', 'c'}));
    EXPECT_EQ(document(shard, 1), (std::vector<int32_t>{0xe4, 0xbd, 0xa0}));
    EXPECT_EQ(document(shard, 2), (std::vector<int32_t>{'z'}));
    EXPECT_EQ(shard.text_bytes(1), 3);
  }
}

TEST(TokenShard, IsReusedUntilSomethingChanges) {
  Corpus corpus(kLines);
  corpus.open();
  EXPECT_EQ(corpus.encoded, 3);
  corpus.open();
  EXPECT_EQ(corpus.encoded, 3) << "built again although nothing changed";
  corpus.spec.skip_bad = true;
  corpus.open();
  EXPECT_EQ(corpus.encoded, 6);
  base::write_file(corpus.dir / "data.jsonl", "{\"text\":\"changed\"}\n");
  EXPECT_EQ(corpus.open().documents(), 1);
}

TEST(TokenShard, DamageIsNoticedAndRepaired) {
  Corpus corpus(kLines);
  corpus.open();
  const fs::path file = corpus.file();
  const std::string sound = base::read_file(file);
  // Every single damaged byte, and every length short of the whole.
  for (size_t i = 0; i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] ^= 0x10;
    overwrite(file, damaged);
    EXPECT_THROW(TokenShard{file}, base::Error) << "byte " << i;
    overwrite(file, sound.substr(0, i));
    EXPECT_THROW(TokenShard{file}, base::Error) << "length " << i;
  }
  const int before = corpus.encoded;
  EXPECT_EQ(corpus.open().documents(), 3);
  EXPECT_EQ(corpus.encoded, before + 3) << "a damaged cache must be built again";
  EXPECT_EQ(base::read_file(file), sound);
}

TEST(TokenShard, DoesNotDependOnThreads) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += fmt::format("{{\"text\":\"document {}\"}}\n", i);
  Corpus corpus(lines);
  std::string first;
  for (const int threads : {1, 2, 5}) {
    base::set_num_threads(threads);
    corpus.open();
    const std::string bytes = base::read_file(corpus.file());
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first);
    fs::remove(corpus.file());
  }
  base::set_num_threads(0);
}

TEST(TokenShard, BrokenDataLeavesNothing) {
  Corpus corpus("{\"text\":\"fine\"}\n{broken\n");
  const std::string text = error_of([&] { corpus.open(); });
  EXPECT_NE(text.find("data.jsonl:2"), std::string::npos) << text;
  EXPECT_TRUE(fs::is_empty(corpus.dir / "cache"));
  Corpus empty("\n");
  EXPECT_NE(error_of([&] { empty.open(); }).find("no document"), std::string::npos);
}

}  // namespace
}  // namespace parley::data

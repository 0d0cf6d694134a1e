#include "data/text_source.h"

#include <zlib.h>
#include <zstd.h>

#include "base/error.h"
#include "data/data_test_util.h"

namespace parley::data {
namespace {

std::string gzip(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::vector<std::string> read_all(TextSource& source) {
  std::vector<std::string> documents;
  for (std::string d; source.next(d);) documents.push_back(d);
  return documents;
}
std::vector<std::string> read_all(const std::string& bytes, const std::string& name) {
  TextSource source(bytes, name);
  return read_all(source);
}

using Documents = std::vector<std::string>;

TEST(TextSource, JsonLines) {
  const std::string lines =
      "\xef\xbb\xbf{\"text\":\"a\\nb\"}\r\n\n  \n{\"id\":3,\"text\":\"你好\"}\n{\"text\":\"\"}\n"
      "{\"text\":\"no newline\"}";
  const Documents expected = {"a\nb", "你好", "no newline"};
  EXPECT_EQ(read_all(lines, "x.jsonl"), expected);
  EXPECT_EQ(read_all(gzip(lines), "x.jsonl.gz"), expected);
  EXPECT_EQ(read_all(zstd(lines), "x.jsonl.zst"), expected);
  // Several members and frames, as `cat a.gz b.gz` makes them.
  EXPECT_EQ(read_all(gzip("{\"text\":\"1\"}\n") + gzip("{\"text\":\"2\"}\n"), "x.jsonl"),
            (Documents{"1", "2"}));
  EXPECT_EQ(read_all(zstd("{\"text\":\"1\"}\n") + zstd("{\"text\":\"2\"}\n"), "x.jsonl"),
            (Documents{"1", "2"}));
}

TEST(TextSource, ConversationsAreDocumentsToo) {
  const std::string lines =
      R"({"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"你好"},)"
      R"({"role":"assistant","content":"Hello!"}]})"
      "\n{\"text\":\"plain\",\"messages\":7}\n"
      R"({"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]})"
      "\n"
      R"({"instruction":"add","input":"1 2","output":"3"})";
  TextSource source(lines, "x.jsonl");
  const std::vector<std::pair<std::string, size_t>> expected = {
      {"Be kind.\n你好\nHello!", 3}, {"plain", 0}, {"a\nb", 2}, {"add\n\n1 2\n3", 2}};
  std::string document;
  for (const auto& [text, messages] : expected) {
    ASSERT_TRUE(source.next(document));
    EXPECT_EQ(document, text);
    EXPECT_EQ(source.messages().size(), messages) << text;
  }
  EXPECT_FALSE(source.next(document));
  EXPECT_TRUE(source.messages().empty());

  for (const char* bad :
       {R"({"messages":[]})", R"({"messages":7})", R"({"messages":[{"role":"x"}]})",
        R"({"messages":[{"role":"user","content":""}]})"}) {
    const std::string text = error_of([&] { read_all(bad, "x.jsonl"); });
    EXPECT_NE(text.find("x.jsonl:1: "), std::string::npos) << text;
    EXPECT_NE(text.find("--skip-bad"), std::string::npos) << text;
    TextSource passing(std::string_view(bad), "x.jsonl");
    passing.set_skip_bad(true);
    EXPECT_EQ(read_all(passing), Documents{});
    EXPECT_EQ(passing.skipped(), 1u);
  }
}

TEST(TextSource, ErrorsNameLineAndRemedy) {
  const auto message = [](const std::string& bytes) {
    return error_of([&] { read_all("{\"text\":\"ok\"}\n" + bytes, "x.jsonl"); });
  };
  for (const char* bad :
       {"{\"text\":\"cut", "{\"text\":\"a\"} trailing", "nonsense", "{\"body\":\"a\"}",
        "{\"text\":7}", "[1,2]", "{\"text\":\"\xff\xfe\"}", "{\"text\":\"\\ud800\"}"}) {
    const std::string text = message(bad);
    EXPECT_NE(text.find("x.jsonl:2: "), std::string::npos) << text;
    EXPECT_NE(text.find("--skip-bad"), std::string::npos) << text;
  }
  EXPECT_NE(message("{\"body\":\"a\"}").find("--text-field"), std::string::npos);
  const std::string text = error_of([] { read_all("fine\nstill fine\nnot \xff fine\n", "x.txt"); });
  EXPECT_NE(text.find("x.txt:3: the text is not UTF-8"), std::string::npos) << text;
}

TEST(TextSource, SkipBadCounts) {
  TextSource source(std::string_view("{\"text\":\"a\"}\n{bad\n{}\n{\"text\":\"b\"}\n"), "x.jsonl");
  source.set_skip_bad(true);
  EXPECT_EQ(read_all(source), (Documents{"a", "b"}));
  EXPECT_EQ(source.skipped(), 2u);
}

TEST(TextSource, BrokenCompressionIsAnError) {
  const std::string lines = "{\"text\":\"some text that takes a few bytes\"}\n";
  for (const std::string& packed : {gzip(lines), zstd(lines)}) {
    for (size_t keep = 4; keep < packed.size(); ++keep) {
      const std::string text = error_of([&] { read_all(packed.substr(0, keep), "x.jsonl"); });
      EXPECT_NE(text.find("x.jsonl"), std::string::npos) << text;
    }
  }
  // gzip always has a checksum.
  std::string flipped = gzip(lines);
  flipped[flipped.size() / 2] ^= 0x55;
  error_of([&] { read_all(flipped, "x.jsonl"); });
}

TEST(TextSource, LongLineIsAnErrorNotAnAllocation) {
  // 1 GB of one line in 1 MB of gzip.
  std::string bomb;
  const std::string member = gzip(std::string(size_t{32} << 20, 'a'));
  for (int i = 0; i < 32; ++i) bomb += member;
  const std::string text = error_of([&] { read_all(bomb, "x.jsonl.gz"); });
  EXPECT_NE(text.find("longer than"), std::string::npos) << text;
}

TEST(TextSource, TextIsCutAtParagraphs) {
  EXPECT_EQ(read_all("short\n\ntext", "x.txt"), Documents{"short\n\ntext"});
  std::string book;
  while (book.size() < 10 * TextSource::kTextPiece) book += "A sentence. 一句话。\nAnother.\n\n";
  const Documents pieces = read_all(gzip(book), "book.md.gz");
  EXPECT_GT(pieces.size(), 5u);
  std::string joined;
  for (const std::string& piece : pieces) {
    EXPECT_LE(piece.size(), TextSource::kLongestPiece);
    EXPECT_TRUE(piece.ends_with("\n\n"));
    joined += piece;
  }
  EXPECT_EQ(joined, book);

  // Without any newline the cut falls between characters.
  std::string one_line = "x";
  while (one_line.size() < 5 * TextSource::kTextPiece) one_line += "汉";
  joined.clear();
  for (const std::string& piece : read_all(one_line, "x.txt")) {
    EXPECT_TRUE(simdjson::validate_utf8(piece));
    joined += piece;
  }
  EXPECT_EQ(joined, one_line);
}

TEST(TextSource, FoldersAreReadInOrder) {
  TempDir dir;
  fs::create_directories(dir / "b/deep");
  base::write_file(dir / "b/deep/z.txt", "third");
  base::write_file(dir / "b/a.jsonl.gz", gzip("{\"text\":\"second\"}"));
  base::write_file(dir / "a.md", "first");
  base::write_file(dir / "ignored.png", "\xff");
  fs::create_directory_symlink(dir.path(), dir / "b/circle");
  TextSource source({dir.path()});
  std::string document;
  ASSERT_TRUE(source.next(document));
  EXPECT_EQ(document, "first");
  EXPECT_NE(source.where().find("a.md:1"), std::string::npos);
  EXPECT_EQ(read_all(source), (Documents{"second", "third"}));
  EXPECT_EQ(source.bytes_read(), source.total_bytes());

  EXPECT_NE(error_of([&] { TextSource s({dir / "nowhere"}); }).find("no such file"),
            std::string::npos);
  fs::create_directory(dir / "empty");
  EXPECT_NE(error_of([&] { TextSource s({dir / "empty"}); }).find("no .txt, .md or .jsonl"),
            std::string::npos);
}

}  // namespace
}  // namespace parley::data

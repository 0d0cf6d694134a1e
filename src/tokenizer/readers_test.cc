// Files that are wrong are refused with a message that says what and where.
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

using Json = nlohmann::json;

void expect_error(const std::string& message, std::string_view part) {
  EXPECT_NE(message.find(part), std::string::npos)
      << "expected \"" << part << "\" in: " << (message.empty() ? "(no error)" : message);
}

// A small good tokenizer.json, changed by `change`, must fail with `part` in its message.
template <typename Fn>
void expect_json_error(std::string_view part, Fn&& change) {
  Json root = Json::parse(base::read_file(golden("tokenizer_small/tokenizer.json")));
  change(root);
  expect_error(error_of([&] { parse_tokenizer_json(root.dump(), "t.json").build(); }), part);
}

TEST(TokenizerJsonTest, TheUnchangedFileIsGood) {
  Json root = Json::parse(base::read_file(golden("tokenizer_small/tokenizer.json")));
  EXPECT_EQ(parse_tokenizer_json(root.dump(), "t.json").build()->tokens.size(), 560);
}

TEST(TokenizerJsonTest, MistakesAreNamed) {
  const auto vocab = [](Json& root) -> Json& { return root["model"]["vocab"]; };
  const auto merges = [](Json& root) -> Json& { return root["model"]["merges"]; };
  expect_error(error_of([] { parse_tokenizer_json("{\"model\": ", "t.json"); }),
               "t.json: not JSON");
  expect_error(error_of([] { parse_tokenizer_json(std::string(200000, '['), "t.json"); }),
               "t.json: not JSON");
  expect_error(error_of([] { parse_tokenizer_json("[]", "t.json"); }), "only BPE");
  expect_json_error("only BPE", [](Json& r) { r["model"]["type"] = "WordPiece"; });
  expect_json_error("word ends", [](Json& r) { r["model"]["end_of_word_suffix"] = "</w>"; });
  expect_json_error("not an object", [&](Json& r) { vocab(r) = 3; });
  expect_json_error("is not a whole number", [&](Json& r) { vocab(r)["a"] = "97"; });
  expect_json_error("ids lie between", [&](Json& r) { vocab(r)["zzz"] = 4'000'000'000; });
  expect_json_error("ids lie between", [&](Json& r) { vocab(r)["zzz"] = -1; });
  expect_json_error("is given to both", [&](Json& r) { vocab(r)["zzz"] = 97; });
  expect_json_error("byte 0x61 has no token", [&](Json& r) {
    vocab(r).erase("a");
    merges(r) = Json::array();
  });
  expect_json_error("needs the token \"b_\"", [&](Json& r) { merges(r)[0] = {"a", "b_"}; });
  expect_json_error("merge 0 is neither", [&](Json& r) { merges(r)[0] = 5; });
  expect_json_error("merge 0 is not two tokens", [&](Json& r) { merges(r)[0] = "a b c"; });
  expect_json_error("merges is not an array", [&](Json& r) { merges(r) = "a b"; });
  expect_json_error("have the same id",
                    [](Json& r) { r["added_tokens"][1]["id"] = r["added_tokens"][0]["id"]; });
  expect_json_error("ids lie between", [](Json& r) { r["added_tokens"][0]["id"] = 1 << 30; });
  expect_json_error("needs an id and a content",
                    [](Json& r) { r["added_tokens"][2].erase("content"); });
  expect_json_error("add_prefix_space", [](Json& r) {
    r["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true;
  });
  expect_json_error("does not compile", [](Json& r) {
    r["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(";
  });
  expect_json_error("\"Lowercase\" is not supported", [](Json& r) {
    r["normalizer"] = {{"type", "Lowercase"}};
  });
  expect_json_error("neither byte-level", [](Json& r) { r["pre_tokenizer"] = nullptr; });
}

TEST(TokenizerJsonTest, MergesCannotMakeSpecialTokens) {
  Json root = Json::parse(base::read_file(golden("tokenizer_small/tokenizer.json")));
  // "ab" as a special token that a merge leads to.
  root["model"]["vocab"]["ab"] = 560;
  root["model"]["merges"].insert(root["model"]["merges"].begin(), Json{"a", "b"});
  root["added_tokens"].push_back({{"id", 560}, {"content", "ab"}, {"special", true}});
  const Tokenizer tokenizer(parse_tokenizer_json(root.dump(), "t.json").build());
  for (const int32_t id : tokenizer.encode("ab cab")) EXPECT_FALSE(tokenizer.is_special(id));
  EXPECT_EQ(tokenizer.encode_with_special("ab"), std::vector<int32_t>{560});
}

TEST(TokenizerJsonTest, AddedTokensTakeWhiteSpaceAlong) {
  Json root = Json::parse(base::read_file(golden("tokenizer_small/tokenizer.json")));
  root["added_tokens"].push_back(
      {{"id", 560}, {"content", "<mask>"}, {"special", false}, {"lstrip", true}, {"rstrip", true}});
  const Tokenizer tokenizer(parse_tokenizer_json(root.dump(), "t.json").build());
  EXPECT_EQ(tokenizer.encode_with_special("a <mask> \nb"), (std::vector<int32_t>{'a', 560, 'b'}));
  EXPECT_FALSE(tokenizer.is_special(560));
}

// A rank file of the 256 bytes and `more`.
std::string rank_file(std::string_view more) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (uint32_t b = 0; b < 256; ++b)
    text += fmt::format("{}{}== {}\n", kDigits[b >> 2], kDigits[(b & 3) << 4], b);
  text += more;
  return text;
}

TEST(TiktokenTest, ReadsRanks) {
  const Tokenizer tokenizer(
      parse_tiktoken(rank_file("YWI= 256\r\nYWJj 257\n"), "t", "cl100k_base").build());
  EXPECT_EQ(tokenizer.encode("abc ab"), (std::vector<int32_t>{257, ' ', 256}));
  EXPECT_EQ(tokenizer.special("<|fim_prefix|>"), 100258);
}

TEST(TiktokenTest, MistakesAreNamed) {
  const auto error = [](std::string_view more, std::string_view stem = "cl100k_base") {
    return error_of([&] { parse_tiktoken(rank_file(more), "t", stem).build(); });
  };
  expect_error(error("YWI=\n"), "t:257: expected a token in base64");
  expect_error(error("YWI= x\n"), "t:257: expected");
  expect_error(error("Y!I= 256\n"), "t:257: the token is not base64");
  expect_error(error("YWI 256\n"), "t:257: the token is not base64");
  expect_error(error("YWI= 97\n"), "is given to both");
  expect_error(error("YWI= 9999999\n"), "ids lie between");
  expect_error(error("YWI= -5\n"), "ids lie between");
  expect_error(error("", "my_ranks"), "is none of gpt2, r50k_base");
  expect_error(error_of([] { parse_tiktoken("YQ== 0\n", "t", "gpt2").build(); }),
               "byte 0x00 has no token");
  expect_error(error_of([] { parse_tiktoken("", "t", "o200k_base").build(); }), "has no token");
}

std::string llama2c_file(std::initializer_list<std::pair<float, std::string_view>> pieces) {
  std::string file(4, '\0');
  for (const auto& [score, piece] : pieces) {
    const auto length = static_cast<int32_t>(piece.size());
    file.append(reinterpret_cast<const char*>(&score), 4);
    file.append(reinterpret_cast<const char*>(&length), 4);
    file += piece;
  }
  return file;
}

TEST(Llama2cTest, MergesTheBestScoreFirst) {
  const std::string file = llama2c_file({{0, "<unk>"},
                                         {0, "\n<s>\n"},
                                         {0, "\n</s>\n"},
                                         {-5, " "},
                                         {-6, "a"},
                                         {-7, "b"},
                                         {-2, "ab"},
                                         {-1, "ba"},
                                         {-3, " a"}});
  const Tokenizer tokenizer(parse_llama2c(file, "t").build());
  EXPECT_EQ(tokenizer.encode("aba"), (std::vector<int32_t>{8, 7}));
  EXPECT_EQ(tokenizer.encode("abc"), (std::vector<int32_t>{3, 6, 0}));  // c is unknown
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("aba")), "aba");
}

TEST(Llama2cTest, MistakesAreNamed) {
  const auto error = [](std::string_view file) {
    return error_of([&] { parse_llama2c(file, "t").build(); });
  };
  const std::string good =
      llama2c_file({{0, "<unk>"}, {0, "<s>"}, {0, "</s>"}, {-1, "a"}, {-2, "b"}});
  EXPECT_EQ(error(good), "");
  for (size_t size = 0; size + 1 < good.size(); ++size) error(good.substr(0, size));
  expect_error(error(good.substr(0, good.size() - 1)), "has length 1");
  expect_error(error(good.substr(0, 7)), "ends in the middle");
  expect_error(error(good + std::string("\0\0\0\0\xff\xff\xff\x7f", 8)), "has length 2147483647");
  expect_error(error(llama2c_file({{0, "<unk>"}})), "1 pieces");
  expect_error(error(llama2c_file({{0, "u"}, {0, "s"}, {0, "e"}, {0, ""}})), "token 3 is empty");
  expect_error(error(llama2c_file({{0, "u"}, {0, "s"}, {0, "e"}, {0, "\xff"}})), "is not UTF-8");
  expect_error(error(llama2c_file({{0, "u"}, {0, "s"}, {0, "e"}, {std::nanf(""), "a"}})), "NaN");
}

TEST(LoadTest, MissingFilesAreNamed) {
  TemporaryFolder folder;
  expect_error(error_of([&] { Tokenizer::load(folder.path()); }), "no tokenizer here");
  expect_error(error_of([&] { Tokenizer::load(folder.path() / "x.json"); }), "no such file");
  base::write_file(folder.path() / "x.txt", "text");
  expect_error(error_of([&] { Tokenizer::load(folder.path() / "x.txt"); }), "not a tokenizer");
}

TEST(LoadTest, Gpt2sFilesUnderBothNames) {
  const Json root = Json::parse(base::read_file(golden("tokenizer_small/tokenizer.json")));
  std::string merges = "#version: 0.2\n";
  for (const Json& merge : root["model"]["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  for (const auto& [vocab_name, merges_name] :
       {std::pair{"vocab.json", "merges.txt"}, std::pair{"encoder.json", "vocab.bpe"}}) {
    TemporaryFolder folder;
    base::write_file(folder.path() / vocab_name, root["model"]["vocab"].dump());
    base::write_file(folder.path() / merges_name, merges);
    const auto tokenizer = Tokenizer::load(folder.path());
    EXPECT_EQ(tokenizer.vocab_size(), 560);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode("The tokenizer 分词器")), "The tokenizer 分词器");
    EXPECT_EQ(tokenizer.eos(), *tokenizer.special("<|endoftext|>"));
    base::write_file(folder.path() / merges_name, merges + "a\n");
    expect_error(error_of([&] { Tokenizer::load(folder.path()); }), "is not two tokens");
  }
}

}  // namespace
}  // namespace parley::tokenizer

#include "tokenizer/train.h"

#include <map>

#include "base/threads.h"
#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_counter.h"

namespace parley::tokenizer {
namespace {

using Documents = std::vector<std::string>;

Tokenizer train_on(const Documents& documents, TrainOptions options) {
  options.quiet = true;
  size_t next = 0;
  return train(options, [&](std::string& document) {
    if (next == documents.size()) return false;
    document = documents[next++];
    return true;
  });
}

Documents soup_documents(uint64_t seed, int count) {
  TextSoup soup(seed);
  Documents documents;
  for (int i = 0; i < count; ++i) documents.push_back(soup.text(200));
  return documents;
}

// The definition, taken literally: count all pairs anew before each merge.
std::vector<std::string> reference_tokens(const Documents& documents, Pattern pattern,
                                          size_t merges) {
  std::map<std::vector<std::string>, int64_t> words;
  for (const std::string& document : documents)
    Splitter(pattern).split(document, [&](std::string_view piece) {
      std::vector<std::string> word;
      for (const char c : piece) word.emplace_back(1, c);
      ++words[word];
    });
  std::map<std::string, int> ids;
  std::vector<std::string> tokens;
  const auto add = [&](const std::string& token) {
    if (ids.emplace(token, static_cast<int>(tokens.size())).second) tokens.push_back(token);
  };
  for (int b = 0; b < 256; ++b) add(std::string(1, static_cast<char>(b)));
  while (tokens.size() < 256 + merges) {
    std::map<std::pair<int, int>, int64_t> pairs;
    for (const auto& [word, count] : words)
      for (size_t i = 0; i + 1 < word.size(); ++i) pairs[{ids[word[i]], ids[word[i + 1]]}] += count;
    auto best = pairs.begin();
    for (auto p = pairs.begin(); p != pairs.end(); ++p)
      if (p->second > best->second) best = p;
    if (pairs.empty() || best->second < 2) break;
    const std::string left = tokens[static_cast<size_t>(best->first.first)];
    const std::string right = tokens[static_cast<size_t>(best->first.second)];
    add(left + right);
    std::map<std::vector<std::string>, int64_t> merged;
    for (const auto& [word, count] : words) {
      std::vector<std::string> shorter;
      for (size_t i = 0; i < word.size(); ++i) {
        if (i + 1 < word.size() && word[i] == left && word[i + 1] == right) {
          shorter.push_back(left + right);
          ++i;
        } else {
          shorter.push_back(word[i]);
        }
      }
      merged[shorter] += count;
    }
    words = std::move(merged);
  }
  return tokens;
}

TEST(TrainTest, EqualsTheDefinition) {
  for (const Pattern pattern : {Pattern::kGpt2, Pattern::kLlama3, Pattern::kO200k}) {
    Documents documents = soup_documents(3, 10);
    documents.push_back("aaaa aaaaa aaaaaa abab ababab aabaa " + std::string(30, 'a'));
    const auto expected = reference_tokens(documents, pattern, 150);
    TrainOptions options;
    options.special.clear();
    options.pattern = pattern;
    options.vocab_size = 256 + 150;
    const auto tokenizer = train_on(documents, options);
    ASSERT_EQ(tokenizer.vocab_size(), static_cast<int32_t>(expected.size()));
    for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
      ASSERT_EQ(tokenizer.token_bytes(id), expected[static_cast<size_t>(id)]) << id;
  }
}

TEST(TrainTest, TheCheckedInTokenizerIsWhatTrainingGives) {
  TrainOptions options;
  options.vocab_size = 560;
  const auto tokenizer = train_on({base::read_file(golden("tokenizer_corpus.txt"))}, options);
  TemporaryFolder folder;
  tokenizer.save(folder.path());
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    EXPECT_EQ(base::read_file(folder.path() / name),
              base::read_file(golden("tokenizer_small") / name));
}

TEST(TrainTest, ThreadsDoNotMatter) {
  const Documents documents = soup_documents(4, 3000);
  for (const size_t max_words : {size_t{0}, size_t{2000}}) {
    std::string first;
    for (const int threads : {1, 2, 3}) {
      base::set_num_threads(threads);
      TrainOptions options;
      options.vocab_size = 1000;
      options.max_words = max_words;
      const std::string json = to_tokenizer_json(train_on(documents, options).vocabulary());
      if (first.empty()) first = json;
      EXPECT_EQ(json, first) << threads;
    }
  }
  base::set_num_threads(0);
}

TEST(TrainTest, OrdinaryTextGivesNoSpecialTokens) {
  // Text full of a special token's name must not make the name a token by merging.
  Documents documents(50, "x<|im_start|>y <|im_end|>");
  TrainOptions options;
  options.pattern = Pattern::kLlama3;
  options.vocab_size = 300;
  const auto tokenizer = train_on(documents, options);
  for (const int32_t id : tokenizer.encode(documents[0])) EXPECT_FALSE(tokenizer.is_special(id));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(documents[0])), documents[0]);
}

TEST(TrainTest, MistakesAreNamed) {
  TrainOptions options;
  options.vocab_size = 100;
  EXPECT_NE(error_of([&] { train_on({"text"}, options); }).find("at least 264"), std::string::npos);
  options.vocab_size = 1000;
  EXPECT_NE(error_of([&] { train_on({}, options); }).find("no text"), std::string::npos);
  EXPECT_NE(error_of([&] { train_on({"", "\xff"}, options); }).find("no text"), std::string::npos);
}

TEST(WordCounterTest, CountsAndForgetsTheRarest) {
  WordCounter counter(Pattern::kGpt2, 4);
  const auto words = [&counter] {
    std::map<std::string, uint64_t> result;
    for (const WordTable& shard : counter.shards())
      for (const WordTable::Word& word : shard.words())
        result[std::string(shard.bytes(word))] = word.count;
    return result;
  };
  const Documents first = {"aa bb aa",
                           "aa\xff"
                           "bb"};
  counter.add(first);
  EXPECT_EQ(words(),
            (std::map<std::string, uint64_t>{{"aa", 2}, {" aa", 1}, {" bb", 1}, {"bb", 1}}));
  const Documents second = {"aa bb cc"};
  counter.add(second);
  EXPECT_EQ(words(), (std::map<std::string, uint64_t>{{"aa", 3}, {" bb", 2}}));
}

}  // namespace
}  // namespace parley::tokenizer

#include <regex>

#include "grammar/grammar_test_util.h"

namespace parley::grammar {
namespace {

TEST(Regex, AgreesWithTheStandardLibrary) {
  const char* const kPatterns[] = {
      "a*b+c?", "(ab|cd)*e", "[a-c]{2,3}",     "[^ab]+",      "(a|b)*abb",
      "a{0}b",  "a{2,}",     "(?:a|bc){1,2}d", "\\d+\\.\\d*", "[\\w.]+@\\w+",
      "(a*)*b", "a|b|",      "[a\\-\\]]+",     "x[0-9-]y?",   "((a|b)(c|d)){2}",
      "a+?b*?", ".b.",       "[\\d\\s]+",      "\\x41\\u0042"};
  const base::Philox random(3, 0);
  uint64_t position = 0;
  for (const char* pattern : kPatterns) {
    const auto grammar = from_regex(pattern);
    const std::regex reference(pattern);
    for (int i = 0; i < 400; ++i) {
      std::string text;
      const uint64_t length = random.below(position++, 7);
      for (uint64_t j = 0; j < length; ++j)
        text += "abcde01-.]@xyAB \n"[random.below(position++, 17)];
      EXPECT_EQ(accepts(grammar, text), std::regex_match(text, reference))
          << pattern << " '" << text << "'";
    }
    for (uint64_t seed = 0; seed < 20; ++seed) {  // what is written matches
      const Walk walk = random_walk(grammar, json_vocabulary(), seed, 12);
      EXPECT_TRUE(walk.stopped && accepts(grammar, walk.text))
          << pattern << " '" << walk.text << "'";
    }
  }
}

TEST(Regex, CharactersAreCodePoints) {
  EXPECT_TRUE(accepts(from_regex("^.{2}$"), "中\U0001F600"));
  EXPECT_FALSE(accepts(from_regex(".{2}"), "中"));
  EXPECT_TRUE(accepts(from_regex("[一-龥]+"), "汉字"));
  EXPECT_FALSE(accepts(from_regex("[一-龥]+"), "a"));
  EXPECT_TRUE(accepts(from_regex("[^一]"), "二"));
  EXPECT_TRUE(accepts(from_regex("\\u{1F600}\\uD83D\\uDE00"), "\U0001F600\U0001F600"));
  EXPECT_FALSE(accepts(from_regex("."), "\n"));
}

TEST(Regex, Errors) {
  for (const auto& [pattern, message] : std::vector<std::pair<std::string, std::string>>{
           {"(a", "')' is missing"},         {"a)", "')' without"},
           {"[a", "']' is missing"},         {"*a", "nothing stands"},
           {"a**", "repetition of"},         {"a{3,2}", "ends before"},
           {"(a)\\1", "back references"},    {"(?=a)b", "look-around"},
           {"(?<!a)b", "look-around"},       {"a\\b", "'\\b'"},
           {"\\p{L}", "properties"},         {"(?i)a", "'(?i'"},
           {"(^a)", "'^' is only"},          {"a^b", "'^' is only"},
           {"a$b", "'$' is only"},           {"[b-a]", "ends before"},
           {"\\uD800", "surrogates"},        {"a{200000}", "100000"},
           {"(a{1000}){1000}", "too large"}, {"a*+", "possessive"},
           {"[]", "without characters"},     {"a\\", "ends too early"}}) {
    const std::string error = error_of([&] { from_regex(pattern); });
    EXPECT_NE(error.find(message), std::string::npos) << pattern << ": " << error;
  }
}

}  // namespace
}  // namespace parley::grammar

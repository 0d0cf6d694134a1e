#include "text/text_stream.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace parley::text {
namespace {

TEST(StopMatcher, PassesTextThrough) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("hello"), "hello");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcher, HoldsBackWhatMayBeAStop) {
  StopMatcher matcher({"\n\nUser:"});
  EXPECT_EQ(matcher.push("Hi.\n"), "Hi.");
  EXPECT_EQ(matcher.push("\nUse"), "");
  EXPECT_EQ(matcher.push("ful"), "\n\nUseful");
  EXPECT_EQ(matcher.push("\n\n"), "");
  EXPECT_EQ(matcher.push("\nUser"), "\n");
  EXPECT_EQ(matcher.push(": what"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, GivesBackWhatWasHeldAtTheEnd) {
  StopMatcher matcher({"</s>"});
  EXPECT_EQ(matcher.push("a</"), "a");
  EXPECT_EQ(matcher.finish(), "</");
}

TEST(StopMatcher, TheEarliestOfSeveralWins) {
  StopMatcher matcher({"bc", "abcd"});
  EXPECT_EQ(matcher.push("xab"), "x");
  EXPECT_EQ(matcher.push("c"), "a");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, RefusesAnEmptyStop) { EXPECT_THROW(StopMatcher({"a", ""}), base::UsageError); }

// Whatever the cuts, the outcome is that of searching the whole text.
TEST(StopMatcher, CutsDoNotMatter) {
  const std::vector<std::string> stops = {"aab", "abab", "bbb"};
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const base::Philox random(seed, 0);
    std::string text;
    for (uint64_t i = 0; i < 20; ++i) text += random.below(i, 2) ? 'a' : 'b';
    size_t end = text.size();
    for (const std::string& stop : stops) end = std::min(end, text.find(stop));

    StopMatcher matcher(stops);
    std::string shown;
    for (size_t at = 0, i = 100; at < text.size(); ++i) {
      const size_t n = 1 + random.below(i, 4);
      shown += matcher.push(text.substr(at, n));
      at += n;
    }
    shown += matcher.finish();
    EXPECT_EQ(shown, text.substr(0, end)) << text;
    EXPECT_EQ(matcher.stopped(), end < text.size()) << text;
  }
}

}  // namespace
}  // namespace parley::text

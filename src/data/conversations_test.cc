#include "data/conversations.h"

#include "base/error.h"
#include "base/random.h"
#include "data/data_test_util.h"
#include "data/json_lines.h"
#include "tokenizer/tokenizer_test_util.h"

namespace parley::data {
namespace {

constexpr const char* kGood =
    R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]})"
    "\n";

class Records : public testing::Test {
 protected:
  fs::path write(const std::string& text, const std::string& name = "data.jsonl") {
    base::write_file(dir_ / name, text);
    return dir_ / name;
  }
  std::vector<Conversation> conversations(const std::string& text, bool skip_bad = false) {
    report_ = {};
    return read_conversations({write(text)}, {.skip_bad = skip_bad, .quiet = true}, report_);
  }
  std::vector<Preference> preferences(const std::string& text, bool skip_bad = false) {
    report_ = {};
    return read_preferences({write(text)}, {.skip_bad = skip_bad, .quiet = true}, report_);
  }
  std::vector<Prompt> prompts(const std::string& text) {
    report_ = {};
    return read_prompts({write(text)}, {.quiet = true}, report_);
  }
  // The error of a file whose second line is `record`; it must name the line and the remedy.
  template <typename Read>
  std::string problem(Read&& read, const std::string& good, const std::string& record) {
    const std::string message = error_of([&] { read(good + record + "\n"); });
    EXPECT_NE(message.find("data.jsonl:2: "), std::string::npos) << message;
    EXPECT_NE(message.find("--skip-bad"), std::string::npos) << message;
    return message;
  }

  TempDir dir_;
  ReadReport report_;
};

using Conversations = Records;

TEST_F(Conversations, ReadsThreeFormsInAnyMix) {
  const auto all = conversations(
      "\xef\xbb\xbf"  // a byte order mark
      R"({"messages":[{"role":"developer","content":"Be kind."},{"role":"user","content":"你好"},)"
      R"({"role":"assistant","content":"您好！😀\n\u4f60"}],"source":"x"})"
      "\r\n\r\n"
      R"({"conversations":[{"from":"gpt","value":"Hi!"},{"from":"human","value":"2+2?"},)"
      R"({"from":"gpt","value":"4"},{"from":"human","value":"Thanks"}]})"
      "\n   \n"
      R"({"instruction":"Translate","input":"cat","output":"猫"})"
      "\n"
      R"({"instruction":"Sing","input":"","output":"La"})"
      "\n"
      R"({"instruction":"Sing","output":"La", "input":null})");
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(report_.records, 5);
  EXPECT_EQ(report_.bad, 0);
  EXPECT_EQ(all[0].messages[0].role, "system");
  EXPECT_EQ(all[0].messages[1].content, "你好");
  EXPECT_EQ(all[0].messages[2].content, "您好！😀\n你");
  EXPECT_TRUE(all[0].where.ends_with("data.jsonl:1"));
  EXPECT_EQ(all[1].messages.size(), 4u);
  EXPECT_EQ(all[1].messages[0].role, "assistant");
  EXPECT_TRUE(all[1].where.ends_with("data.jsonl:3"));
  EXPECT_EQ(all[2].messages[0].content, "Translate\n\ncat");
  EXPECT_EQ(all[2].messages[1].content, "猫");
  EXPECT_EQ(all[3].messages[0].content, "Sing");
  EXPECT_EQ(all[4].messages[0].content, "Sing");
}

TEST_F(Conversations, EveryBrokenRecordIsNamed) {
  const std::pair<std::string, const char*> cases[] = {
      {R"({"messages":[)", "not valid JSON"},
      {"[1,2]", "not a JSON object"},
      {"7", "not a JSON object"},
      {"{}", "none of"},
      {R"({"messages":[]})", "\"messages\" is empty"},
      {R"({"messages":"hi"})", "\"messages\" is not a list"},
      {R"({"messages":null})", "none of"},
      {R"({"messages":[7]})", "message 1 is not an object"},
      {R"({"messages":[{"content":"x"}]})", "message 1 has no text \"role\""},
      {R"({"messages":[{"role":1,"content":"x"}]})", "message 1 has no text \"role\""},
      {R"({"messages":[{"role":"robot","content":"x"}]})", "the role \"robot\""},
      {R"({"messages":[{"role":"tool","content":"x"}]})", "tools cannot be learned"},
      {R"({"conversations":[{"from":"function","value":"x"}]})", "tools cannot be learned"},
      {R"({"messages":[{"role":"assistant","content":null,"tool_calls":[]}]})", "calls a tool"},
      {R"({"messages":[{"role":"user"}]})", "message 1 has no \"content\""},
      {R"({"messages":[{"role":"user","content":["x"]}]})", "is not a text"},
      {R"({"messages":[{"role":"user","content":" \n\t"}]})", "is empty"},
      {R"({"messages":[{"role":"user","content":"x"}]})", "nothing to learn"},
      {R"({"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]})",
       "message 2 is a system message"},
      {R"({"messages":[{"role":"assistant","content":"x","weight":0}]})", "the weight 0"},
      {R"({"conversations":[{"role":"user","content":"x"}]})", "no text \"from\""},
      {R"({"instruction":"x"})", "nothing to learn"},
      {R"({"instruction":"x","output":""})", "\"output\" is empty"},
      {R"({"instruction":"x","input":3,"output":"y"})", "\"input\" is not a text"},
      // Invalid UTF-8: a lone byte, a cut character, an encoded surrogate; lone escapes.
      {"{\"instruction\":\"\xff\",\"output\":\"y\"}", "not valid JSON"},
      {"{\"instruction\":\"\xe4\xbd\",\"output\":\"y\"}", "not valid JSON"},
      {"{\"instruction\":\"\xed\xa0\x80\",\"output\":\"y\"}", "not valid JSON"},
      {R"({"instruction":"\ud83d","output":"y"})", "not valid JSON"},
      {R"({"instruction":"\ude00\ud83d","output":"y"})", "not valid JSON"},
      {std::string("{\"instruction\":\"a\0b\",\"output\":\"y\"}", 34), "not valid JSON"},
      {std::string(3000, '['), "not valid JSON"},
  };
  for (const auto& [record, expected] : cases) {
    const std::string message =
        problem([&](const std::string& text) { conversations(text); }, kGood, record);
    EXPECT_NE(message.find(expected), std::string::npos) << record << "\n" << message;
    // Passed over, with a count.
    EXPECT_EQ(conversations(kGood + record + "\n" + kGood, true).size(), 2u) << record;
    EXPECT_EQ(report_.bad, 1);
    EXPECT_EQ(report_.records, 2);
    ASSERT_EQ(report_.first_problems.size(), 1u);
    EXPECT_NE(report_.first_problems[0].find("data.jsonl:2: "), std::string::npos);
  }
}

TEST_F(Conversations, TurnsOfOneRoleInARowStayAsTheyAre) {
  const auto all = conversations(
      R"({"conversations":[{"from":"human","value":"a"},{"from":"human","value":"b"},)"
      R"({"from":"gpt","value":"c"},{"from":"gpt","value":"d"}]})");
  ASSERT_EQ(all[0].messages.size(), 4u);
  EXPECT_EQ(all[0].messages[1].content, "b");
  EXPECT_EQ(all[0].messages[3].role, "assistant");
}

TEST_F(Conversations, NoRecordsIsAnError) {
  for (const char* text : {"", "\n\n \n"})
    EXPECT_NE(error_of([&] { conversations(text); }).find("no records"), std::string::npos);
  const std::string all_bad = error_of([&] { conversations("{}\n{}\n", true); });
  EXPECT_NE(all_bad.find("all 2 records are broken"), std::string::npos) << all_bad;
  EXPECT_NE(error_of([&] {
              read_conversations({dir_ / "missing.jsonl"}, {}, report_);
            }).find("missing.jsonl"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_conversations({dir_.path()}, {}, report_); }).find("a folder"),
            std::string::npos);
  EXPECT_THROW(read_conversations({}, {}, report_), base::Error);
}

TEST_F(Conversations, OnlyTheFirstProblemsAreKept) {
  std::string text = kGood;
  for (int i = 0; i < 50; ++i) text += "{}\n";
  conversations(text, true);
  EXPECT_EQ(report_.bad, 50);
  EXPECT_EQ(report_.first_problems.size(), 5u);
}

TEST_F(Conversations, HugeLinesAreReadAndTooHugeOnesRefused) {
  const std::string content(size_t{3} << 20, 'a');
  const auto all = conversations(R"({"instruction":"x","output":")" + content + "\"}\n" + kGood);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].messages[1].content, content);
  const std::string huge(kMaxLineBytes + 1, 'a');
  EXPECT_NE(error_of([&] { conversations(kGood + huge); }).find("data.jsonl:2"), std::string::npos);
}

// Whatever bytes come, reading ends in records or in an Error.
TEST_F(Conversations, RandomBytesNeverCrash) {
  const std::string seed =
      kGood +
      std::string(
          R"({"conversations":[{"from":"human","value":"你"},{"from":"gpt","value":"\n"}]})");
  int good = 0;
  for (uint64_t round = 0; round < 400; ++round) {
    std::string text = seed;
    const base::Philox random(1, round);
    for (uint64_t edit = 0; edit <= random.below(0, 4); ++edit) {
      const size_t at = random.below(3 * edit + 1, text.size());
      if (random.below(3 * edit + 2, 3) == 0)
        text.erase(at, 1);
      else
        text[at] = static_cast<char>(random.below(3 * edit + 3, 256));
    }
    try {
      conversations(text, true);
      EXPECT_GT(report_.records, 0);
      ++good;
    } catch (const base::Error& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
  }
  EXPECT_GT(good, 100);
  EXPECT_LT(good, 400);
}

using Preferences = Records;
constexpr const char* kPair = R"({"prompt":"q","chosen":"a","rejected":"b"})"
                              "\n";

TEST_F(Preferences, ReadsPairsAndRankings) {
  const auto all =
      preferences(R"({"messages":[{"role":"user","content":"问"}],"chosen":"好","rejected":"坏"})"
                  "\n"
                  R"({"prompt":"q","chosen":"a","rejected":"b"})"
                  "\n"
                  R"({"prompt":"q","answers":["a","b","c"]})"
                  "\n"
                  R"({"prompt":"q","answers":["w","x","y","z"],"ranks":[3,1,2.5,1]})"
                  "\n");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].messages[0].content, "问");
  EXPECT_EQ(all[0].answers, (std::vector<std::string>{"好", "坏"}));
  EXPECT_EQ(all[0].ranks, (std::vector<double>{1, 2}));
  EXPECT_EQ(all[1].messages[0].role, "user");
  EXPECT_EQ(all[2].ranks, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(all[3].answers, (std::vector<std::string>{"x", "z", "y", "w"}));
  EXPECT_EQ(all[3].ranks, (std::vector<double>{1, 1, 2.5, 3}));
  EXPECT_TRUE(all[3].where.ends_with(":4"));
}

TEST_F(Preferences, EveryBrokenRecordIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"chosen":"a","rejected":"b"})", "neither \"messages\" nor \"prompt\""},
      {R"({"prompt":"q"})", "neither \"chosen\""},
      {R"({"prompt":7,"chosen":"a","rejected":"b"})", "\"prompt\" is not a text"},
      {R"({"prompt":"","chosen":"a","rejected":"b"})", "\"prompt\" is empty"},
      {R"({"prompt":"q","chosen":"a"})", "without \"rejected\""},
      {R"({"prompt":"q","chosen":"a","rejected":"a"})", "are equal"},
      {R"({"prompt":"q","chosen":" ","rejected":"a"})", "\"chosen\" is empty"},
      {R"({"prompt":"q","chosen":["a"],"rejected":"a"})", "\"chosen\" is not a text"},
      {R"({"prompt":"q","answers":"a"})", "\"answers\" is not a list"},
      {R"({"prompt":"q","answers":[]})", "0 answers"},
      {R"({"prompt":"q","answers":["a"]})", "1 answers"},
      {R"({"prompt":"q","answers":["0","1","2","3","4","5","6","7","8","9"]})", "10 answers"},
      {R"({"prompt":"q","answers":["a","b","a"]})", "answers 1 and 3 are equal"},
      {R"({"prompt":"q","answers":["a",3]})", "answer 2 is not a text"},
      {R"({"prompt":"q","answers":["a","b"],"ranks":[1]})", "2 answers, but 1 ranks"},
      {R"({"prompt":"q","answers":["a","b"],"ranks":[1,"2"]})", "rank 2 is not a number"},
      {R"({"prompt":"q","answers":["a","b"],"ranks":[1,NaN]})", "not valid JSON"},
      {R"({"prompt":"q","answers":["a","b"],"ranks":[1,1e999]})", "not valid JSON"},
      {R"({"prompt":"q","answers":["a","b"],"ranks":{"a":1}})", "\"ranks\" is not a list"},
      {R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"r"}],)"
       R"("chosen":"a","rejected":"b"})",
       "do not end with the user's turn"},
      {R"({"messages":[],"chosen":"a","rejected":"b"})", "is empty"},
  };
  for (const auto& [record, expected] : cases) {
    const std::string message =
        problem([&](const std::string& text) { preferences(text); }, kPair, record);
    EXPECT_NE(message.find(expected), std::string::npos) << record << "\n" << message;
    EXPECT_EQ(preferences(std::string(kPair) + record, true).size(), 1u);
    EXPECT_EQ(report_.bad, 1);
  }
}

using Prompts = Records;

TEST_F(Prompts, ReadsMessagesAndTexts) {
  const auto all = prompts(
      R"({"messages":[{"role":"user","content":"1+1?"},{"role":"assistant","content":"2"}],)"
      R"("answer":"2","tests":["a",{"b":1.5}]})"
      "\n"
      R"({"prompt":"def f(","id":12345678901234567890})"
      "\n");
  ASSERT_EQ(all.size(), 2u);
  ASSERT_EQ(all[0].messages.size(), 1u);
  EXPECT_EQ(all[0].record["answer"], "2");
  EXPECT_EQ(all[0].record["tests"][1]["b"], 1.5);
  EXPECT_TRUE(all[1].messages.empty());
  EXPECT_EQ(all[1].text, "def f(");
  EXPECT_EQ(all[1].record["id"], 12345678901234567890u);
  for (const char* bad : {"{}", R"({"prompt":""})", R"({"prompt":[]})",
                          R"({"messages":[{"role":"assistant","content":"x"}]})",
                          R"({"messages":[{"role":"system","content":"x"}]})"})
    EXPECT_NE(error_of([&] { prompts(bad); }).find("data.jsonl:1: "), std::string::npos) << bad;
}

// The files a project is likely to begin with, when they are at hand.
TEST(RealData, EveryFileReads) {
  const fs::path folder = tokenizer::shared_data();
  if (!fs::exists(folder)) GTEST_SKIP() << folder << ": no data here (PARLEY_DATA names a folder)";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path file = entry.path();
    const std::string kind = file.parent_path().filename().string();
    if (file.extension() != ".jsonl") continue;
    ReadReport report;
    if (kind.starts_with("sft")) {
      EXPECT_FALSE(read_conversations({file}, {}, report).empty()) << file;
    } else if (kind.starts_with("preference")) {
      EXPECT_FALSE(read_preferences({file}, {}, report).empty()) << file;
    }
  }
}

}  // namespace
}  // namespace parley::data

#include "store/store_test_util.h"
#include "store/terms.h"

namespace parley::store {
namespace {

using SearchTest = StoreTest;
PARLEY_ALL_DATABASES(SearchTest);

TEST(Terms, WordsAndPairs) {
  EXPECT_EQ(search_terms("Hello, WORLD!"), "hello world");
  EXPECT_EQ(search_terms("它很好"), "它很 很好 好");
  EXPECT_EQ(search_terms("猫"), "猫");
  EXPECT_EQ(search_terms("用GPT-3训练2个模型。"), "用 gpt 3 训练 练 2 个模 模型 型");
  EXPECT_EQ(search_terms("ひらがなカ"), "ひら らが がな なカ カ");
  EXPECT_EQ(search_terms("한국어를"), "한국 국어 어를 를");
  EXPECT_EQ(search_terms(""), "");
  EXPECT_EQ(search_terms(" \t\n.,;!?—…。，🙂 "), "");
}

TEST(Terms, FoldsCaseAndCompatibility) {
  EXPECT_EQ(search_terms("Straße ΣΊΣΥΦΟΣ"), "strasse σίσυφοσ");
  EXPECT_EQ(search_terms("ＦＵＬＬ　ｗｉｄｔｈ １２"), "full width 12");
  EXPECT_EQ(search_terms("ﬁne x² ㎏"), "fine x2 kg");
  EXPECT_EQ(search_terms("caf\u00E9 cafe\u0301"), "café café");  // composed or not
  EXPECT_EQ(search_terms("ｶﾞｷﾞ"), search_terms("ガギ"));
  EXPECT_EQ(search_terms("\u1112\u1161\u11AB\u1100\u1173\u11AF"), search_terms("한글"));
  EXPECT_EQ(search_terms("co\u00ADop\u200Berate"), "cooperate");
}

TEST(Terms, ScriptsWithMarks) {
  EXPECT_EQ(search_terms("नमस्ते दुनिया"), "नमस्ते दुनिया");
  EXPECT_EQ(search_terms("שָׁלוֹם"), search_terms("שָׁלוֹם"));
  EXPECT_NE(search_terms("สวัสดี"), "");
  EXPECT_EQ(search_terms("𠮷野"), "𠮷野 野");
}

TEST(Terms, OddInput) {
  EXPECT_EQ(search_terms("a\xFF\xC3 b\x80\xE4\xBD"), "a b");
  EXPECT_EQ(search_terms(std::string("a\0b", 3)), "a b");
  std::string marks = "字";
  for (int i = 0; i < 5000; ++i) marks += "\u0301";
  EXPECT_LE(search_terms(marks + "a" + marks).size(), 1000u);
  // Marks that have to be sorted, as many as a message may have.
  std::string unsorted = "a";
  for (int i = 0; i < 100'000; ++i) unsorted += "\u0301\u0316";
  EXPECT_LE(search_terms(unsorted).size(), kMaxTermBytes);
  const std::string word(10'000, 'w');
  for (const QueryTerm& term : query_terms(word, true)) EXPECT_LE(term.text.size(), 130u);
  std::string all;
  for (int i = 0; i < 300'000; ++i) all += std::to_string(i) + ' ';
  EXPECT_LE(search_terms(all).size(), kMaxTermBytes);
  EXPECT_LE(query_terms(all, false).size(), 64u);
}

TEST(Terms, Queries) {
  const auto text = [](const std::vector<QueryTerm>& terms) {
    std::string all;
    for (const QueryTerm& term : terms) all += term.text + (term.prefix ? "* " : " ");
    return all;
  };
  EXPECT_EQ(text(query_terms("the cat the ca", true)), "the cat ca* ");
  EXPECT_EQ(text(query_terms("机器学", true)), "机器 器学* ");
  EXPECT_EQ(text(query_terms("猫 food", true)), "猫* food* ");
  EXPECT_EQ(text(query_terms("What is the capital of France?", false)), "capital france ");
  EXPECT_EQ(text(query_terms("what is this", false)), "what is this ");
}

TEST(Snippets, MarkTheMatches) {
  const auto snippet = [](const std::string& text, const char* query) {
    std::string marked = make_snippet(text, query_terms(query, true)), readable;
    for (size_t i = 0; i < marked.size(); ++i)
      if (marked.compare(i, 3, "\xEE\x80\x80") == 0)
        readable += '[', i += 2;
      else if (marked.compare(i, 3, "\xEE\x80\x81") == 0)
        readable += ']', i += 2;
      else
        readable += marked[i];
    return readable;
  };
  EXPECT_EQ(snippet("The Cat sat on the mat", "cat mat"), "The [Cat] sat on the [mat]");
  EXPECT_EQ(snippet("category", "cat"), "[category]");
  EXPECT_EQ(snippet("我喜欢机器学习和猫", "机器学习"), "我喜欢[机器学习]和猫");
  EXPECT_EQ(snippet("我喜欢机器学习和猫", "猫"), "我喜欢机器学习和[猫]");
  EXPECT_EQ(snippet("wei\xC3\x9F nicht", "WEISS"), "[weiß] nicht");
  EXPECT_EQ(snippet("12㎏ x", "12kg"), "[12㎏] x");
  EXPECT_EQ(snippet("line\n\n  two\tcat", "cat"), "line two [cat]");
  EXPECT_EQ(snippet("no match here", "zebra"), "no match here");
  EXPECT_EQ(snippet("", "zebra"), "");
  EXPECT_EQ(snippet("own \xEE\x80\x80mark\xEE\x80\x81 cat", "cat"), "own mark [cat]");
  std::string text;
  for (int i = 0; i < 200; ++i) text += "filler 填充 ";
  const std::string in_the_middle = snippet(text + "needle " + text, "needle");
  EXPECT_TRUE(in_the_middle.starts_with("…")) << in_the_middle;
  EXPECT_TRUE(in_the_middle.ends_with("…")) << in_the_middle;
  EXPECT_NE(in_the_middle.find("[needle]"), std::string::npos) << in_the_middle;
  EXPECT_LT(in_the_middle.size(), 400u);
  // Never cut within a character.
  std::string wide;
  for (int i = 0; i < 500; ++i) wide += "字𠮷é";
  for (const char* query : {"字𠮷", "zz"})
    EXPECT_TRUE(is_valid_text(make_snippet(wide, query_terms(query, true))));
}

TEST_P(SearchTest, TitlesAndMessages) {
  const User ann = add_user("ann");
  const Conversation trip = add_conversation(ann, "A trip to Kyoto 京都之旅");
  const Conversation work = add_conversation(ann, "Work");
  const Message m1 = add_message(trip, "", "Which temples should I see in Kyoto?");
  const Message m2 =
      add_message(trip, m1.id, "去京都看清水寺。Kyoto has many temples.", "assistant");
  const Message m3 = add_message(work, "", "Write a function that sorts numbers");
  const auto ids = [&](const char* query) {
    std::vector<std::string> found;
    for (const SearchHit& hit : store->search(ann.id, query, 20))
      found.push_back(hit.message.empty() ? "title" : hit.message);
    return found;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids("kyoto"), (Ids{"title", m2.id, m1.id}));
  EXPECT_EQ(ids("KYOTO temples"), (Ids{m2.id, m1.id}));
  EXPECT_EQ(ids("temples which"), (Ids{m1.id}));
  EXPECT_EQ(ids("sor"), (Ids{m3.id}));   // unfinished
  EXPECT_EQ(ids("sor numbers"), Ids{});  // only the last word may be
  EXPECT_EQ(ids("京都"), (Ids{"title", m2.id}));
  EXPECT_EQ(ids("清水"), (Ids{m2.id}));
  EXPECT_EQ(ids("水"), (Ids{m2.id}));
  EXPECT_EQ(ids("寺"), (Ids{m2.id}));
  EXPECT_EQ(ids("京都 temples"), (Ids{m2.id}));
  EXPECT_EQ(ids("nothing"), Ids{});
  const auto hits = store->search(ann.id, "京都", 20);
  EXPECT_EQ(hits[0].conversation, trip.id);
  EXPECT_EQ(hits[0].title, trip.title);
  EXPECT_EQ(hits[0].snippet, "A trip to Kyoto \xEE\x80\x80京都\xEE\x80\x81之旅");
  EXPECT_EQ(hits[1].role, "assistant");
  EXPECT_EQ(hits[1].created, m2.created);
  EXPECT_EQ(hits[1].snippet, "去\xEE\x80\x80京都\xEE\x80\x81看清水寺。Kyoto has many temples.");
  EXPECT_EQ(store->search(ann.id, "kyoto", 2).size(), 2u);
  EXPECT_EQ(store->search(ann.id, "kyoto", 1).size(), 1u);
  EXPECT_TRUE(store->search(ann.id, "kyoto", 0).empty());
}

TEST_P(SearchTest, FollowsChanges) {
  const User ann = add_user("ann");
  const Conversation c = add_conversation(ann, "first title");
  Message m = make_message(c, "", "alpha");
  m.status = "streaming";
  store->add_message(m);
  m.content = "alpha beta";
  store->update_message(m);
  EXPECT_EQ(store->search(ann.id, "alpha beta", 9).size(), 1u);
  m.content = "gamma";
  store->update_message(m);
  EXPECT_TRUE(store->search(ann.id, "alpha", 9).empty());
  EXPECT_EQ(store->search(ann.id, "gamma", 9).size(), 1u);
  store->change_conversation(ann.id, c.id, [](Conversation& now) { now.title = "second title"; });
  EXPECT_TRUE(store->search(ann.id, "first", 9).empty());
  EXPECT_EQ(store->search(ann.id, "second", 9).size(), 1u);
}

// Nothing that is typed is a language of the database.
TEST_P(SearchTest, QueriesAreNoSyntax) {
  const User ann = add_user("ann");
  const Conversation c = add_conversation(ann);
  add_message(c, "", "rock and roll NOT near OR here: a*b (c) it's");
  for (const char* query : {"\"",
                            "'",
                            "''",
                            "a OR",
                            "AND",
                            "NOT",
                            "rock AND",
                            "NEAR(",
                            "terms:rock",
                            "*",
                            "^rock",
                            "rock*",
                            "(rock",
                            "rock)",
                            "-rock",
                            "+rock",
                            "rock & !roll",
                            "rock | ",
                            "<->",
                            ":*",
                            "\\",
                            "'; DROP TABLE messages; --",
                            "%",
                            "_",
                            "?",
                            "$1",
                            "\xFF\xFE",
                            "\x01",
                            "{a b}",
                            "rock:A"})
    EXPECT_NO_THROW(store->search(ann.id, query, 5)) << query;
  for (const char* query : {"rock*", "(rock", "-rock", "\"rock", "rock'", "it's", "a*b", "NOT near",
                            "rock AND roll", "OR here"})
    EXPECT_EQ(store->search(ann.id, query, 5).size(), 1u) << query;
  EXPECT_NO_THROW(store->search(ann.id, std::string("a\0b", 3), 5));
  std::string lengthy;
  for (int i = 0; i < 100'000; ++i) lengthy += "word" + std::to_string(i) + " ";
  EXPECT_TRUE(store->search(ann.id, lengthy, 5).empty());
  EXPECT_TRUE(store->find_memories(ann.id, lengthy, 5).empty());
}

}  // namespace
}  // namespace parley::store

#include "grammar/grammar.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "grammar/compiled.h"
#include "grammar/grammar_test_util.h"

namespace parley::grammar {
namespace {

using nlohmann::json;

bool is_json(const std::string& text) { return json::accept(text); }

TEST(Gbnf, AcceptsWhatItSays) {
  const auto grammar = from_gbnf(R"(
# a comment
root ::= greeting ", " name ("!" | "?"){1,3}   # another
greeting ::= "Hello" |
  "你好"
  | [Hh] "i"
name ::= [A-Z] [a-zà-ü]* | "\x41\u4f60\U0001F600" | [^\x00-\x7F]
)");
  EXPECT_TRUE(accepts(grammar, "Hello, World!"));
  EXPECT_TRUE(accepts(grammar, "你好, Renée!?!"));
  EXPECT_TRUE(accepts(grammar, "hi, A你\U0001F600!"));
  EXPECT_TRUE(accepts(grammar, "Hi, \U0001F600!"));
  EXPECT_FALSE(accepts(grammar, "Hi, a!"));
  EXPECT_FALSE(accepts(grammar, "Hello, World"));
  EXPECT_FALSE(accepts(grammar, "Hello, World!!!!"));
  EXPECT_FALSE(accepts(grammar, "Hello, \xE4\xBD!"));
}

TEST(Gbnf, Recursion) {
  const auto grammar = from_gbnf("root ::= \"(\" root \")\" root | \"\"");
  EXPECT_TRUE(accepts(grammar, ""));
  EXPECT_TRUE(accepts(grammar, "(()(()))()"));
  EXPECT_FALSE(accepts(grammar, "(()"));
  EXPECT_FALSE(accepts(grammar, "())"));
  // Which rule was called decides what closes it.
  const auto twins =
      from_gbnf("root ::= a | b\na ::= \"x\" root \"1\"\nb ::= \"x\" root \"2\" | \"y\"");
  EXPECT_TRUE(accepts(twins, "xxxxy1212"));
  EXPECT_FALSE(accepts(twins, "xxxy1212"));
}

TEST(Gbnf, Errors) {
  const auto error = [](const std::string& text) { return error_of([&] { from_gbnf(text); }); };
  EXPECT_NE(error("root ::= \"a\" missing\n").find("rule 'missing' is not defined"),
            std::string::npos);
  EXPECT_NE(error("root ::= \"a\"\nb ::= \"c\n").find("line 3"), std::string::npos);
  EXPECT_NE(error("x ::= \"a\"").find("no rule 'root'"), std::string::npos);
  EXPECT_NE(error("root ::= root \"a\" | \"b\"").find("'root' is left-recursive"),
            std::string::npos);
  EXPECT_NE(error("root ::= x\nx ::= e y \"a\"\ny ::= x | \"z\"\ne ::= \"\" | \"e\"")
                .find("is left-recursive"),
            std::string::npos);
  EXPECT_NE(error("root ::= \"a\" root").find("no finite answer"), std::string::npos);
  EXPECT_NE(error("root ::= (\"a\"{1000}){1000}").find("too large"), std::string::npos);
  EXPECT_NE(error("root ::= \"a\"" + std::string(1000, '*')).find("repetitions of repetitions"),
            std::string::npos);
  std::string many = "root ::= \"a\"\n";
  for (int i = 0; i < 100; ++i) many += fmt::format("r{} ::= ([a-z]? [a-m]?){{1000}}\n", i);
  EXPECT_NE(error(many).find("too large"), std::string::npos);
  EXPECT_NE(error("root ::= \"a\"{9999999}").find("100000"), std::string::npos);
  EXPECT_NE(error("root ::= [z-a]").find("range"), std::string::npos);
  EXPECT_NE(error("root ::= \"\\uD800\"").find("D800"), std::string::npos);
  EXPECT_NE(error("root ::= \"a\"\nroot ::= \"b\"").find("defined twice"), std::string::npos);
  EXPECT_NE(error("root = \"a\"").find("'::='"), std::string::npos);
  EXPECT_NE(error("root ::= \"a\" )").find("not expected"), std::string::npos);
  EXPECT_NE(error("root ::= \"\xff\"").find("not UTF-8"), std::string::npos);
  EXPECT_NE(error(std::string(200, '(').insert(0, "root ::= ")).find("deeper"), std::string::npos);
}

TEST(JsonObject, AcceptsJsonOnly) {
  const auto grammar = json_object();
  for (const char* text :
       {"{}", "{ }", R"({"a": [1, -2.5e-3, true, null, {"b": "c\n\u00e9\ud83d\ude00"}]})",
        "{\n  \"键\": \"值\",\n  \"\": []\n}"}) {
    EXPECT_TRUE(accepts(grammar, text)) << text;
    EXPECT_TRUE(is_json(text));
  }
  for (const char* text :
       {"", "[]", "{", "{\"a\"}", "{\"a\": 01}", "{\"a\": 1e999}", "{\"a\": \"\\ud800\"}",
        "{\"a\": \"\\ud83d\\u0041\"}", "{\"a\": \"\xED\xA0\x80\"}", "{\"a\": 1,}",
        "{\"a\": \"\n\"}", "{}  ", "{\"a\": .5}", "{\"a\": +1}", "{\"a\": \"\\x\"}",
        "{\"a\": \"\xC0\x80\"}"})
    EXPECT_FALSE(accepts(grammar, text)) << text;
}

// What a mask must be, token by token and byte by byte.
void expect_exact_masks(const GrammarPtr& grammar, const TestVocabulary& vocabulary, uint64_t seed,
                        int steps) {
  Matcher matcher(grammar, vocabulary.table, {vocabulary.stop}, 1'000'000);
  Universe universe(grammar->network(), vocabulary.table->data());
  Universe::Config config = universe.start();
  const base::Philox random(seed, 1);
  for (int step = 0; step < steps; ++step) {
    const auto allowed = matcher.allowed();
    std::vector<int32_t> choices;
    for (int32_t t = 0; t < vocabulary.V; ++t) {
      const std::string& text = vocabulary.table->data().bytes[static_cast<size_t>(t)];
      Universe::Config reached = text.empty() ? Universe::kDead : config;
      for (const char c : text)
        if (reached != Universe::kDead) reached = universe.next(reached, static_cast<uint8_t>(c));
      ASSERT_EQ(has(allowed, t),
                reached != Universe::kDead || (t == vocabulary.stop && universe.may_end(config)))
          << "step " << step << " token " << t << " '" << text << "'";
      if (reached != Universe::kDead) choices.push_back(t);
    }
    if (choices.empty()) return;
    const int32_t token = choices[random.below(static_cast<uint64_t>(step), choices.size())];
    for (const char c : vocabulary.table->data().bytes[static_cast<size_t>(token)])
      config = universe.next(config, static_cast<uint8_t>(c));
    matcher.accept(token);
  }
}

TEST(Matcher, MasksAreExact) {
  const auto object = json_object();
  const auto nested = from_gbnf(
      "root ::= a | b\na ::= \"[\" root \"]\" a | \"x\"+\nb ::= \"[\" (root \",\")* \"}\" | "
      "\"xy\"");
  const auto words = from_gbnf("root ::= (\"the\" | \"name\" | \"a\" \"b\"? | [^<] \"<\")*");
  for (const auto* vocabulary : {&byte_vocabulary(), &json_vocabulary(), &small_vocabulary()})
    for (uint64_t seed = 0; seed < 6; ++seed) {
      expect_exact_masks(object, *vocabulary, seed, 60);
      expect_exact_masks(nested, *vocabulary, seed, 30);
      expect_exact_masks(words, *vocabulary, seed, 30);
    }
}

TEST(Matcher, RandomJsonParsesWithinItsBudget) {
  const auto grammar = json_object();
  for (const auto* vocabulary : {&byte_vocabulary(), &json_vocabulary(), &small_vocabulary()})
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const int64_t budget = 3 + static_cast<int64_t>(seed % 80);
      const Walk walk = random_walk(grammar, *vocabulary, seed, budget);
      EXPECT_TRUE(walk.stopped) << walk.text;
      ASSERT_TRUE(is_json(walk.text)) << walk.text;
    }
}

TEST(Matcher, TheShortestAnswerFitsExactly) {
  const auto grammar = from_gbnf("root ::= [a-z]+ \"(\" root \")\" | \"END.\"");
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const int64_t budget = 5 + static_cast<int64_t>(seed % 20);
    const Walk walk = random_walk(grammar, byte_vocabulary(), seed, budget);
    EXPECT_TRUE(walk.stopped) << walk.text;
    EXPECT_TRUE(accepts(grammar, walk.text)) << walk.text;
  }
  // Too little room: the grammar is followed as far as it goes.
  const Walk cut = random_walk(grammar, byte_vocabulary(), 1, 3);
  EXPECT_FALSE(cut.stopped);
  EXPECT_EQ(cut.tokens, 3);
}

TEST(Matcher, OnlyStopTokensAtACertainEnd) {
  const TestVocabulary& vocabulary = byte_vocabulary();
  Matcher matcher(from_gbnf("root ::= \"ab\""), vocabulary.table, {vocabulary.stop, 100'000}, 10);
  EXPECT_FALSE(matcher.may_end());
  matcher.accept('a');
  matcher.accept('b');
  EXPECT_TRUE(matcher.may_end());
  EXPECT_TRUE(matcher.finished());
  for (int32_t t = 0; t < vocabulary.V; ++t)
    EXPECT_EQ(has(matcher.allowed(), t), t == vocabulary.stop);
  matcher.accept(vocabulary.stop);
  EXPECT_TRUE(has(matcher.allowed(), vocabulary.stop));

  Matcher endless(from_gbnf("root ::= \"a\""), vocabulary.table, {}, 10);
  endless.accept('a');
  EXPECT_TRUE(endless.finished());
  EXPECT_TRUE(has(endless.allowed(), 'x'));
  EXPECT_FALSE(has(endless.allowed(), vocabulary.stop));
}

TEST(Matcher, AStopTokenMayBeOrdinaryText) {
  const TestVocabulary& vocabulary = byte_vocabulary();
  Matcher matcher(from_gbnf("root ::= [a\\n]+ \".\""), vocabulary.table, {'\n'}, 10);
  matcher.accept('a');
  EXPECT_FALSE(has(matcher.allowed(), '\n'));
  matcher.accept('.');
  EXPECT_TRUE(has(matcher.allowed(), '\n'));
}

TEST(Matcher, AmbiguityIsBounded) {
  for (const char* text :
       {"root ::= (\"a\" | \"a\")* \"b\"", "root ::= ((\"a\"*)*)* \"b\"",
        "root ::= x \"b\"\nx ::= \"a\" x | \"a\" \"a\" x | y\ny ::= \"a\" y | \"\"",
        "root ::= a \"b\" | b \"b\"\na ::= \"a\" a \"c\" | \"a\" b \"d\" | \"\"\n"
        "b ::= \"a\" a \"e\" | \"a\" b \"f\" | \"\"",
        "root ::= (\"a\" | \"c\")* \"a\" (\"a\" | \"c\"){24} | \"aab\"*"}) {
    const auto grammar = from_gbnf(text);
    const TestVocabulary& vocabulary = byte_vocabulary();
    Matcher matcher(grammar, vocabulary.table, {vocabulary.stop}, 1'000'000);
    for (int i = 0; i < 3000; ++i) {
      ASSERT_TRUE(has(matcher.allowed(), 'a')) << text << " step " << i;
      matcher.accept('a');
    }
  }
}

TEST(Matcher, LongAndDeepAnswers) {
  const TestVocabulary& vocabulary = byte_vocabulary();
  const auto feed = [&](Matcher& matcher, std::string_view text, int times) {
    for (int i = 0; i < times; ++i)
      for (const char c : text) {
        ASSERT_TRUE(has(matcher.allowed(), static_cast<uint8_t>(c))) << i;
        matcher.accept(static_cast<uint8_t>(c));
      }
  };
  const auto grammar = json_object();
  Matcher wide(grammar, vocabulary.table, {vocabulary.stop}, 10'000'000);
  feed(wide, "{\"a\":[", 1);
  feed(wide, "{\"k\": \"v\"},\n ", 8000);  // about 100,000 bytes
  feed(wide, "1]}", 1);
  EXPECT_TRUE(wide.may_end());
  Matcher deep(grammar, vocabulary.table, {vocabulary.stop}, 10'000'000);
  feed(deep, "{\"a\":", 1);
  feed(deep, "[", 20'000);
  feed(deep, "]", 20'000);
  feed(deep, "}", 1);
  EXPECT_TRUE(deep.finished());
}

TEST(Universe, AConfigurationCanMove) {
  const auto grammar = from_gbnf(
      "root ::= a | b\na ::= \"[\" root \"]\" a | \"x\"+\nb ::= \"[\" (root \",\")* \"}\" | "
      "\"xy\"");
  const auto& data = json_vocabulary().table->data();
  Universe from(grammar->network(), data);
  Universe::Config config = from.start();
  for (const char c : std::string_view("[[[x]x,[[xy")) {
    config = from.next(config, static_cast<uint8_t>(c));
    Universe to(grammar->network(), data);
    to.next(to.start(), '[');  // so that the numbers differ
    const Universe::Config moved = to.transfer(from, config);
    EXPECT_EQ(to.distance(moved), from.distance(config));
    EXPECT_EQ(to.mask(moved).words, from.mask(config).words);
    EXPECT_EQ(to.may_end(moved), from.may_end(config));
    ASSERT_NE(config, Universe::kDead) << c;
  }
}

TEST(Matcher, ManyThreadsShareAGrammar) {
  const auto grammar = json_object();
  std::vector<std::string> texts(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < texts.size(); ++i)
    threads.emplace_back([&, i] {
      for (uint64_t seed = 0; seed < 40; ++seed)
        texts[i] += random_walk(grammar, json_vocabulary(), seed, 60).text + "\n";
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) EXPECT_EQ(text, texts[0]);
}

// With a real vocabulary, where it is at hand: valid answers, and masks that are quick to have.
TEST(Matcher, VocabularyOfGpt2) {
  const auto path = tokenizer::shared_data() / "tokenizer" / "r50k_base.tiktoken";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto loaded = tokenizer::Tokenizer::load(path);
  const int64_t V = loaded.vocab_size();
  const TestVocabulary vocabulary{loaded, std::make_shared<TokenTable>(loaded, V), loaded.eos(), V};
  const auto grammar = json_object();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Walk walk = random_walk(grammar, vocabulary, seed, 40);
    EXPECT_TRUE(walk.stopped && is_json(walk.text)) << walk.text;
  }
  expect_exact_masks(grammar, vocabulary, 1, 12);
  Matcher matcher(grammar, vocabulary.table, {vocabulary.stop}, 100'000);
  for (const char c : std::string_view("{\"")) matcher.accept(loaded.encode({&c, 1})[0]);
  const int32_t word = loaded.encode(" word")[0];
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(has(matcher.allowed(), word));
    matcher.accept(word);
  }
  // About 0.5 microseconds each; a walk over the vocabulary each time would take a second.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(300));
}

TEST(Matcher, VocabularyWithoutSomeBytes) {
  tokenizer::VocabularyDraft draft;
  draft.source = "test";
  draft.rest.kind = tokenizer::BpeKind::kSentencePiece;
  int32_t id = 0;
  for (const char* text : {"a", "b", "ab", "c\"", "\"", "[", "]"}) draft.set_token(id++, text);
  draft.rest.unknown = id;
  draft.set_token(id++, "<unk>");
  const tokenizer::Tokenizer made(std::move(draft).build());
  const auto table = std::make_shared<TokenTable>(made, id);
  Matcher matcher(from_gbnf("root ::= \"a\" (\"b\" | \"c\" | \"x\" \"y\")"), table, {}, 10);
  EXPECT_TRUE(has(matcher.allowed(), 0));
  EXPECT_TRUE(has(matcher.allowed(), 2));
  matcher.accept(0);
  EXPECT_TRUE(has(matcher.allowed(), 1));
  EXPECT_EQ(matcher.allowed()[0], 2u);
  EXPECT_NE(
      error_of([&] { Matcher(from_gbnf("root ::= \"z\""), table, {}, 10); }).find("vocabulary"),
      std::string::npos);
}

}  // namespace
}  // namespace parley::grammar

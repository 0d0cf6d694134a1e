// Shared by the grammars' tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "grammar/grammar.h"
#include "grammar/matcher.h"
#include "grammar/token_table.h"
#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/vocabulary.h"

namespace parley::grammar {

using tokenizer::error_of;

struct TestVocabulary {
  tokenizer::Tokenizer tokenizer;
  std::shared_ptr<const TokenTable> table;
  int32_t stop;
  int64_t V;
};

// Bytes, `more` tokens and a stop token.
inline TestVocabulary vocabulary_of(const std::vector<std::string>& more) {
  tokenizer::VocabularyDraft draft;
  draft.source = "test";
  int32_t id = 0;
  for (; id < 256; ++id) draft.set_token(id, std::string(1, static_cast<char>(id)));
  for (const std::string& text : more) draft.set_token(id++, text);
  tokenizer::AddedToken stop;
  stop.text = "<|stop|>";
  stop.id = id;
  draft.add_special(stop);
  tokenizer::Tokenizer made(std::move(draft).build());
  auto table = std::make_shared<TokenTable>(made, id + 40);  // a model may be padded
  return {made, table, id, id + 40};
}

inline const TestVocabulary& byte_vocabulary() {
  static const TestVocabulary made = vocabulary_of({});
  return made;
}

// What JSON, text and calls like to be cut into, across their borders too.
inline const TestVocabulary& json_vocabulary() {
  static const TestVocabulary made = vocabulary_of({"{\"",
                                                    "\": ",
                                                    "\",",
                                                    "\", \"",
                                                    "\"}",
                                                    "},",
                                                    "}}",
                                                    "[[",
                                                    "]]",
                                                    "],",
                                                    "[{",
                                                    "}]",
                                                    "\\u",
                                                    "\\\"",
                                                    "\\ud83d",
                                                    "\\ude00",
                                                    "00",
                                                    "123",
                                                    ".5",
                                                    "e-",
                                                    "1e",
                                                    "true",
                                                    "false",
                                                    "null",
                                                    "tr",
                                                    "ue",
                                                    "  ",
                                                    "\n  ",
                                                    "\n\n",
                                                    "    ",
                                                    "name",
                                                    "value",
                                                    "a",
                                                    "ab",
                                                    "the",
                                                    "\": \"",
                                                    "\": [",
                                                    "[]",
                                                    "{}",
                                                    "\":{\"",
                                                    "\xE4\xBD",
                                                    "\xA0\xE5\xA5\xBD",
                                                    "中文",
                                                    "\xF0\x9F",
                                                    "\x98\x80",
                                                    "\xED\xA0",
                                                    "\xC0\x80",
                                                    "<tool",
                                                    "_call>",
                                                    "<tool_call>",
                                                    "</tool_call>",
                                                    "<",
                                                    "<<",
                                                    "><",
                                                    "\n<",
                                                    "l>\n{\"name\": \"",
                                                    "\"arguments\": {",
                                                    "2024-",
                                                    "-01-",
                                                    ":00"});
  return made;
}

inline const TestVocabulary& small_vocabulary() {
  static const TestVocabulary made = [] {
    auto loaded = tokenizer::Tokenizer::load(tokenizer::golden("tokenizer_small"));
    const int64_t V = loaded.vocab_size() + 3;
    auto table = std::make_shared<TokenTable>(loaded, V);
    return TestVocabulary{loaded, table, *loaded.special("<|im_end|>"), V};
  }();
  return made;
}

inline bool has(std::span<const uint64_t> words, int32_t token) {
  return words[static_cast<size_t>(token) / 64] >> (token % 64) & 1;
}

// Draws tokens, each allowed one as likely as another, until the answer stops.
struct Walk {
  std::string text;
  bool stopped = false;
  int64_t tokens = 0;
};
inline Walk random_walk(const GrammarPtr& grammar, const TestVocabulary& vocabulary, uint64_t seed,
                        int64_t max_tokens) {
  Matcher matcher(grammar, vocabulary.table, {vocabulary.stop}, max_tokens);
  const base::Philox random(seed, 7);
  Walk walk;
  while (walk.tokens < max_tokens) {
    const auto allowed = matcher.allowed();
    std::vector<int32_t> choices;
    for (int32_t t = 0; t < vocabulary.V; ++t)
      if (has(allowed, t)) choices.push_back(t);
    if (choices.empty()) {
      ADD_FAILURE() << "nothing is allowed after " << walk.text;
      return walk;
    }
    const int32_t token = choices[random.below(static_cast<uint64_t>(walk.tokens), choices.size())];
    EXPECT_EQ(has(allowed, vocabulary.stop), matcher.may_end());
    ++walk.tokens;
    matcher.accept(token);
    if (token == vocabulary.stop) {
      walk.stopped = true;
      return walk;
    }
    walk.text += vocabulary.tokenizer.token_bytes(token);
  }
  return walk;
}

// Whether the grammar accepts a whole text, byte by byte.
inline bool accepts(const GrammarPtr& grammar, std::string_view text) {
  const TestVocabulary& vocabulary = byte_vocabulary();
  Matcher matcher(grammar, vocabulary.table, {vocabulary.stop}, 1'000'000);
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (!has(matcher.allowed(), byte)) return false;
    matcher.accept(byte);
  }
  return matcher.may_end();
}

}  // namespace parley::grammar

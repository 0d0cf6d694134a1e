// Shared by the fuzzers of grammars.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/random.h"
#include "grammar/grammar.h"
#include "grammar/matcher.h"
#include "tokenizer/vocabulary.h"

namespace parley::fuzz {

// The 256 bytes and a stop token.
inline const tokenizer::Tokenizer& byte_tokenizer() {
  static const tokenizer::Tokenizer made = [] {
    tokenizer::VocabularyDraft draft;
    draft.source = "bytes";
    for (int32_t id = 0; id < 256; ++id) draft.set_token(id, std::string(1, static_cast<char>(id)));
    tokenizer::AddedToken stop;
    stop.text = "<|stop|>";
    stop.id = 256;
    draft.add_special(stop);
    return tokenizer::Tokenizer(std::move(draft).build());
  }();
  return made;
}

// Draws allowed tokens until the answer stops, `max_tokens` at most; aborts where none is allowed.
// Returns the text, and in `stopped` whether it came to an end.
inline std::string write_answer(const grammar::GrammarPtr& grammar, uint64_t seed,
                                int64_t max_tokens, bool& stopped) {
  constexpr int32_t kStop = 256;
  static const auto table = std::make_shared<const grammar::TokenTable>(byte_tokenizer(), 257);
  grammar::Matcher matcher(grammar, table, {kStop}, max_tokens);
  const base::Philox random(seed, 0);
  std::string text;
  stopped = false;
  for (int64_t i = 0; i < max_tokens; ++i) {
    const auto allowed = matcher.allowed();
    const auto first = static_cast<int32_t>(random.below(static_cast<uint64_t>(i), 257));
    int32_t token = first;
    const auto has = [&](int32_t t) {
      return allowed[static_cast<size_t>(t) / 64] >> (t % 64) & 1;
    };
    while (!has(token))
      if ((token = (token + 1) % 257) == first) std::abort();
    if (token == kStop && !matcher.may_end()) std::abort();
    matcher.accept(token);
    stopped = token == kStop;
    if (stopped) break;
    text += static_cast<char>(token);
  }
  return text;
}

}  // namespace parley::fuzz

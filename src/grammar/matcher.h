// Which tokens may come next in an answer that follows a grammar.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "grammar/grammar.h"
#include "tokenizer/tokenizer.h"

namespace parley::grammar {

// The bytes of a vocabulary's tokens, arranged for matching. Made once a model.
class TokenTable {
 public:
  // `V`: the model's vocabulary; ids beyond the tokenizer's are never allowed, nor are special
  // tokens.
  TokenTable(const tokenizer::Tokenizer& tokenizer, int64_t V);
  ~TokenTable();

  struct Data;
  const Data& data() const { return *data_; }

 private:
  std::unique_ptr<const Data> data_;
};

// Follows one answer. Not thread-safe; matchers of one grammar share its cache of masks.
class Matcher {
 public:
  // The answer ends with one of `stop_ids` where the grammar allows an end. When `max_tokens` is
  // enough for the shortest answer, it is enough for this one: as the room runs out, only tokens
  // remain from which an end can still be reached. Error if the vocabulary lacks bytes that every
  // answer needs.
  Matcher(GrammarPtr grammar, std::shared_ptr<const TokenTable> tokens,
          std::vector<int32_t> stop_ids, int64_t max_tokens);
  ~Matcher();

  // Bit t % 64 of word t / 64: token t may come next; ceil(V / 64) words, never all zero. Valid
  // until accept().
  std::span<const uint64_t> allowed();
  // An allowed token was chosen.
  void accept(int32_t token);
  // The grammar allows an end here.
  bool may_end() const;
  // The grammar allows nothing but an end. Without stop tokens the answer should be ended then by
  // whoever asks: allowed() has nothing to hold it with, and gives the whole vocabulary.
  bool finished() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::grammar

// Training a byte-level BPE tokenizer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tokenizer/split.h"
#include "tokenizer/tokenizer.h"

namespace parley::tokenizer {

struct TrainOptions {
  // All ids: 256 bytes, the merges, the special tokens (in this order).
  int32_t vocab_size = 16384;
  // cl100k's pattern keeps up to three digits and whole runs of letters together; for
  // Chinese, which writes no spaces, this lets tokens grow over words, as they come.
  Pattern pattern = Pattern::kLlama3;
  std::vector<std::string> special = {"<|endoftext|>",  "<|im_start|>",   "<|im_end|>",
                                      "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
                                      "<|fim_pad|>",    "<|pad|>"};
  // A bound on the different words kept in memory (0: none). See WordCounter.
  size_t max_words = 20'000'000;
  bool quiet = false;  // no progress on stderr
};

// Puts the next document into its argument; false when there is none.
using NextDocument = std::function<bool(std::string&)>;

// Byte pair encoding (Sennrich et al., "Neural Machine Translation of Rare Words with
// Subword Units", 2016) over bytes (GPT-2): again and again, the most frequent pair of
// neighbours becomes a token; of equally frequent pairs, the one with the lower ids. The
// result depends on the documents and options alone, not on the number of threads.
// Ends early, with a smaller vocabulary, when no pair occurs twice. Error if the vocabulary
// is too small for bytes and special tokens, if there is no text, or on Ctrl-C (where an
// InterruptGuard is active).
Tokenizer train(const TrainOptions& options, const NextDocument& next_document);

}  // namespace parley::tokenizer

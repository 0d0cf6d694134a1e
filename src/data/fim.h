// Fill in the middle (Bavarian et al. 2022, arXiv 2207.14255): some documents are cut
// in three and the middle is moved to the end, so that an ordinary left-to-right model
// learns to complete text between a prefix and a suffix.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace parley::data {

struct FimOptions {
  double rate = 0;  // share of documents transformed; 0: none, the paper uses 0.5 to 0.9
  uint64_t seed = 0;
  // Ids of <|fim_prefix|>, <|fim_suffix|>, <|fim_middle|>.
  int32_t prefix_token = -1, suffix_token = -1, middle_token = -1;
};

enum class FimOrder {
  kNone,  // the document as it is
  kPsm,   // prefix, suffix, middle
  kSpm,   // suffix, prefix, middle
};

// How one document is cut. The cuts fall between characters, not tokens (the paper's
// §4.4: only so can a model later complete from the middle of a word).
struct FimCut {
  FimOrder order = FimOrder::kNone;
  size_t middle_begin = 0, middle_end = 0;  // bytes
};

// The cut of document number `document`: a function of (seed, document) alone. Half the
// transformed documents are PSM, half SPM; both cuts are uniform over the text.
FimCut fim_cut(std::string_view text, uint64_t document, const FimOptions& options);

// Appends the tokens of the document cut so:
//   PSM: <prefix> encode(prefix) <suffix> encode(suffix) <middle> encode(middle)
//   SPM: <prefix> <suffix> encode(suffix) <middle> encode(prefix) encode(middle)
// (SPM in the paper's joint form, §3, which shares the prompt layout with PSM).
using Encode = std::function<void(std::string_view text, std::vector<int32_t>& tokens)>;
void fim_encode(std::string_view text, const FimCut& cut, const FimOptions& options,
                const Encode& encode, std::vector<int32_t>& tokens);

}  // namespace parley::data

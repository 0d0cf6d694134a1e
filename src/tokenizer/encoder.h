// BPE itself: a piece of text becomes ids by merging neighbours, lowest rank first.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {

// Appends the ids of one piece (any bytes for a byte-level vocabulary, UTF-8 or not;
// any text for SentencePiece). Time is O(n log n) in the piece.
void encode_piece(const Vocabulary& vocabulary, std::string_view piece, std::vector<int32_t>& ids);

}  // namespace parley::tokenizer

// What the data layer needs of a tokenizer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/token_shard.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace parley::data {

// The tokenizer as token shards use it: ordinary text only, no special token can come of
// it. The fingerprint is a hash of its tokenizer.json. Conversations take the form of the
// template; without one that of ChatML, if the tokenizer has its tokens.
TextEncoder make_encoder(const tokenizer::Tokenizer& tokenizer,
                         std::optional<tokenizer::ChatTemplate> chat_template = {});

// The token that stands before each document: <|endoftext|> (else eos), or for Llama-2 types,
// whose sequences begin with it, bos. Error when the tokenizer has neither.
int32_t document_separator(const tokenizer::Tokenizer& tokenizer);

// Bytes of text each token stands for, by id; special tokens have none.
std::vector<int32_t> token_byte_lengths(const tokenizer::Tokenizer& tokenizer);

// The ids of <|fim_prefix|>, <|fim_suffix|> and <|fim_middle|> (or StarCoder's
// way to write them). Error with the remedy when the tokenizer has them not.
FimOptions make_fim_options(const tokenizer::Tokenizer& tokenizer, double rate, uint64_t seed);

}  // namespace parley::data

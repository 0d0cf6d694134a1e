// From rendered text to token ids.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/chat_template.h"
#include "tokenizer/marked_text.h"

namespace parley::tokenizer {

struct RenderedText {
  MarkedText text;
  // A byte is set where the template itself says what is learned ({% generation %}); empty if
  // it says nothing.
  std::string generated;
};

// Token ids of a rendered conversation, and which of them are to be learned.
// `generation_prompt` is the text in front of every answer ("<|im_start|>assistant\n"): what the
// template puts between it and the content is learned too. Text between two special tokens is
// encoded as one piece, whoever wrote it, as transformers does.
RenderedChat encode_marked(const Tokenizer& tokenizer, const RenderedText& rendered,
                           std::string_view generation_prompt);

// The special token that ends the turn of the first assistant message; -1 if there is none.
int32_t token_behind_answer(const Tokenizer& tokenizer, const MarkedText& text);

}  // namespace parley::tokenizer

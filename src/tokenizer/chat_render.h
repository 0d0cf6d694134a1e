// Text that remembers who wrote each byte, and its way to token ids.
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/chat_template.h"

namespace parley::tokenizer {

enum class Origin : char {
  kTemplate,   // trusted: special tokens may come of it
  kMessage,    // a user's or system's words: ordinary text, whatever they say
  kAssistant,  // an assistant's words: ordinary text, and what is to be learned
};

struct MarkedText {
  std::string bytes;
  std::string origins;  // an Origin a byte, as long as `bytes`
  // A byte is set where the template itself says what is learned ({% generation %}); else empty.
  std::string generated;

  void append(std::string_view text, Origin origin) {
    bytes += text;
    origins.append(text.size(), static_cast<char>(origin));
  }
  bool from_template(size_t begin, size_t end) const {
    return origins.find_first_not_of(static_cast<char>(Origin::kTemplate), begin) >= end;
  }
};

// Token ids of a rendered conversation, and which of them are to be learned.
// `generation_prompt` is the text in front of every answer ("<|im_start|>assistant\n"): what the
// template puts between it and the content is learned too. Text between two special tokens is
// encoded as one piece, whoever wrote it, as transformers does.
RenderedChat encode_marked(const Tokenizer& tokenizer, const MarkedText& text,
                           std::string_view generation_prompt);

// The special token that ends the turn of the first assistant message; -1 if there is none.
int32_t token_behind_answer(const Tokenizer& tokenizer, const MarkedText& text);

}  // namespace parley::tokenizer

// Prompts and answers as token ids, the same wherever an answer is sampled, scored or learned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace parley::data {

namespace fs = std::filesystem;

// How a model talks: its tokenizer, its template, and the token that ends its answers.
struct ChatFormat {
  tokenizer::Tokenizer tokenizer;
  tokenizer::ChatTemplate chat_template;
  int32_t end_of_turn = -1;

  // Of a model directory. Error when it has no template, or none that ends an answer.
  static ChatFormat load(const fs::path& directory);
};

// The template of a model directory (or of a folder with its tokenizer alone); nothing when it has
// none: a base model.
std::optional<tokenizer::ChatTemplate> find_chat_template(const fs::path& directory,
                                                          const tokenizer::Tokenizer& tokenizer);

// Gives `directory`, a model made from the one in `from`, the same chat template and the same token
// that ends an answer. Nothing when `from` has no template (a base model).
void keep_chat_format(const fs::path& from, const fs::path& directory);

// The messages and what opens the assistant's turn, in at most `limit` tokens: when there are
// more, the oldest turns are left out, never the system message nor the last one. Empty when
// even those two are too long.
std::vector<int32_t> prompt_ids(const ChatFormat& format,
                                std::span<const tokenizer::Message> messages, int64_t limit);

// Prompt and answer as one sequence of at most `limit` tokens. An answer that is too long loses its
// last ones, but ends with end_of_turn all the same: that is where a score is read, and an end
// that only long answers have would become a sign of them. `cut` says whether it did.
std::vector<int32_t> scored_ids(const ChatFormat& format, std::vector<int32_t> prompt,
                                std::string_view answer, int64_t limit, bool& cut);

// The answer's ids, ended by end_of_turn. Ordinary text: no special token comes of it.
std::vector<int32_t> answer_ids(const ChatFormat& format, std::string_view answer);

}  // namespace parley::data

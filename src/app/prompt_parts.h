// The parts of a prompt besides the turns: chosen from the store, and in words. Wording is short
// and plain, in the language of the user's message, so that small models can use it too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/prompt.h"
#include "app/prompt_text.h"
#include "server/served_model.h"
#include "store/store.h"

namespace parley::app {

// Lengths in tokens of one model.
class TokenCounter {
 public:
  explicit TokenCounter(const server::ServedModel& model);

  // Of very long texts about.
  int64_t operator()(std::string_view text) const;
  // The beginning of a text in at most `tokens`, whole sentences where that costs little; "…" marks
  // a cut.
  std::string cut(std::string_view text, int64_t tokens) const;

 private:
  const tokenizer::Tokenizer& tokenizer_;
};

// The user's settings.instructions; empty when there are none or they are off.
std::string instructions_text(const store::User& user, Language language);

// The enabled memories that bear on the last of `questions` (newest first), and who the user is in
// any case; none when the settings say so.
std::vector<store::Memory> choose_memories(store::Store& store, const store::User& user,
                                           const std::vector<std::string_view>& questions,
                                           int64_t budget, const TokenCounter& count);
std::string memories_text(const std::vector<store::Memory>& memories, Language language);

struct Cited {
  store::Passage passage;
  std::string name;  // of the file
};
// Of the files attached to the branch's messages, what bears on the question; of files attached to
// the last message the beginning, when the question does not say. In the order of the files.
std::vector<Cited> choose_passages(store::Store& store, const store::User& user,
                                   const std::vector<store::Message>& branch, Language language,
                                   int64_t budget, const TokenCounter& count);
// Numbered from 1, each line behind "> ", so that nothing in a file looks like a part of the
// prompt; then the question.
std::string passages_text(const std::vector<Cited>& passages, std::string_view question,
                          Language language);
Json citations_json(const std::vector<Cited>& passages);

std::string summary_text(std::string_view summary, Language language);

}  // namespace parley::app

// The earlier turns of a conversation in few sentences, picked from what was said: no model is
// asked, so that it is the same each time and takes no time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "app/prompt_text.h"

namespace parley::app {

struct SummaryTurn {
  bool user;
  std::string_view text;
};

// "- user: …" lines, in the order they were said, of at most `budget` by `count` (tokens). What
// users said of themselves, names and numbers come first; code is left out. `before`: an earlier
// summary, whose lines may stay or go. Empty when nothing fits. Cost is bounded: of very many or
// very long turns only parts are read.
std::string extract_summary(std::string_view before, std::span<const SummaryTurn> turns,
                            int64_t budget, const std::function<int64_t(std::string_view)>& count,
                            Language language);

// The turns as a text for a model to sum up, at most `bytes` long: the end of it.
std::string turns_text(std::string_view before, std::span<const SummaryTurn> turns, size_t bytes,
                       Language language);

}  // namespace parley::app

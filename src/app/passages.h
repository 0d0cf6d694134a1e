// A document as passages: pieces of a size that fit a prompt, cut where the text has its own
// seams.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace parley::app {

// About how many tokens a text is, whatever the tokenizer: characters, by script.
double token_weight(std::string_view text);

// Of text and code, with the lines they begin at: between about 120 and 200 tokens' worth each, cut
// at headings and paragraphs if there are any, else at lines, sentences, words. Nothing of the text
// but white space is lost.
std::vector<store::Passage> cut_lines(std::string_view text);

// Of pages, with their numbers: lines that the page's width broke are joined again; no passage
// belongs to two pages.
std::vector<store::Passage> cut_pages(const std::vector<std::string>& pages);

}  // namespace parley::app

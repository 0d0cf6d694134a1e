// Text as prompts, summaries and files see it: languages, sentences, words that carry meaning, in
// English and Chinese.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::app {

enum class Language { kEnglish, kChinese };

// Which of the two a text is written in; `otherwise` when it has no letters.
Language language_of(std::string_view text, Language otherwise = Language::kEnglish);

// The sentences of a text with their marks, without the white space around them; a line's end ends
// one too. "3.14" and "e.g. this" are not cut.
std::vector<std::string_view> split_sentences(std::string_view text);

// The terms of store::search_terms that say what a text is about: no "the", "is", 的, 什么. Each
// once, in order.
std::vector<std::string> content_terms(std::string_view text);
// The first of them (and the last, of many) as a query for the store; empty when there are none.
std::string content_query(std::string_view text);

// At most so many characters (code points), cut behind a sentence or a word where there is one not
// far before; "…" marks a cut.
std::string clip_text(std::string_view text, size_t characters);
int64_t count_code_points(std::string_view text);

// White space as single blanks, none at the ends.
std::string one_line(std::string_view text);
std::string_view trim(std::string_view text);
// ASCII letters in lower case; the same number of bytes.
std::string lower_ascii(std::string_view text);

// The text with what stands in ``` blocks, `code`, lines of "> " and quotation marks made blank:
// of the same length, so that places stay.
std::string blank_quotes(std::string_view text);

}  // namespace parley::app

// What an answer is made of: words, sentences, lines, items of lists, repetitions. English and
// Chinese; docs/evaluation.md has the definitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::eval {

// Chinese characters.
bool is_han(uint32_t code_point);

// Valid UTF-8 in NFC, without white space at the ends, curly quotation marks as straight ones; with
// `fold` without case.
std::string comparable(std::string_view text, bool fold = false);
// Without punctuation at the end.
std::string_view without_end_marks(std::string_view text);

// Runs of letters and digits (with ' ’ - between letters, . and , between digits), in small
// letters. Each Chinese character is a word.
std::vector<std::string> words_of(std::string_view text);

// Ended by . ! ? … 。 ！ ？ or by the end of a line.
int64_t count_sentences(std::string_view text);
// Lines that are not blank.
int64_t count_lines(std::string_view text);
// Of a numbered or bulleted list, or separated by lines or commas; 0 of an empty text.
int64_t count_items(std::string_view text);

// Whether no line, nor piece of it between commas, has the words of another; numbers of items
// aside.
bool all_distinct(std::string_view text);

// Letters of the Latin alphabet and Chinese characters as shares of all letters; 0 without letters.
struct Scripts {
  double latin = 0, han = 0;
};
Scripts scripts_of(std::string_view text);

struct Repetition {
  // Some n words in a row occur more than kMaxOccurrences times: n = 4, or 8 where more than half
  // of the words are Chinese characters.
  bool repeated = false;
  // Different runs of 4 words / all of them; nothing for less than 4 words.
  std::optional<double> distinct4;
};
inline constexpr int64_t kMaxOccurrences = 3;
Repetition repetition_of(std::string_view text);

}  // namespace parley::eval

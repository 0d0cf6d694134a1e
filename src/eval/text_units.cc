#include "eval/text_units.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <set>
#include <unordered_map>

#include "eval/pattern.h"
#include "tokenizer/unicode.h"

namespace parley::eval {
namespace {

using Text = std::u32string;

Text decoded(std::string_view text) {
  const std::string valid = tokenizer::valid_utf8(text);
  Text points;
  for (size_t i = 0; i < valid.size();) {
    const auto [value, bytes] = tokenizer::decode_valid(valid.data() + i);
    points += static_cast<char32_t>(value);
    i += bytes;
  }
  return points;
}

uint8_t class_of(uint32_t c) { return tokenizer::char_class_table()[c]; }
bool is_blank(uint32_t c) {
  return c == 0xFEFF || c == 0x200B || (class_of(c) & tokenizer::kSpace) != 0;
}
bool is_digit(uint32_t c) { return (class_of(c) & tokenizer::kNumber) != 0; }
bool is_letter(uint32_t c) { return (class_of(c) & (tokenizer::kLetter | tokenizer::kMark)) != 0; }
bool is_word(uint32_t c) { return is_letter(c) || is_digit(c); }
bool is_one_of(char32_t c, std::u32string_view set) {
  return set.find(c) != std::u32string_view::npos;
}

// Whether text[i], which is no letter, holds a word together.
bool joins(const Text& text, size_t i) {
  if (i == 0 || i + 1 == text.size()) return false;
  const char32_t before = text[i - 1], after = text[i + 1];
  if (is_one_of(text[i], U".,")) return is_digit(before) && is_digit(after);
  return is_one_of(text[i], U"'’-‐") && is_word(before) && is_word(after) && !is_han(before) &&
         !is_han(after);
}

std::string encoded(const Text& text) {
  std::string bytes;
  for (const char32_t c : text) tokenizer::append_utf8(static_cast<uint32_t>(c), bytes);
  return bytes;
}

std::string lowercase(const Text& text) {
  std::string result;
  for (const char32_t c : text)
    tokenizer::append_utf8(static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(c))),
                           result);
  return result;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(begin, end - begin);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

// "Mr." ends no sentence.
bool is_abbreviation(const Text& text, size_t dot) {
  constexpr std::array<std::u32string_view, 10> kAbbreviations = {
      U"mr", U"mrs", U"ms", U"dr", U"prof", U"st", U"vs", U"e.g", U"i.e", U"no"};
  size_t begin = dot;
  while (begin > 0 && (is_letter(text[begin - 1]) || text[begin - 1] == U'.')) --begin;
  Text word = text.substr(begin, dot - begin);
  // "no." is a number's mark only before one: "No. 5".
  const bool number = dot + 2 < text.size() && is_digit(text[dot + 2]);
  for (char32_t& c : word) c = static_cast<char32_t>(utf8proc_tolower(static_cast<int32_t>(c)));
  return std::ranges::find(kAbbreviations, word) != kAbbreviations.end() &&
         (word != U"no" || number);
}

// Whether a sentence may end at text[i].
bool ends_sentence(const Text& text, size_t i) {
  if (is_one_of(text[i], U"!?。！？…")) return true;
  if (text[i] != U'.') return false;
  if (i + 1 == text.size()) return true;
  const char32_t next = text[i + 1];
  return (is_blank(next) || is_han(next) || is_one_of(next, U".!?\"'”’)]」』）*")) &&
         !is_abbreviation(text, i);
}

// Sentences of one line, with what ends them.
std::vector<Text> sentences_of(const Text& line) {
  std::vector<Text> sentences;
  Text sentence;
  bool content = false;
  const auto flush = [&] {
    if (content) sentences.push_back(sentence);
    sentence.clear();
    content = false;
  };
  for (size_t i = 0; i < line.size(); ++i) {
    sentence += line[i];
    content |= is_word(line[i]);
    if (ends_sentence(line, i)) flush();
  }
  flush();
  return sentences;
}

// The marks that begin an item of a list, on lines of their own.
constexpr const char* kNumbered =
    R"((?m)^\s*(?:\*\*)?(?:[(（]?\d{1,3}\s*[.)、:：．）](?!\d)|[一二三四五六七八九十]{1,3}[、.．）]|第[一二三四五六七八九十]{1,3}[，、：:]))";
constexpr const char* kBulleted = R"((?m)^\s*(?:[-*+–—]\s+|[•·‣▪●○◦]\s*)(?=\S))";
constexpr const char* kInLine = R"((?m)(?:^|[\s,，;；。:：])[(（]?\d{1,2}[.)、．）](?!\d))";
constexpr const char* kInLineFirst = R"((?m)(?:^|[\s,，;；。:：])[(（]?1[.)、．）](?!\d))";

bool is_comma(const Text& text, size_t i) {
  return is_one_of(text[i], U",，、;；") &&
         !(i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]));
}

bool has_word(const Text& text) { return std::ranges::any_of(text, is_word); }

// Whether words stand on both sides of an "and".
bool has_conjunction(const Text& text) {
  constexpr std::array<std::u32string_view, 9> kConjunctions = {
      U" and ", U" or ", U" & ", U"以及", U"还有", U"和", U"与", U"及", U"或"};
  return std::ranges::any_of(kConjunctions, [&](std::u32string_view conjunction) {
    const size_t at = text.rfind(conjunction);
    return at != Text::npos && has_word(text.substr(0, at)) &&
           has_word(text.substr(at + conjunction.size()));
  });
}

// Pieces between commas, behind a colon if there is one.
int64_t comma_items(const Text& sentence) {
  Text list = sentence;
  const size_t colon = sentence.find_last_of(U":：");
  if (colon != Text::npos && has_word(sentence.substr(colon + 1)))
    list = sentence.substr(colon + 1);
  int64_t items = 0;
  Text piece;
  const auto flush = [&] {
    items += has_word(piece);
    piece.clear();
  };
  for (size_t i = 0; i < list.size(); ++i) {
    if (is_comma(list, i))
      flush();
    else
      piece += list[i];
  }
  items += has_conjunction(piece);
  flush();
  return items;
}

}  // namespace

bool is_han(uint32_t c) {
  return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || c == 0x3005 ||
         c == 0x3007 || (c >= 0x20000 && c <= 0x3FFFF);
}

std::string comparable(std::string_view text, bool fold) {
  const std::string valid = tokenizer::valid_utf8(text);
  utf8proc_uint8_t* mapped = nullptr;
  const int options =
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | (fold ? UTF8PROC_CASEFOLD : utf8proc_option_t{});
  const utf8proc_ssize_t bytes =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &mapped,
                   static_cast<utf8proc_option_t>(options));
  if (bytes < 0) throw std::bad_alloc();
  Text points = decoded({reinterpret_cast<const char*>(mapped), static_cast<size_t>(bytes)});
  std::free(mapped);  // NOLINT: utf8proc allocates with malloc
  while (!points.empty() && is_blank(points.back())) points.pop_back();
  size_t begin = 0;
  while (begin < points.size() && is_blank(points[begin])) ++begin;
  std::string result;
  for (; begin < points.size(); ++begin) {
    char32_t c = points[begin];
    if (is_one_of(c, U"‘’")) c = U'\'';
    if (is_one_of(c, U"“”")) c = U'"';
    tokenizer::append_utf8(c, result);
  }
  return result;
}

std::string_view without_end_marks(std::string_view text) {
  constexpr std::array<std::string_view, 18> kMarks = {".",  "!",  "?",  ",",  ";",  ":",
                                                       " ",  "\n", "。", "！", "？", "，",
                                                       "；", "：", "、", "…",  "~",  "～"};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : kMarks) {
      if (!text.ends_with(mark)) continue;
      text.remove_suffix(mark.size());
      again = true;
    }
  }
  return text;
}

std::vector<std::string> words_of(std::string_view text) {
  const Text points = decoded(text);
  std::vector<std::string> words;
  Text word;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(lowercase(word));
    word.clear();
  };
  for (size_t i = 0; i < points.size(); ++i) {
    const char32_t c = points[i];
    if (is_han(c)) {
      flush();
      word = c;
      flush();
    } else if (is_word(c) || (!word.empty() && joins(points, i))) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return words;
}

int64_t count_sentences(std::string_view text) {
  int64_t count = 0;
  for (const std::string_view line : lines_of(text)) {
    Text points = decoded(line);
    // The point of "1. Apples" ends nothing.
    size_t digits = 0;
    while (digits < points.size() && is_blank(points[digits])) ++digits;
    const size_t first = digits;
    while (digits < points.size() && is_digit(points[digits])) ++digits;
    if (digits > first && digits + 1 < points.size() && points[digits] == U'.')
      points.erase(0, digits + 1);
    count += std::ssize(sentences_of(points));
  }
  return count;
}

int64_t count_lines(std::string_view text) { return std::ssize(lines_of(text)); }

int64_t count_items(std::string_view text) {
  static const Pattern numbered(kNumbered), bulleted(kBulleted), in_line(kInLine),
      in_line_first(kInLineFirst);
  const int64_t numbers = numbered.count_in(text);
  if (numbers >= 2) return numbers;
  if (in_line_first.found_in(text))
    if (const int64_t count = in_line.count_in(text); count >= 2) return count;
  if (numbers == 1) return 1;
  if (const int64_t bullets = bulleted.count_in(text); bullets > 0) return bullets;

  int64_t plain_lines = 0, most = 0;
  bool commas = false;
  for (const std::string_view line : lines_of(text)) {
    const Text points = decoded(line);
    size_t end = points.size();
    while (end > 0 && is_blank(points[end - 1])) --end;
    plain_lines += has_word(points) && !is_one_of(points[end - 1], U":：");
    for (size_t i = 0; i < points.size(); ++i) commas |= is_comma(points, i);
    for (const Text& sentence : sentences_of(points)) most = std::max(most, comma_items(sentence));
  }
  return plain_lines >= 2 && !commas ? plain_lines : most;
}

bool all_distinct(std::string_view text) {
  std::set<std::vector<std::string>> seen;
  const auto is_new = [&](const Text& piece) {
    std::vector<std::string> words = words_of(encoded(piece));
    // The number of an item. A line may be nothing else: the "1" of "1、apples".
    if (!words.empty() && words.front().find_first_not_of("0123456789") == std::string::npos)
      words.erase(words.begin());
    return words.empty() || seen.insert(std::move(words)).second;
  };
  for (const std::string_view line : lines_of(text)) {
    const Text points = decoded(line);
    Text piece;
    for (size_t i = 0; i < points.size(); ++i) {
      if (!is_comma(points, i)) {
        piece += points[i];
        continue;
      }
      if (!is_new(piece)) return false;
      piece.clear();
    }
    if (!is_new(piece)) return false;
  }
  return true;
}

Scripts scripts_of(std::string_view text) {
  int64_t letters = 0, latin = 0, han = 0;
  for (const char32_t c : decoded(text)) {
    if ((class_of(c) & tokenizer::kLetter) == 0 && !is_han(c)) continue;
    ++letters;
    latin += c < 0x250;
    han += is_han(c);
  }
  if (letters == 0) return {};
  const auto all = static_cast<double>(letters);
  return {static_cast<double>(latin) / all, static_cast<double>(han) / all};
}

Repetition repetition_of(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  const auto han = std::ranges::count_if(words, [](const std::string& word) {
    return is_han(tokenizer::decode_valid(word.data()).value);
  });
  const auto runs_of = [&](int64_t n) {
    std::unordered_map<std::string, int64_t> runs;
    for (int64_t i = 0; i + n <= std::ssize(words); ++i) {
      std::string run;
      for (int64_t j = i; j < i + n; ++j) run += words[static_cast<size_t>(j)] + ' ';
      ++runs[run];
    }
    return runs;
  };
  Repetition result;
  const auto runs = runs_of(2 * han > std::ssize(words) ? 8 : 4);
  result.repeated =
      std::ranges::any_of(runs, [](const auto& run) { return run.second > kMaxOccurrences; });
  if (std::ssize(words) >= 4)
    result.distinct4 =
        static_cast<double>(runs_of(4).size()) / static_cast<double>(std::ssize(words) - 3);
  return result;
}

}  // namespace parley::eval

#include "app/prompt_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_set>

#include "store/store.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

// The code point at `at`; U+FFFD, one byte long, where there is no valid one.
tokenizer::CodePoint code_point_at(std::string_view text, size_t at) {
  const int length = tokenizer::utf8_length(static_cast<uint8_t>(text[at]));
  if (length == 0 || at + static_cast<size_t>(length) > text.size()) return {0xFFFD, 1};
  for (int i = 1; i < length; ++i)
    if ((static_cast<uint8_t>(text[at + static_cast<size_t>(i)]) & 0xC0) != 0x80)
      return {0xFFFD, 1};
  return tokenizer::decode_valid(text.data() + at);
}

bool is_han(uint32_t c) {
  return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What may stand between a sentence's last mark and the white space behind it.
bool is_closing(uint32_t c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x201D || c == 0x2019 ||
         c == 0x300D || c == 0x300F || c == 0xFF09 || c == 0x3011 || c == 0x300B;
}

bool is_cjk_end(uint32_t c) {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF1B || c == 0x2026;
}

// "e.g.", "Dr.", "J.": a dot that ends no sentence.
bool is_abbreviation(std::string_view before_dot) {
  const size_t begin = before_dot.find_last_of(" \t\n(") + 1;
  const std::string word = lower_ascii(before_dot.substr(begin));
  constexpr std::array<std::string_view, 16> kKnown = {"e.g", "i.e", "dr",  "mr",  "mrs", "ms",
                                                       "st",  "vs",  "no",  "fig", "etc", "prof",
                                                       "cf",  "eq",  "vol", "pp"};
  if (std::ranges::find(kKnown, word) != kKnown.end()) return true;
  return word.size() == 1 && std::isalpha(static_cast<unsigned char>(word[0])) != 0 && word != "i";
}

const std::unordered_set<std::string>& stop_words() {
  static const std::unordered_set<std::string> words = {
      "a",      "about", "all",    "also",  "am",    "an",    "and",   "any",    "are",   "as",
      "at",     "be",    "been",   "but",   "by",    "can",   "could", "d",      "did",   "do",
      "does",   "doing", "don",    "for",   "from",  "get",   "give",  "had",    "has",   "have",
      "he",     "hello", "her",    "here",  "hi",    "him",   "his",   "how",    "i",     "if",
      "in",     "into",  "is",     "it",    "its",   "just",  "know",  "let",    "like",  "ll",
      "m",      "make",  "may",    "me",    "more",  "most",  "my",    "no",     "not",   "now",
      "of",     "ok",    "on",     "one",   "or",    "our",   "out",   "please", "re",    "s",
      "say",    "she",   "should", "so",    "some",  "such",  "t",     "tell",   "than",  "thank",
      "thanks", "that",  "the",    "their", "them",  "then",  "there", "these",  "they",  "this",
      "those",  "to",    "too",    "up",    "us",    "use",   "ve",    "very",   "want",  "was",
      "we",     "were",  "what",   "when",  "where", "which", "who",   "whom",   "whose", "why",
      "will",   "with",  "would",  "yes",   "you",   "your",  "write", "need",   "help",  "think"};
  return words;
}

// Chinese characters that do grammar.
constexpr std::u32string_view kFunctionCharacters =
    U"的了是我你您他她它们这那有在不和就都也很吗呢吧啊哦什么怎样为哪谁个一之与及或把被给让对于从到"
    U"着过"
    U"请能会要可以想说知道告诉帮";

bool is_content(const std::string& term) {
  if (stop_words().contains(term)) return false;
  bool han = false;
  for (size_t at = 0; at < term.size();) {
    const auto c = code_point_at(term, at);
    at += c.bytes;
    if (!is_han(c.value)) return true;
    han = true;
    if (kFunctionCharacters.find(static_cast<char32_t>(c.value)) == std::u32string_view::npos)
      return true;
  }
  return !han && !term.empty();
}

}  // namespace

Language language_of(std::string_view text, Language otherwise) {
  size_t han = 0, latin = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const auto c = code_point_at(text, at);
    at += c.bytes;
    const bool letter = c.value < 0x250 && c.value != 0xD7 && c.value != 0xF7 &&
                        (c.value >= 0xC0 || std::isalpha(static_cast<int>(c.value)) != 0) &&
                        c.value != 0xFFFD;
    if (is_han(c.value)) ++han;
    if (letter && !in_word) ++latin;  // a word says about as much as a character of Chinese
    in_word = letter;
  }
  if (han + latin == 0) return otherwise;
  return han * 2 >= latin ? Language::kChinese : Language::kEnglish;
}

std::vector<std::string_view> split_sentences(std::string_view text) {
  std::vector<std::string_view> sentences;
  size_t begin = 0;
  const auto end_at = [&](size_t end) {
    const std::string_view sentence = trim(text.substr(begin, end - begin));
    if (!sentence.empty()) sentences.push_back(sentence);
    begin = end;
  };
  for (size_t at = 0; at < text.size();) {
    const auto c = code_point_at(text, at);
    const size_t mark = at;
    at += c.bytes;
    if (c.value == '\n') {
      end_at(at);
      continue;
    }
    const bool ascii_end = c.value == '.' || c.value == '!' || c.value == '?';
    if (!ascii_end && !is_cjk_end(c.value)) continue;
    size_t behind = at;
    while (behind < text.size()) {
      const auto next = code_point_at(text, behind);
      const bool more = is_closing(next.value) || is_cjk_end(next.value) || next.value == '!' ||
                        next.value == '?' || next.value == '.';
      if (!more) break;
      behind += next.bytes;
    }
    const bool spaced = behind == text.size() || is_blank(text[behind]) ||
                        static_cast<uint8_t>(text[behind]) >= 0x80;
    if (ascii_end && !spaced) continue;
    if (c.value == '.' && is_abbreviation(text.substr(begin, mark - begin))) continue;
    at = behind;
    end_at(at);
  }
  end_at(text.size());
  return sentences;
}

std::vector<std::string> content_terms(std::string_view text) {
  const std::string all = store::search_terms(text);
  std::vector<std::string> terms;
  std::unordered_set<std::string> seen;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find(' ', begin), all.size());
    std::string term = all.substr(begin, end - begin);
    begin = end + 1;
    if (!term.empty() && is_content(term) && seen.insert(term).second)
      terms.push_back(std::move(term));
  }
  return terms;
}

std::string content_query(std::string_view text) {
  constexpr size_t kFirst = 48, kLast = 16, kBytes = 4000;
  std::string bounded;
  if (text.size() > 2 * kBytes) {
    bounded.append(text.substr(0, kBytes)).append(" ").append(text.substr(text.size() - kBytes));
    bounded = tokenizer::valid_utf8(bounded);
    text = bounded;
  }
  std::string query;
  const std::vector<std::string> terms = content_terms(text);
  for (size_t i = 0; i < terms.size(); ++i) {
    if (i >= kFirst && i + kLast < terms.size()) continue;
    if (!query.empty()) query += ' ';
    query += terms[i];
  }
  return query;
}

std::string clip_text(std::string_view text, size_t characters) {
  size_t count = 0, at = 0, sentence = 0, word = 0;
  while (at < text.size() && count < characters) {
    const auto c = code_point_at(text, at);
    at += c.bytes;
    ++count;
    if (is_cjk_end(c.value) || c.value == '\n' ||
        ((c.value == '.' || c.value == '!' || c.value == '?') && at < text.size() &&
         is_blank(text[at])))
      sentence = at;
    if (c.value == ' ' || c.value >= 0x2E80) word = at;
  }
  if (at >= text.size()) return std::string(text);
  size_t cut = at;
  if (sentence * 4 >= at * 3)
    cut = sentence;
  else if (word * 4 >= at * 3)
    cut = word;
  std::string clipped(text.substr(0, cut));
  while (!clipped.empty() && is_blank(clipped.back())) clipped.pop_back();
  return clipped + "…";
}

int64_t count_code_points(std::string_view text) {
  return std::ranges::count_if(text,
                               [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

std::string one_line(std::string_view text) {
  std::string line;
  bool blank = false;
  for (const char c : trim(text)) {
    if (is_blank(c) || static_cast<uint8_t>(c) < 0x20) {
      blank = true;
      continue;
    }
    if (blank && !line.empty()) line += ' ';
    blank = false;
    line += c;
  }
  return line;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kWide = "\xE3\x80\x80";  // U+3000
  while (true) {
    if (!text.empty() && is_blank(text.front()))
      text.remove_prefix(1);
    else if (text.starts_with(kWide))
      text.remove_prefix(kWide.size());
    else
      break;
  }
  while (true) {
    if (!text.empty() && is_blank(text.back()))
      text.remove_suffix(1);
    else if (text.ends_with(kWide))
      text.remove_suffix(kWide.size());
    else
      break;
  }
  return text;
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string blank_quotes(std::string_view text) {
  std::string kept(text);
  const auto blank = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < std::min(end, kept.size()); ++i)
      if (kept[i] != '\n') kept[i] = ' ';
  };
  // Blocks of code; one without an end goes on to the text's end.
  for (size_t at = 0; (at = kept.find("```", at)) != std::string::npos;) {
    const size_t end = kept.find("```", at + 3);
    blank(at, end == std::string::npos ? kept.size() : end + 3);
    if (end == std::string::npos) break;
    at = end + 3;
  }
  for (size_t begin = 0; begin < kept.size();) {
    const size_t end = std::min(kept.find('\n', begin), kept.size());
    const size_t first = kept.find_first_not_of(" \t", begin);
    if (first < end && (kept[first] == '>' || first >= begin + 4)) blank(begin, end);
    begin = end + 1;
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kQuotes = {
      {{"`", "`"}, {"\"", "\""}, {"“", "”"}, {"「", "」"}, {"『", "』"}, {"«", "»"}}};
  for (const auto& [open, close] : kQuotes) {
    for (size_t at = 0; (at = kept.find(open, at)) != std::string::npos;) {
      const size_t end = kept.find(close, at + open.size());
      const size_t paragraph = kept.find("\n\n", at);
      if (end == std::string::npos || end > paragraph) {
        at += open.size();  // 5" and the like
        continue;
      }
      blank(at, end + close.size());
      at = end + close.size();
    }
  }
  return kept;
}

}  // namespace parley::app

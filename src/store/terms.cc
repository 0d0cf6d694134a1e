#include "store/terms.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <unordered_set>

#include "store/store.h"
#include "store/utf8.h"

namespace parley::store {

namespace {

constexpr size_t kMaxWordBytes = 120;
// Of a character with its marks: the time to sort marks grows with the square of their number.
constexpr size_t kMaxMarkedBytes = 64;
constexpr size_t kMaxQueryTerms = 64;
constexpr size_t kMaxQueryBytes = 16 << 10;

enum class Class { kOther, kMark, kSpaced, kUnspaced };

struct CodeRange {
  int32_t first, last;
};
// Blocks whose scripts have no spaces between words, and Korean, whose particles stick to words.
constexpr std::array kUnspacedBlocks = {
    CodeRange{0x0E00, 0x0EFF},    // Thai, Lao
    CodeRange{0x1000, 0x109F},    // Myanmar
    CodeRange{0x1100, 0x11FF},    // Hangul Jamo
    CodeRange{0x1780, 0x17FF},    // Khmer
    CodeRange{0x1950, 0x19DF},    // Tai Le, New Tai Lue
    CodeRange{0x1A20, 0x1AAF},    // Tai Tham
    CodeRange{0x2E80, 0x2FDF},    // radicals
    CodeRange{0x3005, 0x3007},    // 々〆〇
    CodeRange{0x3040, 0x318F},    // kana, bopomofo, Hangul
    CodeRange{0x31A0, 0x31BF},    // bopomofo
    CodeRange{0x31F0, 0x31FF},    // kana
    CodeRange{0x3400, 0x4DBF},    // Han
    CodeRange{0x4E00, 0x9FFF},    // Han
    CodeRange{0xA960, 0xA97F},    // Hangul Jamo
    CodeRange{0xA9E0, 0xA9FF},    // Myanmar
    CodeRange{0xAA60, 0xAADF},    // Myanmar, Tai Viet
    CodeRange{0xAC00, 0xD7FF},    // Hangul
    CodeRange{0xF900, 0xFAFF},    // Han
    CodeRange{0x1AFF0, 0x1B16F},  // kana
    CodeRange{0x20000, 0x3FFFF},  // Han
};

Class class_of(int32_t code_point) {
  if (code_point < 0x80) {
    const bool word = (code_point >= '0' && code_point <= '9') ||
                      (code_point >= 'a' && code_point <= 'z') ||
                      (code_point >= 'A' && code_point <= 'Z');
    return word ? Class::kSpaced : Class::kOther;
  }
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return Class::kMark;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: break;
    default: return Class::kOther;
  }
  const auto block = std::ranges::lower_bound(kUnspacedBlocks, code_point, {},
                                              [](CodeRange range) { return range.last; });
  return block != kUnspacedBlocks.end() && block->first <= code_point ? Class::kUnspaced
                                                                      : Class::kSpaced;
}

// The character at `at` and its bytes; of bytes that are none, one and -1.
struct Character {
  int32_t code_point;
  size_t bytes;
};
Character character_at(std::string_view text, size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return {text[at], 1};
  utf8proc_int32_t code_point = -1;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                      static_cast<utf8proc_ssize_t>(text.size() - at), &code_point);
  return bytes > 0 ? Character{code_point, static_cast<size_t>(bytes)} : Character{-1, 1};
}

// Whether a character belongs to the one before it: marks, the voicing marks of half-width kana,
// the vowels and final consonants of Hangul in parts.
bool joins(int32_t code_point) {
  if (code_point < 0x300) return false;
  if (code_point == 0xFF9E || code_point == 0xFF9F) return true;
  if (code_point >= 0x1160 && code_point <= 0x11FF) return true;
  return class_of(code_point) == Class::kMark;
}

// Han, kana and Hangul syllables that folding leaves as they are.
bool folds_to_itself(int32_t code_point) {
  return (code_point >= 0x4E00 && code_point <= 0x9FFF) ||
         (code_point >= 0x3041 && code_point <= 0x3096) ||
         (code_point >= 0x30A1 && code_point <= 0x30FA) ||
         (code_point >= 0xAC00 && code_point <= 0xD7A3);
}

class Scanner {
 public:
  explicit Scanner(const std::function<bool(const Term&)>& each) : each_(each) {}

  void scan(std::string_view text) {
    std::string folded;
    for (size_t at = 0; at < text.size() && going_;) {
      const Character first = character_at(text, at);
      size_t end = at + first.bytes;
      bool alone = true;
      while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0xCC &&
             end - at < kMaxMarkedBytes) {
        const Character next = character_at(text, end);
        if (!joins(next.code_point)) break;
        end += next.bytes;
        alone = false;
      }
      if (alone && first.code_point >= 0 && first.code_point < 0x80) {
        const Class kind = class_of(first.code_point);
        const char c = text[at];
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        add({&lower, 1}, kind, at, end);
      } else if (alone && folds_to_itself(first.code_point)) {
        add(text.substr(at, end - at), Class::kUnspaced, at, end);
      } else if (first.code_point < 0) {
        add({}, Class::kOther, at, end);
      } else {
        add_folded(fold(text.substr(at, end - at)), at, end);
      }
      at = end;
    }
    end_word();
    end_run();
  }

 private:
  // What one character with its marks became: nothing, letters with marks, or something else.
  void add_folded(const std::string& folded, size_t begin, size_t end) {
    for (size_t at = 0; at < folded.size();) {
      const Character first = character_at(folded, at);
      size_t stop = at + first.bytes;
      const Class kind = class_of(first.code_point);
      while (stop < folded.size()) {
        const Character next = character_at(folded, stop);
        if (class_of(next.code_point) != Class::kMark) break;
        stop += next.bytes;
      }
      add(std::string_view(folded).substr(at, stop - at), kind, begin, end);
      at = stop;
    }
  }

  void add(std::string_view folded, Class kind, size_t begin, size_t end) {
    if (kind == Class::kMark) kind = word_.empty() ? Class::kOther : Class::kSpaced;
    if (kind != Class::kSpaced) end_word();
    if (kind != Class::kUnspaced) end_run();
    if (kind == Class::kSpaced) {
      if (word_.size() + folded.size() > kMaxWordBytes) end_word();
      if (word_.empty()) word_begin_ = begin;
      word_ += folded;
      word_end_ = end;
    } else if (kind == Class::kUnspaced) {
      const std::string unit(folded);
      if (run_ > 0) emit(TermKind::kPair, unit_ + unit, unit_begin_, end);
      unit_ = unit;
      unit_begin_ = begin;
      unit_end_ = end;
      ++run_;
    }
  }

  void end_word() {
    if (!word_.empty()) emit(TermKind::kWord, word_, word_begin_, word_end_);
    word_.clear();
  }
  void end_run() {
    if (run_ > 0)
      emit(run_ == 1 ? TermKind::kCharacter : TermKind::kLast, unit_, unit_begin_, unit_end_);
    run_ = 0;
  }
  void emit(TermKind kind, const std::string& text, size_t begin, size_t end) {
    if (going_) going_ = each_({kind, text, begin, end});
  }

  const std::function<bool(const Term&)>& each_;
  bool going_ = true;
  std::string word_, unit_;
  size_t word_begin_ = 0, word_end_ = 0, unit_begin_ = 0, unit_end_ = 0;
  size_t run_ = 0;
};

// Words that nearly every text has, and questions begin with.
bool says_nothing(const std::string& term) {
  static const std::unordered_set<std::string> words = {
      "a",      "about", "am",    "an",   "and",  "any",  "are",  "as",    "at",     "be",   "but",
      "by",     "can",   "could", "d",    "did",  "do",   "does", "for",   "from",   "had",  "has",
      "have",   "how",   "i",     "if",   "in",   "into", "is",   "it",    "its",    "ll",   "m",
      "me",     "my",    "no",    "not",  "of",   "on",   "or",   "our",   "please", "re",   "s",
      "should", "so",    "some",  "t",    "tell", "than", "that", "the",   "their",  "them", "then",
      "there",  "these", "they",  "this", "to",   "us",   "ve",   "was",   "we",     "were", "what",
      "when",   "where", "which", "who",  "why",  "will", "with", "would", "you",    "your", "什么",
      "怎么",   "怎样",  "如何",  "为什", "哪里", "哪个", "多少", "可以",  "请问",   "告诉", "诉我",
      "是什",   "我的",  "你的",  "么样", "一下", "是不", "不是", "有没",  "没有",   "的",   "吗",
      "呢",     "了",    "我",    "你"};
  return words.contains(term);
}

}  // namespace

std::string fold(std::string_view text) {
  const std::string valid = valid_text(text);
  utf8proc_uint8_t* out = nullptr;
  const auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const auto bytes = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                                  static_cast<utf8proc_ssize_t>(valid.size()), &out, options);
  if (bytes < 0) return valid;
  std::string folded(reinterpret_cast<const char*>(out), static_cast<size_t>(bytes));
  std::free(out);  // NOLINT: the library's malloc
  return folded;
}

void for_each_term(std::string_view text, const std::function<bool(const Term&)>& each) {
  Scanner(each).scan(text);
}

std::string search_terms(std::string_view text) {
  std::string terms;
  for_each_term(text, [&](const Term& term) {
    if (terms.size() + term.text.size() + 1 > kMaxTermBytes) return false;
    if (!terms.empty()) terms += ' ';
    terms += term.text;
    return true;
  });
  return terms;
}

std::vector<QueryTerm> query_terms(std::string_view query, bool all) {
  std::vector<QueryTerm> terms;
  std::unordered_set<std::string> seen;
  for_each_term(query.substr(0, kMaxQueryBytes), [&](const Term& term) {
    if (term.kind == TermKind::kLast || !seen.emplace(term.text).second) return true;
    // A lone character begins pairs where it stands in a run.
    terms.push_back({std::string(term.text), term.kind == TermKind::kCharacter});
    return terms.size() < kMaxQueryTerms;
  });
  if (all) {
    if (!terms.empty()) terms.back().prefix = true;
    return terms;
  }
  std::vector<QueryTerm> telling;
  for (const QueryTerm& term : terms)
    if (!says_nothing(term.text)) telling.push_back(term);
  return telling.empty() ? terms : telling;
}

}  // namespace parley::store

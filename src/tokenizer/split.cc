#include "tokenizer/split.h"

#include <array>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer {
namespace {

// The scanners below read like their expressions: one alternative after another, each
// a few runs of character classes. They take time linear in the piece they find (plus
// the run of upper case or white space just after it).

struct Char {
  uint32_t value = 0;
  uint32_t bytes = 0;  // 0 at the end of the text
  uint8_t classes = 0;
};

class Scanner {
 public:
  Scanner(const char* end, const uint8_t* classes) : end_(end), classes_(classes) {}

  Char at(const char* p) const {
    if (p >= end_) return {};
    const auto byte = static_cast<uint8_t>(*p);
    if (byte < 0x80) return {byte, 1, classes_[byte]};
    const CodePoint c = decode_valid(p);
    return {c.value, c.bytes, classes_[c.value]};
  }

  // The end of the run of characters that have one of the classes in `mask`.
  const char* run_of(uint8_t mask, const char* p) const {
    while (p < end_) {
      const Char c = at(p);
      if (!(c.classes & mask)) break;
      p += c.bytes;
    }
    return p;
  }

  // The end of the run of [^\s\p{L}\p{N}].
  const char* run_of_symbols(const char* p) const {
    while (p < end_) {
      const Char c = at(p);
      if (c.classes & (kLetter | kNumber | kSpace)) break;
      p += c.bytes;
    }
    return p;
  }

  // \p{N}{1,max}: p is at a number.
  const char* numbers(const char* p, int max) const {
    for (int i = 0; i < max; ++i) {
      const Char c = at(p);
      if (!(c.classes & kNumber)) break;
      p += c.bytes;
    }
    return p;
  }

  // '(?:[sdmt]|ll|ve|re), or p if it is not there. Without case, Unicode folds the
  // long s (U+017F) to s.
  const char* contraction(const char* p, bool any_case) const {
    if (p >= end_ || *p != '\'' || end_ - p < 2) return p;
    const auto fold = [any_case](char c) {
      return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char a = fold(p[1]);
    if (a == 's' || a == 'd' || a == 'm' || a == 't') return p + 2;
    if (end_ - p < 3) return p;
    if (any_case && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;
    const char b = fold(p[2]);
    if ((a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e')) return p + 3;
    return p;
  }

  // White space from p on, cut by the rules
  //   [tail]      \s+$ as one piece
  //   [newlines]  \s*[\r\n]+
  //   \s+(?!\S)|\s+
  const char* white_space(const char* p, bool tail, bool newlines) const {
    const char* last = p;         // the last character of the run
    const char* newline_end = p;  // behind the last \r or \n
    const char* q = p;
    for (Char c = at(q); c.classes & kSpace; c = at(q)) {
      last = q;
      q += c.bytes;
      if (c.value == '\r' || c.value == '\n') newline_end = q;
    }
    if (tail && q == end_) return q;
    if (newlines && newline_end > p) return newline_end;
    if (q == end_ || last == p) return q;
    return last;
  }

  const char* end() const { return end_; }

 private:
  const char* end_;
  const uint8_t* classes_;
};

bool is_newline(Char c) { return c.value == '\r' || c.value == '\n'; }

// '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
const char* next_gpt2(const Scanner& s, const char* p) {
  if (const char* q = s.contraction(p, false); q > p) return q;
  const char* q = p;
  Char c = s.at(p);
  if (c.value == ' ') c = s.at(++q);
  if (c.classes & kLetter) return s.run_of(kLetter, q);
  if (c.classes & kNumber) return s.run_of(kNumber, q);
  if (c.bytes > 0 && !(c.classes & kSpace)) return s.run_of_symbols(q);
  return s.white_space(p, false, false);
}

//  ?[^\s\p{L}\p{N}]+ followed by newlines (and slashes), or p if it is not there.
const char* symbols(const Scanner& s, const char* p, bool slashes) {
  const char* q = p;
  Char c = s.at(p);
  if (c.value == ' ') c = s.at(++q);
  if (c.bytes == 0 || (c.classes & (kLetter | kNumber | kSpace))) return p;
  q = s.run_of_symbols(q);
  while (q < s.end() && (*q == '\r' || *q == '\n' || (slashes && *q == '/'))) ++q;
  return q;
}

// '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*
// and white space: [\s+$|] \s*[\r\n]+|\s+(?!\S)|\s+
const char* next_cl100k(const Scanner& s, const char* p, int digits, bool tail) {
  const Char c = s.at(p);
  if (c.classes & kLetter) return s.run_of(kLetter, p);
  if (c.classes & kNumber) return s.numbers(p, digits);
  if (const char* q = s.contraction(p, true); q > p) return q;
  if (!is_newline(c)) {
    const char* const q = p + c.bytes;
    if (s.at(q).classes & kLetter) return s.run_of(kLetter, q);
  }
  if (const char* q = symbols(s, p, false); q > p) return q;
  return s.white_space(p, tail, true);
}

constexpr uint8_t kWordUpper = kUpper | kUncased | kMark;  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr uint8_t kWordLower = kLower | kUncased | kMark;  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]

// kWordUpper* kWordLower+, or nullptr. The two classes share the uncased letters and the
// marks, so where no lower case letter follows the first run, the expression steps back
// to the last character of the run that is in both.
const char* lower_word(const Scanner& s, const char* p) {
  const char* shared_end = nullptr;
  for (Char c = s.at(p); c.classes & kWordUpper; c = s.at(p)) {
    p += c.bytes;
    if (c.classes & kWordLower) shared_end = p;
  }
  if (s.at(p).classes & kLower) return s.run_of(kWordLower, p);
  return shared_end;
}

// [^\r\n\p{L}\p{N}]? kWordUpper* kWordLower+ contraction?
// [^\r\n\p{L}\p{N}]? kWordUpper+ kWordLower* contraction?
// \p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
const char* next_o200k(const Scanner& s, const char* p) {
  const Char c = s.at(p);
  if (c.classes & kNumber) return s.numbers(p, 3);
  const bool prefix = !(c.classes & kLetter) && !is_newline(c);
  const char* word = nullptr;
  if (prefix) word = lower_word(s, p + c.bytes);
  if (!word) word = lower_word(s, p);
  if (!word) {
    const char* const q = prefix ? p + c.bytes : p;
    const char* const stop = s.run_of(kWordUpper, q);
    if (stop > q) word = stop;
  }
  if (word) return s.contraction(word, true);
  if (const char* q = symbols(s, p, true); q > p) return q;
  return s.white_space(p, false, true);
}

struct Published {
  Pattern pattern;
  std::string_view name;  // for flags; empty: not to be chosen by name
  std::string_view regex;
};

constexpr std::string_view kO200kRegex =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// The first of each pattern is the one written to files. `\z` stands where tiktoken has
// `$`, which other engines let match before a newline.
constexpr std::array kPublished = {
    Published{Pattern::kGpt2, "gpt2",
              R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kGpt2, "",
        R"re('s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kGpt2, "",
        R"re('(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s)re"},
    Published{Pattern::kGpt2, "",
              R"re('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kCl100k, "",
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kCl100k, "",
        R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s)re"},
    Published{
        Pattern::kLlama3, "cl100k",
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kLlama3, "llama3",
        R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)re"},
    Published{
        Pattern::kQwen2, "qwen2",
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re"},
    Published{Pattern::kO200k, "o200k", kO200kRegex},
};

}  // namespace

std::string_view pattern_regex(Pattern pattern) {
  for (const Published& known : kPublished)
    if (known.pattern == pattern) return known.regex;
  return {};
}

Pattern pattern_by_name(std::string_view name) {
  for (const Published& known : kPublished)
    if (!name.empty() && known.name == name) return known.pattern;
  throw base::UsageError(fmt::format(
      "no split pattern is called \"{}\"; there are gpt2, cl100k, o200k, llama3, qwen2", name));
}

Pattern pattern_by_regex(std::string_view regex) {
  for (const Published& known : kPublished)
    if (known.regex == regex) return known.pattern;
  return Pattern::kOther;
}

const char* next_piece(Pattern pattern, const char* begin, const char* end) {
  static const uint8_t* const classes = char_class_table();
  const Scanner s(end, classes);
  switch (pattern) {
    case Pattern::kGpt2: return next_gpt2(s, begin);
    case Pattern::kCl100k: return next_cl100k(s, begin, 3, true);
    case Pattern::kLlama3: return next_cl100k(s, begin, 3, false);
    case Pattern::kQwen2: return next_cl100k(s, begin, 1, false);
    case Pattern::kO200k: return next_o200k(s, begin);
    case Pattern::kNone:
    case Pattern::kOther: break;
  }
  return end;
}

Splitter::Splitter(Pattern pattern) {
  PARLEY_CHECK(pattern != Pattern::kOther, "a pattern without an expression");
  stages_.push_back({pattern, nullptr});
}

void Splitter::add_regex(std::string_view regex) {
  const Pattern pattern = pattern_by_regex(regex);
  stages_.push_back(
      {pattern, pattern == Pattern::kOther ? std::make_unique<RegexSplitter>(regex) : nullptr});
}

void Splitter::split_stages(size_t stage, std::string_view text, const PieceFn& piece) const {
  if (text.empty()) return;
  if (stage == stages_.size()) return piece(text);
  const auto next = [&](std::string_view part) { split_stages(stage + 1, part, piece); };
  if (stages_[stage].regex) {
    stages_[stage].regex->split(text, next);
  } else {
    scan(stages_[stage].pattern, text, next);
  }
}

}  // namespace parley::tokenizer

#include "tokenizer/jinja_lexer.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::tokenizer::jinja {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
 public:
  Lexer(std::string source, const std::string& where) : source_(std::move(source)), where_(where) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text_and_tag();
    tokens_.push_back({TokenKind::kEnd, "the template's end", line_});
    return std::move(tokens_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(int line, fmt::format_string<Args...> format, Args&&... args) const {
    base::fail("{}: line {}: {}", where_, line, fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  char mark_at(size_t at) const { return at < source_.size() ? source_[at] : '\0'; }
  void advance(size_t stop) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                         source_.begin() + static_cast<ptrdiff_t>(stop), '\n'));
    at_ = stop;
  }

  // Where the next "{{", "{%" or "{#" is.
  size_t find_tag() const {
    size_t tag = source_.find('{', at_);
    while (tag != source_.npos && mark_at(tag + 1) != '{' && mark_at(tag + 1) != '%' &&
           mark_at(tag + 1) != '#')
      tag = source_.find('{', tag + 1);
    return std::min(tag, source_.size());
  }

  // Puts the text before the tag at `tag`, stripped as the tag says.
  void put_text(size_t tag) {
    size_t stop = tag;
    if (tag < source_.size()) {
      const char mark = mark_at(tag + 2);
      if (mark == '-') {
        while (stop > at_ && is_space(source_[stop - 1])) --stop;
      } else if (mark != '+' && source_[tag + 1] != '{') {
        size_t begin = tag;
        while (begin > at_ && is_space(source_[begin - 1]) && source_[begin - 1] != '\n') --begin;
        // A line's beginning: a print tag before it on the line keeps the space.
        if (begin == 0 || source_[begin - 1] == '\n') stop = begin;
      }
    }
    if (stop > at_) tokens_.push_back({TokenKind::kText, source_.substr(at_, stop - at_), line_});
    advance(tag);
  }

  // Goes on behind a tag that ends at `end`; `control`: its last character before "%}".
  void after_tag(size_t end, char control, bool is_print) {
    advance(end);
    if (control == '-') {
      while (end < source_.size() && is_space(source_[end])) ++end;
    } else if (control != '+' && !is_print && mark_at(end) == '\n') {
      ++end;
    }
    advance(end);
  }

  void text_and_tag() {
    const size_t tag = find_tag();
    put_text(tag);
    if (tag == source_.size()) return;
    const char type = source_[tag + 1];
    if (type == '#') {
      const size_t end = source_.find("#}", tag + 2);
      if (end == source_.npos) fail(line_, "the comment {{# has no end");
      return after_tag(end + 2, end > tag + 2 ? source_[end - 1] : '\0', false);
    }
    const int line = line_;
    tokens_.push_back({type == '{' ? TokenKind::kPrintBegin : TokenKind::kBlockBegin,
                       type == '{' ? "{{" : "{%", line_});
    at_ += 2;
    if (mark_at(at_) == '-' || mark_at(at_) == '+') ++at_;
    inside(type == '{' ? "}}" : "%}", line);
    if (is_raw()) raw();
  }

  // The tokens of a tag, up to and with its end.
  void inside(std::string_view end, int line) {
    std::string open;  // brackets
    for (;;) {
      while (at_ < source_.size() && is_space(source_[at_])) advance(at_ + 1);
      if (at_ >= source_.size()) fail(line, "the tag has no {}", end);
      const char mark = mark_at(at_);
      const bool controlled =
          (mark == '-' || mark == '+') && rest().substr(1).starts_with(end) && open.empty();
      if (controlled || (open.empty() && rest().starts_with(end))) {
        const bool is_print = end == "}}";
        tokens_.push_back(
            {is_print ? TokenKind::kPrintEnd : TokenKind::kBlockEnd, std::string(end), line_});
        return after_tag(at_ + end.size() + (controlled ? 1 : 0), controlled ? mark : '\0',
                         is_print);
      }
      one(open);
    }
  }

  void one(std::string& open) {
    const char c = source_[at_];
    if (c == '"' || c == '\'') return string(c);
    if (is_digit(c)) return number();
    if (is_name_start(c)) {
      size_t end = at_;
      while (is_name_start(mark_at(end)) || is_digit(mark_at(end))) ++end;
      tokens_.push_back({TokenKind::kName, source_.substr(at_, end - at_), line_});
      at_ = end;
      return;
    }
    for (const std::string_view op : {"**", "//", "==", "!=", "<=", ">="})
      if (rest().starts_with(op)) return put_operator(op);
    constexpr std::string_view kOperators = "+-*/%~|.,:()[]{}<>=";
    if (kOperators.find(c) == kOperators.npos)
      fail(line_, "unexpected '{}' in a tag",
           c < 0 ? std::string_view("a character beyond ASCII") : std::string_view(&c, 1));
    if (c == '(' || c == '[' || c == '{') open += c;
    if (c == ')' || c == ']' || c == '}') {
      const char opened = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (open.empty() || open.back() != opened) fail(line_, "unexpected '{}'", c);
      open.pop_back();
    }
    put_operator(std::string_view(&c, 1));
  }

  void put_operator(std::string_view op) {
    tokens_.push_back({TokenKind::kOperator, std::string(op), line_});
    at_ += op.size();
  }

  void number() {
    size_t end = at_;
    bool is_float = false;
    const auto digits = [&] {
      while (is_digit(mark_at(end)) || (mark_at(end) == '_' && is_digit(mark_at(end + 1)))) ++end;
    };
    digits();
    if (mark_at(end) == '.' && is_digit(mark_at(end + 1))) {
      is_float = true;
      ++end;
      digits();
    }
    if (mark_at(end) == 'e' || mark_at(end) == 'E') {
      size_t exponent = end + 1;
      if (mark_at(exponent) == '-' || mark_at(exponent) == '+') ++exponent;
      if (is_digit(mark_at(exponent))) {
        is_float = true;
        end = exponent;
        digits();
      }
    }
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    tokens_.push_back({is_float ? TokenKind::kFloat : TokenKind::kInteger, std::move(text), line_});
    at_ = end;
  }

  void string(char quote) {
    const int line = line_;
    std::string text;
    size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] != '\\' || i + 1 >= source_.size()) {
        text += source_[i];
        continue;
      }
      ++i;
      escape(i, text);
    }
    if (i >= source_.size()) fail(line, "the string has no closing {}", quote);
    advance(i + 1);
    tokens_.push_back({TokenKind::kString, std::move(text), line});
  }

  // What the escape whose letter is at `i` stands for; `i` moves to its last character.
  void escape(size_t& i, std::string& text) const {
    constexpr std::string_view kLetters = "ntrbfav0", kMeans("\n\t\r\b\f\a\v\0", 8);
    const char c = source_[i];
    if (const size_t simple = kLetters.find(c); simple != kLetters.npos) {
      text += kMeans[simple];
    } else if (c == '\\' || c == '\'' || c == '"') {
      text += c;
    } else if (c == '\n') {
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      const std::string hex = source_.substr(i + 1, digits);
      if (hex.size() < digits || hex.find_first_not_of("0123456789abcdefABCDEF") != hex.npos)
        fail(line_, "\\{} in a string needs {} hexadecimal digits", c, digits);
      const auto code = std::stoul(hex, nullptr, 16);
      if (code >= kCodePoints || (code >= 0xD800 && code < 0xE000))
        fail(line_, "\\{}{} in a string is not a character", c, hex);
      append_utf8(static_cast<uint32_t>(code), text);
      i += digits;
    } else {
      text += '\\';
      text += c;
    }
  }

  bool is_raw() const {
    const size_t n = tokens_.size();
    return n >= 3 && tokens_[n - 1].kind == TokenKind::kBlockEnd && tokens_[n - 2].text == "raw" &&
           tokens_[n - 2].kind == TokenKind::kName && tokens_[n - 3].kind == TokenKind::kBlockBegin;
  }

  // After {% raw %}: everything up to {% endraw %} is text.
  void raw() {
    tokens_.resize(tokens_.size() - 3);
    const int line = line_;
    for (size_t tag = source_.find("{%", at_); tag != source_.npos;
         tag = source_.find("{%", tag + 2)) {
      size_t i = tag + 2;
      if (mark_at(i) == '-' || mark_at(i) == '+') ++i;
      while (is_space(mark_at(i))) ++i;
      if (source_.compare(i, 6, "endraw") != 0) continue;
      i += 6;
      while (is_space(mark_at(i))) ++i;
      const char control = mark_at(i);
      if (control == '-' || control == '+') ++i;
      if (source_.compare(i, 2, "%}") != 0) continue;
      put_text(tag);
      return after_tag(i + 2, control, false);
    }
    fail(line, "raw has no endraw");
  }

  const std::string source_;
  const std::string& where_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const std::string& where) {
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n';
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return Lexer(std::move(text), where).run();
}

}  // namespace parley::tokenizer::jinja

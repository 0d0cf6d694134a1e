// Reading a notation character by character, with the place in it for messages.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::grammar {

class TextReader {
 public:
  static constexpr size_t kMaxBytes = 1 << 18;

  // `what`: "grammar", "regular expression" … in messages. Error if the text is not UTF-8 or is
  // longer than kMaxBytes. The text must outlive this.
  TextReader(std::string_view text, std::string what) : text_(text), what_(std::move(what)) {
    if (text.size() > kMaxBytes) base::fail("{}: longer than {} bytes", what_, kMaxBytes);
    const size_t valid = tokenizer::valid_utf8_prefix(text);
    if (valid != text.size()) base::fail("{}: byte {} is not UTF-8", what_, valid);
  }

  bool at_end() const { return position_ == text_.size(); }
  size_t position() const { return position_; }
  // The next byte; 0 at the end.
  char peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool sees(std::string_view word) const { return text_.substr(position_).starts_with(word); }
  bool take(std::string_view word) {
    if (!sees(word)) return false;
    position_ += word.size();
    return true;
  }
  void skip(size_t bytes = 1) { position_ += bytes; }
  void seek(size_t position) { position_ = position; }
  std::string_view since(size_t begin) const { return text_.substr(begin, position_ - begin); }
  uint32_t take_char() {
    if (at_end()) fail("it ends too early");
    const tokenizer::CodePoint c = tokenizer::decode_valid(text_.data() + position_);
    position_ += c.bytes;
    return c.value;
  }
  // `digits` hexadecimal digits as a code point that UTF-8 can hold.
  uint32_t take_hex(int min_digits, int max_digits) {
    uint32_t value = 0;
    int count = 0;
    for (; count < max_digits; ++count, skip()) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) break;
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (count < min_digits) fail("a hexadecimal digit is missing");
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
      fail("{:X} is no character of Unicode", value);
    return value;
  }
  // A decimal number; -1 if there is none. Error above 100,000: what it counts would not fit.
  int64_t take_count() {
    if (peek() < '0' || peek() > '9') return -1;
    int64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; skip())
      if ((value = value * 10 + (peek() - '0')) > 100'000) fail("a count above 100000");
    return value;
  }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    size_t line = 1, column = 1;
    for (const char c : text_.substr(0, position_)) {
      column = c == '\n' ? 1 : column + ((c & 0xC0) != 0x80);
      line += c == '\n';
    }
    base::fail("{}: line {}, column {}: {}", what_, line, column,
               fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::string_view text_;
  std::string what_;
  size_t position_ = 0;
};

}  // namespace parley::grammar

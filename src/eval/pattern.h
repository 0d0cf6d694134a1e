// Regular expressions over answers, in bounded time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace parley::eval {

// PCRE2 with Unicode classes. A search that takes more than two million steps over all its
// starting points (about a tenth of a second) finds nothing, so no pattern and no answer can hang
// an evaluation. Text may be any bytes: what is no UTF-8 is read as U+FFFD.
class Pattern {
 public:
  // Error when the expression is empty or does not compile.
  explicit Pattern(std::string_view expression);

  bool found_in(std::string_view text) const { return count_in(text, 1) > 0; }
  // Matches that do not overlap, at most `limit`.
  int64_t count_in(std::string_view text, int64_t limit = INT64_MAX) const;
  const std::string& expression() const { return expression_; }

 private:
  struct Code;
  std::string expression_;
  std::shared_ptr<const Code> code_;
};

}  // namespace parley::eval

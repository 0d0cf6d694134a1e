// Split patterns nobody wrote a scanner for: PCRE2, with its JIT where the machine has one.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "tokenizer/split.h"

namespace parley::tokenizer {
namespace {

// Steps a single match may take. The published patterns need about the length of a
// piece; what needs more is an expression that explodes, and is refused.
constexpr uint32_t kMatchLimit = 10'000'000;
constexpr uint32_t kMatchHeapKib = 256 * 1024;

// Tokenizer libraries read \s as the property White_Space; PCRE2 adds U+180E to it.
std::string with_white_space(std::string_view regex) {
  std::string result;
  for (size_t i = 0; i < regex.size(); ++i) {
    if (regex[i] != '\\' || i + 1 == regex.size()) {
      result += regex[i];
      continue;
    }
    const char kind = regex[++i];
    if (kind == 's') {
      result += "\\p{White_Space}";
    } else if (kind == 'S') {
      result += "\\P{White_Space}";
    } else {
      result += '\\';
      result += kind;
    }
  }
  return result;
}

std::string error_text(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};

using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>>;

}  // namespace

struct RegexSplitter::Code {
  std::unique_ptr<pcre2_code, Deleter<pcre2_code_free>> code;
};

RegexSplitter::RegexSplitter(std::string_view regex)
    : regex_(regex), code_(std::make_unique<Code>()) {
  const std::string expression = with_white_space(regex);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->code.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &error,
                    &offset, nullptr));
  if (!code_->code)
    base::fail("split pattern does not compile at character {}: {}: {}", offset, error_text(error),
               regex);
  // Where the JIT is not available the interpreter gives the same matches.
  pcre2_jit_compile(code_->code.get(), PCRE2_JIT_COMPLETE);
}

RegexSplitter::~RegexSplitter() = default;
RegexSplitter::RegexSplitter(RegexSplitter&&) noexcept = default;
RegexSplitter& RegexSplitter::operator=(RegexSplitter&&) noexcept = default;

void RegexSplitter::split(std::string_view text, const PieceFn& piece) const {
  const pcre2_code* code = code_->code.get();
  const MatchData match(pcre2_match_data_create_from_pattern(code, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  if (!match || !context) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kMatchHeapKib);

  size_t done = 0, start = 0;  // pieces are out up to `done`; the search goes on at `start`
  while (start < text.size()) {
    const int result =
        pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start,
                    PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, match.get(), context.get());
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0)
      base::fail("split pattern gave up on the text at byte {}: {}; the pattern is {}", start,
                 error_text(result), regex_);
    const PCRE2_SIZE* at = pcre2_get_ovector_pointer(match.get());
    // \K can make a match begin before the search did, or end before its begin.
    const size_t begin = std::max<size_t>(at[0], done), end = at[1];
    if (end <= begin) base::fail("split pattern matches nothing at byte {}: {}", begin, regex_);
    if (begin > done) piece(text.substr(done, begin - done));
    piece(text.substr(begin, end - begin));
    done = start = end;
  }
  if (done < text.size()) piece(text.substr(done));
}

}  // namespace parley::tokenizer

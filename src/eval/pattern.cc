#include "eval/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <new>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace parley::eval {
namespace {

constexpr uint32_t kMaxSteps = 2'000'000;
constexpr uint32_t kMatchHeapKib = 64 * 1024;

struct Delete {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
};

// PCRE2's own limit starts anew at each character of the text, so steps are counted by callouts.
int count_step(pcre2_callout_block*, void* steps) {
  return ++*static_cast<uint32_t*>(steps) > kMaxSteps ? PCRE2_ERROR_CALLOUT : 0;
}

}  // namespace

struct Pattern::Code {
  explicit Code(pcre2_code* code) : p(code) {}
  ~Code() { pcre2_code_free(p); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* p;
};

Pattern::Pattern(std::string_view expression) : expression_(expression) {
  if (expression.empty()) base::fail("the pattern is empty");
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression_.data()), expression_.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT, &error,
                    &offset, nullptr);
  if (!code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(error, text, sizeof text);
    base::fail("the pattern does not compile at byte {}: {}: {}", offset,
               reinterpret_cast<const char*>(text), expression_);
  }
  code_ = std::make_shared<const Code>(code);
}

int64_t Pattern::count_in(std::string_view text, int64_t limit) const {
  const std::string valid = tokenizer::valid_utf8(text);
  const std::unique_ptr<pcre2_match_data, Delete> match(
      pcre2_match_data_create_from_pattern(code_->p, nullptr));
  const std::unique_ptr<pcre2_match_context, Delete> context(pcre2_match_context_create(nullptr));
  if (!match || !context) throw std::bad_alloc();
  uint32_t steps = 0;
  pcre2_set_match_limit(context.get(), kMaxSteps);
  pcre2_set_heap_limit(context.get(), kMatchHeapKib);
  pcre2_set_callout(context.get(), count_step, &steps);
  int64_t count = 0;
  for (size_t at = 0; at <= valid.size() && count < limit;) {
    const int found = pcre2_match(code_->p, reinterpret_cast<PCRE2_SPTR>(valid.data()),
                                  valid.size(), at, PCRE2_NO_UTF_CHECK, match.get(), context.get());
    if (found < 0) break;  // not found, or given up
    ++count;
    const PCRE2_SIZE end = pcre2_get_ovector_pointer(match.get())[1];
    if (end > at) {
      at = end;
    } else if (at < valid.size()) {  // empty: go on behind the next character
      at += tokenizer::decode_valid(valid.data() + at).bytes;
    } else {
      break;
    }
  }
  return count;
}

}  // namespace parley::eval

#include "server/moderation.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/error.h"
#include "server/moderation_rules.h"
#include "tokenizer/unicode.h"

namespace parley::server {
namespace {

constexpr double kFlagged = 0.5;

struct Delete {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
};
using Code = std::unique_ptr<pcre2_code, Delete>;

// NFKC_Casefold (Unicode 3.13): small letters, full-width forms as ASCII, nothing invisible.
std::string fold(std::string_view text) {
  const std::string valid = tokenizer::valid_utf8(text);
  utf8proc_uint8_t* folded = nullptr;
  const auto options = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &folded, options);
  if (size < 0) throw std::bad_alloc();
  std::string result(reinterpret_cast<const char*>(folded), static_cast<size_t>(size));
  std::free(folded);
  return result;
}

bool is_han(uint32_t c) { return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x3FFFF); }
bool is_blank(uint32_t c) {
  return c <= 0x20 || (tokenizer::char_class_table()[c] & tokenizer::kSpace) != 0;
}
bool is_apostrophe(uint32_t c) { return c == '`' || c == 0x2018 || c == 0x2019 || c == 0x2BC; }
bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// k1ll, b0mb, @ttack only inside: a digit between letters is read as the letter it looks like.
char unmasked(char c) {
  switch (c) {
    case '0': return 'o';
    case '1':
    case '!': return 'i';
    case '3': return 'e';
    case '4':
    case '@': return 'a';
    case '5':
    case '$': return 's';
    case '7': return 't';
    default: return c;
  }
}

// What the patterns are written for: folded, one blank for many, none between Chinese characters.
std::string normalize(std::string_view text) {
  const std::string folded = fold(text);
  std::string result;
  uint32_t last = 0;  // before the blanks
  bool blank = false;
  for (size_t i = 0; i < folded.size();) {
    const auto [value, bytes] = tokenizer::decode_valid(folded.data() + i);
    if (is_blank(value)) {
      blank = true;
    } else {
      if (blank && last != 0 && !(is_han(last) && is_han(value))) result += ' ';
      blank = false;
      last = value;
      if (is_apostrophe(value))
        result += '\'';
      else
        result.append(folded, i, bytes);
    }
    i += bytes;
  }
  for (size_t i = 1; i + 1 < result.size(); ++i)
    if (is_letter(result[i - 1]) && is_letter(result[i + 1])) result[i] = unmasked(result[i]);
  return result;
}

std::vector<Code> compile_rules() {
  std::vector<Code> codes;
  for (const ModerationRule& rule : moderation_rules()) {
    const std::string pattern = std::string(moderation_definitions()) + std::string(rule.pattern);
    int error = 0;
    size_t offset = 0;
    Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                            PCRE2_UTF | PCRE2_EXTENDED, &error, &offset, nullptr));
    PARLEY_CHECK(code, "PCRE2 error {} at “{}” of “{}”", error,
                 pattern.substr(std::min(offset, pattern.size())), rule.pattern);
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // without a JIT it is slower, no more
    codes.push_back(std::move(code));
  }
  return codes;
}

bool matches(const pcre2_code* code, const std::string& text) {
  const std::unique_ptr<pcre2_match_data, Delete> data(pcre2_match_data_create(1, nullptr));
  if (!data) throw std::bad_alloc();
  const auto match = [&](uint32_t options) {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                       PCRE2_NO_UTF_CHECK | options, data.get(), nullptr);
  };
  int found = match(0);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(PCRE2_NO_JIT);
  return found >= 0;
}

}  // namespace

ModerationResult moderate(std::string_view text) {
  static const std::vector<Code> codes = compile_rules();
  const std::string normal = normalize(text);
  ModerationResult result{.flagged = false, .categories = {}, .scores = {}};
  for (size_t r = 0; r < codes.size(); ++r) {
    const ModerationRule& rule = moderation_rules()[r];
    const auto adds = [&](size_t c) {
      return (rule.categories >> c & 1) != 0 && result.scores[c] < rule.weight;
    };
    bool news = false;
    for (size_t c = 0; c < result.scores.size(); ++c) news = news || adds(c);
    if (!news || !matches(codes[r].get(), normal)) continue;
    for (size_t c = 0; c < result.scores.size(); ++c)
      if (adds(c)) result.scores[c] = rule.weight;
  }
  for (size_t c = 0; c < result.scores.size(); ++c) {
    result.categories[c] = result.scores[c] >= kFlagged;
    result.flagged = result.flagged || result.categories[c];
  }
  return result;
}

}  // namespace parley::server

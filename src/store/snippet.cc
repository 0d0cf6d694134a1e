// Parts of texts around what was looked for.
#include <algorithm>
#include <unordered_set>

#include "store/terms.h"

namespace parley::store {

namespace {

constexpr std::string_view kOpen = "\xEE\x80\x80", kClose = "\xEE\x80\x81";  // U+E000, U+E001
constexpr std::string_view kEllipsis = "…";
constexpr size_t kBefore = 40, kLength = 160;  // characters

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

size_t back(std::string_view text, size_t at, size_t characters) {
  for (; at > 0 && characters > 0; --characters) {
    --at;
    while (at > 0 && continues(text[at])) --at;
  }
  return at;
}
size_t forward(std::string_view text, size_t at, size_t characters) {
  for (; at < text.size() && characters > 0; --characters) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return at;
}

struct Range {
  size_t begin, end;
};

}  // namespace

std::string make_snippet(std::string_view text, const std::vector<QueryTerm>& terms) {
  std::unordered_set<std::string_view> whole;
  std::vector<std::string_view> prefixes;
  for (const QueryTerm& term : terms)
    if (term.prefix)
      prefixes.push_back(term.text);
    else
      whole.insert(term.text);
  const auto matches = [&](std::string_view term) {
    return whole.contains(term) || std::ranges::any_of(prefixes, [&](std::string_view prefix) {
             return term.starts_with(prefix);
           });
  };

  std::vector<Range> ranges;
  size_t begin = 0, end = forward(text, 0, kLength);
  for_each_term(text, [&](const Term& term) {
    if (!ranges.empty() && term.begin >= end) return false;
    if (!matches(term.text)) return true;
    if (ranges.empty()) {
      begin = back(text, term.begin, kBefore);
      // Rather at the beginning of a word.
      if (begin > 0)
        for (size_t at = begin; at < std::min(begin + 16, term.begin); ++at)
          if (is_space(text[at])) {
            begin = at + 1;
            break;
          }
      end = forward(text, begin, kLength);
    }
    if (!ranges.empty() && term.begin <= ranges.back().end)
      ranges.back().end = std::max(ranges.back().end, term.end);
    else
      ranges.push_back({term.begin, term.end});
    return true;
  });

  std::string snippet;
  if (begin > 0) snippet += kEllipsis;
  size_t next = 0;
  bool open = false;
  for (size_t at = begin; at < end;) {
    if (open && at >= ranges[next].end) {
      snippet += kClose;
      open = false;
      ++next;
    }
    if (!open && next < ranges.size() && at >= ranges[next].begin) {
      snippet += kOpen;
      open = true;
    }
    const size_t stop = forward(text, at, 1);
    const std::string_view character = text.substr(at, stop - at);
    if (character == kOpen || character == kClose) {
      // The text's own would be taken for ours.
    } else if (is_space(character[0])) {
      if (!snippet.empty() && snippet.back() != ' ') snippet += ' ';
    } else {
      snippet += character;
    }
    at = stop;
  }
  if (open) snippet += kClose;
  if (end < text.size()) snippet += kEllipsis;
  return snippet;
}

}  // namespace parley::store

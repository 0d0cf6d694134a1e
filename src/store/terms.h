// Texts as terms: words in lower case, and pairs of characters of scripts that put no spaces
// between words.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::store {

enum class TermKind {
  kWord,
  kPair,       // two characters of a run
  kCharacter,  // a run of one
  kLast        // the last character of a longer run, again
};

struct Term {
  TermKind kind;
  std::string_view text;  // for the time of the call
  size_t begin, end;      // the bytes of the text it was made of
};

// Calls `each` for the terms of a text, in order, until it returns false. Words are runs of
// letters, marks and digits; a run of characters of a script without spaces gives its overlapping
// pairs and then its last character alone, so that every character begins a term. Compatibility
// forms and case are folded (NFKC).
void for_each_term(std::string_view text, const std::function<bool(const Term&)>& each);

// What is indexed of one text at most, in bytes of terms: less than PostgreSQL's limit.
inline constexpr size_t kMaxTermBytes = 384 << 10;

struct QueryTerm {
  std::string text;
  bool prefix = false;  // anything that begins so
};

// What to look for: the terms of a query, without repetitions, at most 64. `all` is a search as it
// is typed: the last word may be unfinished. Else English words that say nothing are left out, if
// others remain.
std::vector<QueryTerm> query_terms(std::string_view query, bool all);

// The part of the text around the first match, in one line, matches between U+E000 and U+E001.
// Without a match, the text's beginning.
std::string make_snippet(std::string_view text, const std::vector<QueryTerm>& terms);

// Folded to what is compared: NFKC, lower case.
std::string fold(std::string_view text);

}  // namespace parley::store

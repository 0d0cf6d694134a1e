// How text is cut into pieces before BPE: merges never cross a piece's border.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace parley::tokenizer {

// The published split patterns that have a hand-written scanner.
enum class Pattern {
  kGpt2,    // GPT-2, r50k_base, p50k_base
  kCl100k,  // cl100k_base as tiktoken has it: white space at the end is one piece
  kLlama3,  // cl100k as first published, which Llama-3 took
  kQwen2,   // the same, each digit a piece of its own
  kO200k,   // o200k_base
  kNone,    // the whole text is one piece
  kOther,   // any other regular expression
};

// Called for each piece, in order; the pieces together are the text.
using PieceFn = std::function<void(std::string_view)>;

// The published regular expression (empty for kNone and kOther).
std::string_view pattern_regex(Pattern pattern);
// The pattern for "gpt2", "cl100k", "o200k", "llama3", "qwen2"; UsageError if unknown.
Pattern pattern_by_name(std::string_view name);
// The pattern whose published expression, in any of its known spellings, this is;
// kOther if it is none of them.
Pattern pattern_by_regex(std::string_view regex);

// The end of the piece that begins at `begin` (begin < end, valid UTF-8).
const char* next_piece(Pattern pattern, const char* begin, const char* end);

// A compiled regular expression (PCRE2 with JIT): what it matches are pieces, and what
// lies between matches is a piece too.
class RegexSplitter {
 public:
  // Error if the expression does not compile.
  explicit RegexSplitter(std::string_view regex);
  ~RegexSplitter();
  RegexSplitter(RegexSplitter&&) noexcept;
  RegexSplitter& operator=(RegexSplitter&&) noexcept;

  // Valid UTF-8 only. Error if the expression needs more steps than the limit, so that
  // no text can hang it.
  void split(std::string_view text, const PieceFn& piece) const;
  const std::string& regex() const { return regex_; }

 private:
  struct Code;
  std::string regex_;
  std::unique_ptr<Code> code_;
};

// One or more patterns in sequence: each cuts the pieces of the one before it.
class Splitter {
 public:
  Splitter() = default;  // the whole text is one piece
  explicit Splitter(Pattern pattern);
  void add_regex(std::string_view regex);  // known expressions get their scanner

  // Valid UTF-8 only.
  template <typename Fn>
  void split(std::string_view text, Fn&& piece) const {
    if (stages_.size() == 1 && stages_[0].pattern != Pattern::kOther) {
      scan(stages_[0].pattern, text, piece);
    } else {
      split_stages(0, text, piece);
    }
  }

  struct Stage {
    Pattern pattern;
    std::unique_ptr<RegexSplitter> regex;  // for kOther
  };
  const std::vector<Stage>& stages() const { return stages_; }

 private:
  template <typename Fn>
  static void scan(Pattern pattern, std::string_view text, Fn&& piece) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p < end) {
      const char* const stop = next_piece(pattern, p, end);
      piece(std::string_view(p, static_cast<size_t>(stop - p)));
      p = stop;
    }
  }
  void split_stages(size_t stage, std::string_view text, const PieceFn& piece) const;

  std::vector<Stage> stages_;
};

}  // namespace parley::tokenizer

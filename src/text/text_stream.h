// Tokens that arrive one by one as text that may be shown at once: whole UTF-8
// characters only, and nothing that could turn out to be part of a stop string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace parley::text {

// Characters (code points) of UTF-8 text.
int64_t count_characters(std::string_view utf8);

// Finds stop strings in text that comes in pieces, wherever the pieces are cut.
class StopMatcher {
 public:
  // UsageError when a stop string is empty.
  explicit StopMatcher(std::vector<std::string> stops);

  // The text that may be shown now. What could be the beginning of a stop string is
  // held back; of a stop string itself, and what follows, nothing is ever returned.
  std::string push(std::string_view text);
  // The text ended: what was held back.
  std::string finish();
  // A stop string was met.
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

// StreamDecoder, then StopMatcher.
class TextStream {
 public:
  TextStream(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stops,
             bool at_text_start = false)
      : decoder_(tokenizer, at_text_start), matcher_(std::move(stops)) {}

  std::string push(int32_t id) { return matcher_.push(decoder_.push(id)); }
  std::string finish() {
    const std::string text = matcher_.push(decoder_.finish());
    return text + matcher_.finish();
  }
  bool stopped() const { return matcher_.stopped(); }

 private:
  tokenizer::StreamDecoder decoder_;
  StopMatcher matcher_;
};

}  // namespace parley::text

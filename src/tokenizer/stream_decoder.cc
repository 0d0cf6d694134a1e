// Text out of tokens as they come.
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// True if some continuation makes `bytes` (shorter than its lead byte promises) valid.
bool could_become_valid(std::string_view bytes) {
  const auto length = static_cast<size_t>(utf8_length(static_cast<uint8_t>(bytes[0])));
  if (bytes.size() >= length) return false;
  // The second byte decides (overlong forms, surrogates); later ones are all alike.
  std::string completed(bytes);
  if (completed.size() == 1) return true;
  completed.append(length - completed.size(), '\x80');
  return valid_utf8_prefix(completed) == length;
}

// How many bytes one U+FFFD stands for at the start of `bytes`, which no continuation
// makes valid: the longest beginning that was still possible (Unicode 15, 3.9, "maximal
// subpart"), at least one.
size_t maximal_subpart(std::string_view bytes) {
  size_t n = 1;
  while (n < bytes.size() && n < 3 && could_become_valid(bytes.substr(0, n + 1))) ++n;
  return n;
}

// Moves what is certain from `pending` to the result; `last`: nothing follows.
std::string take_certain(std::string& pending, bool last) {
  std::string out;
  std::string_view rest = pending;
  while (!rest.empty()) {
    const size_t valid = valid_utf8_prefix(rest);
    out += rest.substr(0, valid);
    rest.remove_prefix(valid);
    if (rest.empty() || (!last && could_become_valid(rest))) break;
    out += kReplacement;
    rest.remove_prefix(maximal_subpart(rest));
  }
  pending = std::string(rest);
  return out;
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool at_text_start)
    : tokenizer_(tokenizer), at_text_start_(at_text_start) {}

std::string StreamDecoder::push(int32_t id) {
  std::string_view bytes = tokenizer_.token_bytes(id);
  const bool leading_space = tokenizer_.vocabulary().leading_space;
  if (leading_space && at_text_start_ && bytes.starts_with(' ')) bytes.remove_prefix(1);
  at_text_start_ = id == tokenizer_.bos();
  pending_ += bytes;
  return take_certain(pending_, false);
}

std::string StreamDecoder::finish() { return take_certain(pending_, true); }

}  // namespace parley::tokenizer

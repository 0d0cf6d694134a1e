#include "data/fim.h"

#include <algorithm>
#include <utility>

namespace parley::data {
namespace {

constexpr uint64_t kFimStream = 0x46494d;  // "FIM"

// The start of the character that the byte at `at` belongs to.
size_t character_start(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (text[at] & 0xC0) == 0x80) --at;
  return at;
}

}  // namespace

FimCut fim_cut(std::string_view text, uint64_t document, const FimOptions& options) {
  const base::Philox random(options.seed, kFimStream);
  const uint64_t draw = 4 * document;
  if (random.uniform(draw) >= options.rate) return {};
  size_t begin = character_start(text, random.below(draw + 1, text.size() + 1));
  size_t end = character_start(text, random.below(draw + 2, text.size() + 1));
  if (begin > end) std::swap(begin, end);
  return {random.uniform(draw + 3) < 0.5 ? FimOrder::kPsm : FimOrder::kSpm, begin, end};
}

void fim_encode(std::string_view text, const FimCut& cut, const FimOptions& options,
                const Encode& encode, std::vector<int32_t>& tokens) {
  const std::string_view prefix = text.substr(0, cut.middle_begin);
  const std::string_view middle = text.substr(cut.middle_begin, cut.middle_end - cut.middle_begin);
  const std::string_view suffix = text.substr(cut.middle_end);
  switch (cut.order) {
    case FimOrder::kNone: encode(text, tokens); return;
    case FimOrder::kPsm:
      tokens.push_back(options.prefix_token);
      encode(prefix, tokens);
      tokens.push_back(options.suffix_token);
      encode(suffix, tokens);
      tokens.push_back(options.middle_token);
      encode(middle, tokens);
      return;
    case FimOrder::kSpm:
      tokens.push_back(options.prefix_token);
      tokens.push_back(options.suffix_token);
      encode(suffix, tokens);
      tokens.push_back(options.middle_token);
      encode(prefix, tokens);
      encode(middle, tokens);
      return;
  }
}

}  // namespace parley::data

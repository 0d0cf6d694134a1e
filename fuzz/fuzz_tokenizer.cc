// Any bytes as text: encoded as the definition of BPE says, decoded to the same bytes,
// never to a special token, streamed as valid UTF-8; scanners cut as their expressions do.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"
#include "tokenizer/train.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"

namespace {

using namespace parley::tokenizer;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

struct Subject {
  Pattern pattern;
  Tokenizer tokenizer;
  RegexSplitter regex;
};

constexpr std::string_view kText =
    "The cat sat on the mat; the dog's dog didn't. THE END, the end! 123 12345 1.5\n\n  x = y;\n"
    "你好，世界。今天天气很好，我们去公园。天气好，世界好。 éèé naïve 😀😀 aaaaaaaa "
    "abababab\r\n\t\tend";

std::vector<Subject> make_subjects() {
  std::vector<Subject> subjects;
  for (const Pattern pattern :
       {Pattern::kGpt2, Pattern::kCl100k, Pattern::kLlama3, Pattern::kQwen2, Pattern::kO200k}) {
    TrainOptions options;
    options.quiet = true;
    options.pattern = pattern;
    options.vocab_size = 330;
    int left = 3;
    auto tokenizer = train(options, [&left](std::string& document) {
      document = kText;
      return left-- > 0;
    });
    subjects.push_back({pattern, tokenizer, RegexSplitter(pattern_regex(pattern))});
  }
  return subjects;
}

std::vector<std::string> pieces_of(const Splitter& splitter, std::string_view text) {
  std::vector<std::string> pieces;
  splitter.split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

// True if PCRE2's Unicode, which is older, knows every character.
bool known_to_pcre2(std::string_view text) {
  static const RegexSplitter assigned("\\P{Cn}+");
  std::string behind_letter = "a";
  behind_letter += text;
  size_t pieces = 0;
  assigned.split(behind_letter, [&pieces](std::string_view) { ++pieces; });
  return pieces == 1;
}

// BPE by its definition: the lowest rank, leftmost, again and again.
void encode_plainly(const Vocabulary& v, std::string_view piece, std::vector<int32_t>& ids) {
  std::vector<int32_t> symbols;
  for (const char c : piece) symbols.push_back(v.byte_ids[static_cast<uint8_t>(c)]);
  while (true) {
    Merge best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge merge = v.merges.find(symbols[i], symbols[i + 1]);
      if (merge.rank < best.rank) {
        best = merge;
        at = i;
      }
    }
    if (best.rank == UINT32_MAX) break;
    symbols[at] = best.id;
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void try_text(const Subject& subject, std::string_view text) {
  const Tokenizer& tokenizer = subject.tokenizer;
  const std::vector<int32_t> ids = tokenizer.encode(text);
  require(tokenizer.decode(ids) == text, "decode(encode(x)) == x");
  for (const int32_t id : ids) require(!tokenizer.is_special(id), "text makes no special token");
  require(tokenizer.decode(tokenizer.encode_with_special(text)) == text,
          "decode(encode_with_special(x)) == x");

  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const int32_t id : ids) {
    const std::string part = decoder.push(id);
    require(valid_utf8_prefix(part) == part.size(), "streamed text is UTF-8");
    streamed += part;
  }
  streamed += decoder.finish();
  if (valid_utf8_prefix(text) != text.size()) return;
  require(streamed == text, "streamed text is the text");

  const Splitter splitter(subject.pattern);
  const std::vector<std::string> pieces = pieces_of(splitter, text);
  if (known_to_pcre2(text)) {
    std::vector<std::string> matched;
    subject.regex.split(text, [&](std::string_view piece) { matched.emplace_back(piece); });
    require(pieces == matched, "the scanner cuts as its expression does");
  }
  std::vector<int32_t> plain;
  for (const std::string& piece : pieces) encode_plainly(tokenizer.vocabulary(), piece, plain);
  require(plain == ids, "the ids are those of plain BPE");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Subject> subjects = make_subjects();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Subject& subject : subjects) try_text(subject, text);
  return 0;
}

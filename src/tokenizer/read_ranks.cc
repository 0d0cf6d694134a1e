// Readers of the plain formats: tiktoken's rank files, llama2.c's tokenizer, and
// SentencePiece's text form.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20;

// Calls line(number, text) for each line, number from 1, without its line end.
template <typename Fn>
void for_each_line(std::string_view text, Fn&& line) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t stop = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, stop);
    if (content.ends_with('\r')) content.remove_suffix(1);
    line(number, content);
    text.remove_prefix(std::min(stop + 1, text.size()));
  }
}

// RFC 4648 base64 with padding; false if it is anything else.
bool decode_base64(std::string_view text, std::string& bytes) {
  const auto digit = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  bytes.clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = digit(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return true;
}

template <typename Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

struct Encoding {
  std::string_view name;
  Pattern pattern;
  std::vector<std::pair<std::string_view, int32_t>> special;
};

// Patterns and special tokens of the published encodings (tiktoken's openai_public.py).
const std::vector<Encoding>& published_encodings() {
  static const std::vector<Encoding> encodings = {
      {"gpt2", Pattern::kGpt2, {{"<|endoftext|>", 50256}}},
      {"r50k_base", Pattern::kGpt2, {{"<|endoftext|>", 50256}}},
      {"p50k_base", Pattern::kGpt2, {{"<|endoftext|>", 50256}}},
      {"p50k_edit",
       Pattern::kGpt2,
       {{"<|endoftext|>", 50256},
        {"<|fim_prefix|>", 50281},
        {"<|fim_middle|>", 50282},
        {"<|fim_suffix|>", 50283}}},
      {"cl100k_base",
       Pattern::kCl100k,
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k_base", Pattern::kO200k, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
  };
  return encodings;
}

const Encoding& encoding_by_name(std::string_view name, const std::string& source) {
  std::string known;
  for (const Encoding& encoding : published_encodings()) {
    if (encoding.name == name) return encoding;
    known += known.empty() ? "" : ", ";
    known += encoding.name;
  }
  base::fail("{}: the name says which split pattern a rank file goes with; \"{}\" is none of {}",
             source, name, known);
}

// SentencePiece: the pair whose token has the best score merges first; equal scores are
// equal ranks.
void merge_by_score(VocabularyDraft& draft, const std::vector<float>& scores) {
  std::vector<float> order = scores;
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  draft.merge_by_token_rank();
  for (MergeTable::Entry& entry : draft.merges) {
    const float score = scores[static_cast<size_t>(entry.merge.id)];
    entry.merge.rank = static_cast<uint32_t>(
        std::lower_bound(order.begin(), order.end(), score, std::greater<>()) - order.begin());
  }
}

struct ScoredPiece {
  std::string text;
  float score;
};

// Llama-2's conventions: 0 <unk>, 1 <s>, 2 </s>, then "<0x00>" .. "<0xFF>" if the
// vocabulary has them, then pieces with ' ' for a space.
VocabularyDraft draft_sentencepiece(const std::string& source, std::vector<ScoredPiece> pieces) {
  VocabularyDraft draft;
  draft.source = source;
  draft.rest.kind = BpeKind::kSentencePiece;
  draft.rest.leading_space = draft.rest.adds_bos = true;
  if (pieces.size() < 4)
    base::fail("{}: {} pieces; there must be <unk>, <s>, </s> and at least one more", source,
               pieces.size());
  constexpr std::string_view kControl[] = {"<unk>", "<s>", "</s>"};
  draft.is_byte.assign(pieces.size(), false);
  std::vector<float> scores(pieces.size());
  for (size_t id = 3; id < pieces.size(); ++id) {
    scores[id] = pieces[id].score;
    if (std::isnan(scores[id])) base::fail("{}: the score of token {} is NaN", source, id);
    if (!byte_token(pieces[id].text))
      draft.set_token(static_cast<int64_t>(id), std::move(pieces[id].text));
  }
  merge_by_score(draft, scores);  // before there are tokens that must not merge
  for (size_t id = 3; id < pieces.size(); ++id) {
    if (const auto byte = byte_token(pieces[id].text)) {
      draft.is_byte[id] = true;
      draft.set_token(static_cast<int64_t>(id), std::string(1, *byte));
    }
  }
  for (int32_t id = 0; id < 3; ++id)
    draft.add_special({std::string(kControl[id]), id, true, false, false});
  draft.rest.unknown = 0;
  draft.rest.bos = 1;
  draft.rest.eos = 2;
  return draft;
}

}  // namespace

VocabularyDraft parse_tiktoken(std::string_view text, std::string source, std::string_view stem) {
  const Encoding& encoding = encoding_by_name(stem, source);
  VocabularyDraft draft;
  draft.source = std::move(source);
  draft.rest.whole_pieces = true;
  draft.rest.splitter = Splitter(encoding.pattern);
  std::string bytes;
  for_each_line(text, [&](int64_t number, std::string_view line) {
    if (line.empty()) return;
    const size_t space = line.find(' ');
    int32_t rank = -1;
    if (space == line.npos || !parse_number(line.substr(space + 1), rank))
      base::fail("{}:{}: expected a token in base64, a space and its rank", draft.source, number);
    if (!decode_base64(line.substr(0, space), bytes))
      base::fail("{}:{}: the token is not base64", draft.source, number);
    draft.set_token(rank, bytes);
  });
  draft.merge_by_token_rank();
  for (const auto& [name, id] : encoding.special)
    draft.add_special({std::string(name), id, true, false, false});
  return draft;
}

VocabularyDraft read_tiktoken(const std::filesystem::path& path) {
  return parse_tiktoken(base::read_file(path, kMaxFileBytes), path.string(), path.stem().string());
}

VocabularyDraft parse_llama2c(std::string_view file, std::string source) {
  auto take = [&, offset = size_t{0}](void* to, size_t bytes) mutable {
    if (file.size() - offset < bytes)
      base::fail("{}: it ends in the middle of a token, at byte {}", source, file.size());
    std::memcpy(to, file.data() + offset, bytes);
    offset += bytes;
    return offset;
  };
  int32_t longest = 0;
  size_t offset = take(&longest, sizeof longest);
  std::vector<ScoredPiece> pieces;
  while (offset < file.size()) {
    float score = 0;
    int32_t length = 0;
    take(&score, sizeof score);
    offset = take(&length, sizeof length);
    if (length < 0 || static_cast<size_t>(length) > file.size() - offset)
      base::fail("{}: token {} has length {} at byte {}; is this llama2.c's tokenizer file?",
                 source, pieces.size(), length, offset - sizeof length);
    if (pieces.size() >= kMaxVocabulary)
      base::fail("{}: more than {} tokens", source, kMaxVocabulary);
    pieces.push_back({std::string(static_cast<size_t>(length), '\0'), score});
    offset = take(pieces.back().text.data(), static_cast<size_t>(length));
  }
  return draft_sentencepiece(source, std::move(pieces));
}

VocabularyDraft read_llama2c(const std::filesystem::path& path) {
  return parse_llama2c(base::read_file(path, kMaxFileBytes), path.string());
}

VocabularyDraft read_sentencepiece_text(const std::filesystem::path& path) {
  const std::string source = path.string();
  std::vector<ScoredPiece> pieces;
  for_each_line(base::read_file(path, kMaxFileBytes), [&](int64_t number, std::string_view line) {
    const size_t tab = line.rfind('\t');
    float score = 0;
    if (tab == line.npos || tab == 0 || !parse_number(line.substr(tab + 1), score))
      base::fail("{}:{}: expected a piece, a tab and its score", source, number);
    if (pieces.size() >= kMaxVocabulary)
      base::fail("{}: more than {} tokens", source, kMaxVocabulary);
    pieces.push_back({replace_all(line.substr(0, tab), kSpaceMark, " "), score});
  });
  return draft_sentencepiece(source, std::move(pieces));
}

}  // namespace parley::tokenizer

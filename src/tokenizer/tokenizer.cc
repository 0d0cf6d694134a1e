#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "tokenizer/encoder.h"
#include "tokenizer/unicode.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

VocabularyDraft read_directory(const fs::path& directory) {
  if (fs::exists(directory / "tokenizer.json"))
    return read_tokenizer_json(directory / "tokenizer.json");
  for (const auto& [vocab, merges] :
       {std::pair{"vocab.json", "merges.txt"}, std::pair{"encoder.json", "vocab.bpe"}})
    if (fs::exists(directory / vocab) && fs::exists(directory / merges))
      return read_vocab_and_merges(directory / vocab, directory / merges);
  base::fail(
      "{}: no tokenizer here: expected tokenizer.json, or vocab.json and merges.txt, or "
      "encoder.json and vocab.bpe",
      directory.string());
}

// A name instead of a path: NAME.tiktoken or the folder NAME in $PARLEY_TOKENIZERS.
fs::path find_by_name(const fs::path& name) {
  const char* folder = std::getenv("PARLEY_TOKENIZERS");
  if (folder && *folder) {
    for (const fs::path& candidate :
         {fs::path(folder) / (name.string() + ".tiktoken"), fs::path(folder) / name})
      if (fs::exists(candidate)) return candidate;
  }
  base::fail(
      "{}: no such file or folder{}; give a tokenizer's path, or set PARLEY_TOKENIZERS to the "
      "folder that holds {}.tiktoken",
      name.string(), folder ? fmt::format(", nor in {}", folder) : "", name.string());
}

// What tiktoken does with text that is not UTF-8 (`_encode_bytes`): the valid beginning
// is split and encoded; then the tokens of its last piece are taken back and, with all
// bytes that follow, become one piece. Where those tokens are white space, the white
// space tokens before them are taken back as well, because a split in front of them
// might have fallen elsewhere. Returns how many of the tokens from `first` on to take.
size_t unstable_tokens(const Vocabulary& v, std::span<const int32_t> ids, size_t last_piece) {
  const auto is_space = [&v, ids](size_t i) {
    const std::string_view bytes = v.tokens.bytes(ids[i]);
    return std::all_of(bytes.begin(), bytes.end(),
                       [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  };
  if (last_piece > 0 && is_space(ids.size() - last_piece))
    while (last_piece < ids.size() && is_space(ids.size() - last_piece - 1)) ++last_piece;
  return last_piece;
}

void encode_byte_level(const Vocabulary& v, std::string_view text, std::vector<int32_t>& ids) {
  const size_t valid = valid_utf8_prefix(text);
  std::string normalized;
  if (v.nfc) {
    normalized = normalize_nfc(text.substr(0, valid));
    normalized += text.substr(valid);
  }
  const std::string_view all = v.nfc ? normalized : text;
  const size_t stop = all.size() - (text.size() - valid);

  const size_t first = ids.size();
  size_t last_piece = first;
  v.splitter.split(all.substr(0, stop), [&](std::string_view piece) {
    last_piece = ids.size();
    encode_piece(v, piece, ids);
  });
  if (valid == text.size()) return;

  const size_t take = unstable_tokens(v, std::span(ids).subspan(first), ids.size() - last_piece);
  size_t bytes = 0;
  for (size_t i = ids.size() - take; i < ids.size(); ++i) bytes += v.tokens.bytes(ids[i]).size();
  ids.resize(ids.size() - take);
  encode_piece(v, all.substr(stop - bytes), ids);
}

void encode_sentencepiece(const Vocabulary& v, std::string_view text, bool leading_space,
                          std::vector<int32_t>& ids) {
  std::string spaced;
  if (leading_space) {
    spaced.reserve(text.size() + 1);
    spaced += ' ';
    spaced += text;
    text = spaced;
  }
  if (!v.spaces_lead) return encode_piece(v, text, ids);
  size_t begin = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] != ' ' || text[i - 1] == ' ') continue;
    encode_piece(v, text.substr(begin, i - begin), ids);
    begin = i;
  }
  encode_piece(v, text.substr(begin), ids);
}

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Vocabulary> vocabulary)
    : vocabulary_(std::move(vocabulary)) {
  PARLEY_CHECK(vocabulary_ != nullptr, "a tokenizer without a vocabulary");
}

Tokenizer Tokenizer::load(const fs::path& path_or_name) {
  std::error_code error;
  const fs::path path = fs::exists(path_or_name, error) ? path_or_name : find_by_name(path_or_name);
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  const std::string extension = path.extension().string();
  VocabularyDraft draft = fs::is_directory(path)     ? read_directory(path)
                          : extension == ".tiktoken" ? read_tiktoken(path)
                          : extension == ".json"     ? read_tokenizer_json(path)
                          : extension == ".bin"      ? read_llama2c(path)
                          : extension == ".vocab"
                              ? read_sentencepiece_text(path)
                              : (base::fail("{}: not a tokenizer: expected a folder, .json, "
                                            ".tiktoken, .bin (llama2.c) or .vocab",
                                            path.string()),
                                 VocabularyDraft{});
  if (fs::is_directory(path) || extension == ".json")
    read_tokenizer_config(folder / "tokenizer_config.json", draft);
  guess_special_roles(draft);
  return Tokenizer(std::move(draft).build());
}

void Tokenizer::save(const fs::path& directory) const {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) base::fail("{}: cannot make the folder: {}", directory.string(), error.message());
  base::write_file(directory / "tokenizer.json", to_tokenizer_json(*vocabulary_));
  base::write_file(directory / "tokenizer_config.json", to_tokenizer_config_json(*vocabulary_));
}

void Tokenizer::encode_append(std::string_view text, std::vector<int32_t>& ids) const {
  const Vocabulary& v = *vocabulary_;
  if (text.empty()) return;
  if (v.kind == BpeKind::kByteLevel) {
    encode_byte_level(v, text, ids);
  } else {
    encode_sentencepiece(v, text, v.leading_space, ids);
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 8);
  encode_append(text, ids);
  return ids;
}

std::vector<int32_t> Tokenizer::encode_with_special(std::string_view text) const {
  const Vocabulary& v = *vocabulary_;
  std::array<bool, 256> begins{};
  for (const AddedToken& token : v.added) begins[static_cast<uint8_t>(token.text[0])] = true;
  std::vector<int32_t> ids;
  size_t done = 0;
  for (size_t i = 0; i < text.size();) {
    const auto rest = text.substr(i);
    const auto token =
        !begins[static_cast<uint8_t>(text[i])]
            ? v.added.end()
            : std::find_if(v.added.begin(), v.added.end(), [rest](const AddedToken& candidate) {
                return rest.starts_with(candidate.text);
              });
    if (token == v.added.end()) {
      ++i;
      continue;
    }
    size_t stop = i;
    if (token->strip_left)
      while (stop > done && is_ascii_space(text[stop - 1])) --stop;
    encode_append(text.substr(done, stop - done), ids);
    ids.push_back(token->id);
    i += token->text.size();
    if (token->strip_right)
      while (i < text.size() && is_ascii_space(text[i])) ++i;
    done = i;
  }
  encode_append(text.substr(done), ids);
  return ids;
}

std::string_view Tokenizer::token_bytes(int32_t id) const {
  if (id < 0 || id >= vocab_size())
    base::fail("token id {} is outside the vocabulary of {}", id, vocab_size());
  return vocabulary_->tokens.bytes(id);
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  bool at_start = vocabulary_->leading_space;
  for (const int32_t id : ids) {
    std::string_view bytes = token_bytes(id);
    if (at_start && bytes.starts_with(' ')) bytes.remove_prefix(1);
    text += bytes;
    at_start = vocabulary_->leading_space && id == bos();
  }
  return text;
}

int32_t Tokenizer::vocab_size() const { return vocabulary_->tokens.size(); }

std::optional<int32_t> Tokenizer::special(std::string_view name) const {
  for (const AddedToken& token : vocabulary_->added)
    if (token.text == name) return token.id;
  return std::nullopt;
}

bool Tokenizer::is_special(int32_t id) const {
  return std::any_of(vocabulary_->added.begin(), vocabulary_->added.end(),
                     [id](const AddedToken& token) { return token.id == id && token.special; });
}

int32_t Tokenizer::eos() const { return vocabulary_->eos; }
int32_t Tokenizer::bos() const { return vocabulary_->bos; }
int32_t Tokenizer::pad() const { return vocabulary_->pad; }
bool Tokenizer::adds_bos() const { return vocabulary_->adds_bos; }

}  // namespace parley::tokenizer

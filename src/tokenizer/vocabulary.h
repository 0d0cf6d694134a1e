// Everything a tokenizer knows, as plain data: readers and the trainer fill it, the
// encoder uses it, the writer writes it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/merges.h"
#include "tokenizer/seams.h"
#include "tokenizer/split.h"

namespace parley::tokenizer {

// Larger ids come only from broken files, and would be an allocation bomb.
inline constexpr int32_t kMaxVocabulary = 1 << 20;
// No real token is longer; the cost of reading a rank file grows with the square.
inline constexpr size_t kMaxTokenBytes = 2048;

// A token that text stands for as a whole, outside BPE.
struct AddedToken {
  std::string text;
  int32_t id;
  bool special = true;       // false: belongs into decoded text ("<think>")
  bool strip_left = false;   // takes the white space before it along
  bool strip_right = false;  // takes the white space behind it along
};

enum class BpeKind {
  kByteLevel,      // symbols are bytes (GPT-2, GPT-4, Llama-3, Qwen)
  kSentencePiece,  // symbols are characters; bytes only for what the vocabulary lacks
};

struct Vocabulary {
  BpeKind kind = BpeKind::kByteLevel;
  TokenTable tokens;
  MergeTable merges;
  Splitter splitter;
  std::vector<AddedToken> added;  // by length of text, longest first
  // The token of each byte; -1 where a SentencePiece vocabulary has none.
  std::array<int32_t, 256> byte_ids;
  // SentencePiece: characters without a token become bytes, else the unknown token.
  bool byte_fallback = false;
  // Byte-level: what two neighbouring bytes merge into, [left << 8 | right].
  std::vector<Merge> byte_merges;
  SeamSet seams;  // byte-level: where pieces can be cut

  // A piece that is itself a token becomes it, whether or not merges lead there.
  bool whole_pieces = false;
  // Text is brought to Unicode's normalization form C first.
  bool nfc = false;
  // SentencePiece: a space is put before the text.
  bool leading_space = false;
  // SentencePiece: no token has a space behind another character, so pieces can be cut
  // before each such space without changing the result.
  bool spaces_lead = false;

  int32_t unknown = -1;  // SentencePiece without byte tokens
  int32_t eos = -1, bos = -1, pad = -1;
  bool adds_bos = false;

  uint32_t serial = 0;  // distinguishes vocabularies in the encoder's cache
};

// What readers collect; build() checks it and makes the tables.
struct VocabularyDraft {
  std::string source;               // the file, for messages
  std::vector<std::string> tokens;  // bytes by id, empty where unused
  std::vector<bool> is_byte;        // SentencePiece: ids of byte tokens ("<0x0A>")
  std::vector<MergeTable::Entry> merges;
  Vocabulary rest;

  // Gives `id` its bytes; Error if the id is out of range or taken.
  void set_token(int64_t id, std::string bytes);
  // The same for an added token, which may be in the vocabulary already.
  void add_special(AddedToken token);
  // Merges for a vocabulary where the rank of a pair is the id of what it gives
  // (tiktoken): every way to cut a token into two tokens.
  void merge_by_token_rank();

  // Error if a byte has no token (byte-level), or tokens are not UTF-8 (SentencePiece).
  std::shared_ptr<const Vocabulary> build() &&;
};

// The readers; `path` is a file unless said otherwise. Error with the file and the
// place in it if it is malformed.
VocabularyDraft read_tokenizer_json(const std::filesystem::path& path);
VocabularyDraft read_vocab_and_merges(const std::filesystem::path& vocab_json,
                                      const std::filesystem::path& merges_txt);
VocabularyDraft read_tiktoken(const std::filesystem::path& path);
VocabularyDraft read_llama2c(const std::filesystem::path& path);
VocabularyDraft read_sentencepiece_text(const std::filesystem::path& path);
// The same from memory, for fuzzing; `source` is named in messages.
VocabularyDraft parse_tokenizer_json(std::string_view json, std::string source);
VocabularyDraft parse_tiktoken(std::string_view text, std::string source, std::string_view stem);
VocabularyDraft parse_llama2c(std::string_view bytes, std::string source);

// tokenizer_config.json, if it is there: names eos, bos, pad; says if BOS is added.
void read_tokenizer_config(const std::filesystem::path& path, VocabularyDraft& draft);
// Finds eos, bos and pad by their usual names where nothing named them.
void guess_special_roles(VocabularyDraft& draft);

// GPT-2's way to write bytes as printable characters, used inside tokenizer.json.
std::string bytes_to_printable(std::string_view bytes);
// False if a character is not one of those 256.
bool printable_to_bytes(std::string_view text, std::string& bytes);

// SentencePiece writes U+2581 where text has a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
// The byte that "<0x0A>" names, or nothing.
std::optional<char> byte_token(std::string_view text);

// tokenizer.json's text.
std::string to_tokenizer_json(const Vocabulary& vocabulary);
// tokenizer_config.json's text, with the ChatML template where it can be used.
std::string to_tokenizer_config_json(const Vocabulary& vocabulary);

}  // namespace parley::tokenizer

// Text to token ids and back: byte-level BPE (GPT-2, GPT-4, Qwen, Llama-3) and the
// SentencePiece-style BPE of Llama-2.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::tokenizer {

namespace fs = std::filesystem;

struct Vocabulary;  // tokenizer/vocabulary.h

// Immutable once made, cheap to copy (copies share one vocabulary), safe to use from
// any number of threads.
class Tokenizer {
 public:
  // Reads a tokenizer. `path_or_name` is one of:
  //  - a folder with tokenizer.json, or vocab.json + merges.txt (also under the names
  //    encoder.json + vocab.bpe); tokenizer_config.json beside them names eos, bos, pad;
  //  - a tokenizer.json file;
  //  - a `.tiktoken` rank file whose stem (r50k_base, p50k_base, cl100k_base,
  //    o200k_base, gpt2) chooses split pattern and special tokens;
  //  - one of those stems alone, looked up in the folder $PARLEY_TOKENIZERS;
  //  - llama2.c's tokenizer (`.bin`) or SentencePiece's text form (`.vocab`).
  // Error, with the file and the place in it, if anything is missing or malformed.
  static Tokenizer load(const fs::path& path_or_name);

  // Takes a vocabulary made in memory (by the trainer or a reader).
  explicit Tokenizer(std::shared_ptr<const Vocabulary> vocabulary);

  // Writes tokenizer.json and tokenizer_config.json, which transformers reads too.
  void save(const fs::path& directory) const;

  // Ordinary text, any bytes: special tokens are never made, whatever the text says,
  // so text from users cannot inject them. No BOS is added. decode(encode(x)) == x.
  std::vector<int32_t> encode(std::string_view text) const;
  // The same, but the names of special (and other added) tokens become their ids.
  // Only for text the program itself wrote.
  std::vector<int32_t> encode_with_special(std::string_view text) const;
  // Appends instead of returning: `ids` grows by the tokens of `text`.
  void encode_append(std::string_view text, std::vector<int32_t>& ids) const;

  // The bytes of the tokens; special tokens give their names, unused ids nothing. For a Llama-2
  // type the space put before the text is taken away again at the start and after BOS.
  // Error on an id outside the vocabulary.
  std::string decode(std::span<const int32_t> ids) const;
  // The bytes one token stands for. Error on an id outside the vocabulary.
  std::string_view token_bytes(int32_t id) const;

  // One more than the largest id.
  int32_t vocab_size() const;
  // The id of a special or added token by its text ("<|im_start|>").
  std::optional<int32_t> special(std::string_view name) const;
  bool is_special(int32_t id) const;
  int32_t eos() const;  // -1 when there is none
  int32_t bos() const;  // -1 when there is none
  int32_t pad() const;  // -1 when there is none
  // True for Llama-2 style models, whose sequences begin with bos().
  bool adds_bos() const;

  const Vocabulary& vocabulary() const { return *vocabulary_; }

 private:
  std::shared_ptr<const Vocabulary> vocabulary_;
};

// Turns ids that arrive one by one into text that may be shown at once: valid UTF-8
// only, never half a character. Bytes become U+FFFD only when it is certain that no
// following token can make them valid.
class StreamDecoder {
 public:
  // `at_text_start`: the first token begins a text (nothing came before it), so a
  // Llama-2 type's leading space is dropped.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool at_text_start = false);

  // The text this token completes; may be empty.
  std::string push(int32_t id);
  // What is left over: an unfinished character becomes U+FFFD.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  std::string pending_;  // an unfinished but so far valid character, at most 3 bytes
  bool at_text_start_;
};

}  // namespace parley::tokenizer

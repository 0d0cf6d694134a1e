// Documents of text for the tokenizer's trainer and for pre-training.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/json_lines.h"
#include "tokenizer/chat.h"

namespace parley::data {

// What is found under `paths`, in order: files themselves, and of folders every
// .txt, .text, .md, .jsonl and .ndjson file (each also with .gz, .zst) below, sorted
// by name, so the order is the same everywhere. Error when a path does not exist or
// nothing to read is found.
std::vector<fs::path> find_text_files(const std::vector<fs::path>& paths);

class TextPieces;

// Reads documents one by one in bounded memory:
//   JSON Lines: one record a line, its text in `text_field`; without that field a conversation, in
//     the forms of read_conversations (data/conversations.h);
//   any other file is text: one document, or, when it is long, documents of about
//   kTextPiece bytes cut after a blank line (else a line, else a character), so that
//   one long book can still be shuffled and partly held out.
// Text must be UTF-8. Empty documents are passed over.
class TextSource {
 public:
  static constexpr size_t kTextPiece = size_t{64} << 10;
  static constexpr size_t kLongestPiece = 2 * kTextPiece;

  explicit TextSource(std::vector<fs::path> paths, std::string text_field = "text");
  // One file in memory (for tests and fuzzing); its kind is told by `name`.
  TextSource(std::string_view bytes, std::string name, std::string text_field = "text");
  ~TextSource();

  // Pass over records that are broken (not JSON, no text, not UTF-8) and count them,
  // instead of failing.
  void set_skip_bad(bool skip) { skip_bad_ = skip; }
  uint64_t skipped() const { return skipped_; }

  // The next document; false at the end. Of a conversation it is what was said, turn by turn, a
  // line break between. Error naming file:line and the remedy when
  // a record is broken, whatever skip_bad when a file is (truncated gzip, say).
  bool next(std::string& document);

  // The messages of the last document if it was a conversation, else none.
  const std::vector<tokenizer::Message>& messages() const { return messages_; }

  // Progress in bytes of the files as they are on disk.
  uint64_t bytes_read() const;
  uint64_t total_bytes() const { return total_bytes_; }
  // "file:line" of the last document.
  std::string where() const;

 private:
  bool open_next();
  void open(std::unique_ptr<ByteStream> stream, const std::string& name);
  // kBad: a broken record was passed over.
  enum class Status { kDocument, kBad, kEnd };
  Status next_record(std::string& document);
  Status next_piece(std::string& document);
  Status bad(const std::string& problem);

  std::vector<fs::path> files_;
  std::string text_field_;
  size_t next_file_ = 0;
  std::vector<tokenizer::Message> messages_;
  uint64_t total_bytes_ = 0, finished_bytes_ = 0, skipped_ = 0;
  bool skip_bad_ = false;
  std::unique_ptr<JsonLines> json_lines_;  // the open file, when it is JSON Lines
  std::unique_ptr<TextPieces> text_;       // the open file, when it is text
};

}  // namespace parley::data

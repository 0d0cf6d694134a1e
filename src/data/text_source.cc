#include "data/text_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "data/records.h"

namespace parley::data {
namespace {

// "a/b.JSONL.gz" -> ".jsonl"
std::string kind_of(fs::path path) {
  const auto lower_extension = [](const fs::path& p) {
    std::string e = p.extension().string();
    std::transform(e.begin(), e.end(), e.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return e;
  };
  std::string extension = lower_extension(path);
  if (extension == ".gz" || extension == ".zst" || extension == ".zstd")
    extension = lower_extension(path.stem());
  return extension;
}

bool is_json_lines(const fs::path& path) {
  const std::string kind = kind_of(path);
  return kind == ".jsonl" || kind == ".ndjson";
}

bool is_text(const fs::path& path) {
  const std::string kind = kind_of(path);
  return kind == ".txt" || kind == ".text" || kind == ".md";
}

constexpr const char* kUtf8Remedy =
    "convert the file (iconv -f GB18030 -t UTF-8, for example) or pass over such records "
    "with --skip-bad";

}  // namespace

std::vector<fs::path> find_text_files(const std::vector<fs::path>& paths) {
  std::vector<fs::path> found;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status))
      base::fail("{}: no such file or folder; check the path", path.string());
    if (!fs::is_directory(status)) {
      found.push_back(path);
      continue;
    }
    const size_t first = found.size();
    // Folders behind symbolic links are not followed: they could form a circle.
    for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      if (it->is_regular_file(ignored) && (is_json_lines(it->path()) || is_text(it->path())))
        found.push_back(it->path());
    }
    if (error) base::fail("{}: cannot list the folder: {}", path.string(), error.message());
    std::sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end());
    if (found.size() == first)
      base::fail(
          "{}: no .txt, .md or .jsonl file in this folder (nor one with .gz or .zst behind); name "
          "files of other kinds one by one to read them as text",
          path.string());
  }
  if (found.empty()) base::fail("no data: give at least one file or folder");
  return found;
}

// Cuts a text file into documents (see TextSource).
class TextPieces {
 public:
  TextPieces(std::unique_ptr<ByteStream> stream, std::string name)
      : stream_(std::move(stream)), name_(std::move(name)) {}

  bool next(std::string& piece) {
    first_line_ = line_;
    while (!at_end_ && rest_.size() <= TextSource::kLongestPiece) fill();
    if (rest_.empty()) return false;
    const size_t length = piece_length();
    piece.assign(rest_, 0, length);
    rest_.erase(0, length);
    line_ += static_cast<size_t>(std::count(piece.begin(), piece.end(), '\n'));
    return true;
  }

  // Line `n` (from 0) of the last piece.
  std::string where(size_t n = 0) const { return fmt::format("{}:{}", name_, first_line_ + n); }
  uint64_t consumed() const { return stream_->consumed(); }

 private:
  void fill() {
    const bool start = rest_.empty() && line_ == 1;
    std::array<char, size_t{64} << 10> buffer;
    const size_t n = stream_->read(buffer.data(), buffer.size());
    rest_.append(buffer.data(), n);
    at_end_ = n == 0;
    if (start && rest_.starts_with("\xef\xbb\xbf")) rest_.erase(0, 3);
  }

  // Where to cut: after the first blank line behind kTextPiece, else after the first
  // line, else before the character at kLongestPiece.
  size_t piece_length() const {
    if (rest_.size() <= TextSource::kLongestPiece) return rest_.size();
    const std::string_view window = std::string_view(rest_).substr(0, TextSource::kLongestPiece);
    for (const std::string_view mark : {"\n\n", "\n\r\n", "\n"}) {
      const size_t at = window.find(mark, TextSource::kTextPiece);
      if (at != std::string_view::npos) return at + mark.size();
    }
    size_t length = window.size();
    for (int back = 0; back < 3 && (rest_[length] & 0xC0) == 0x80; ++back) --length;
    return length;
  }

  std::unique_ptr<ByteStream> stream_;
  std::string name_, rest_;
  size_t line_ = 1, first_line_ = 1;
  bool at_end_ = false;
};

TextSource::TextSource(std::vector<fs::path> paths, std::string text_field)
    : files_(find_text_files(paths)), text_field_(std::move(text_field)) {
  for (const fs::path& file : files_) {
    std::error_code not_regular;
    const uint64_t size = fs::file_size(file, not_regular);
    if (!not_regular) total_bytes_ += size;
  }
}

TextSource::TextSource(std::string_view bytes, std::string name, std::string text_field)
    : text_field_(std::move(text_field)), total_bytes_(bytes.size()) {
  open(memory_stream(bytes, name), name);
}

TextSource::~TextSource() = default;

void TextSource::open(std::unique_ptr<ByteStream> stream, const std::string& name) {
  if (is_json_lines(name))
    json_lines_ = std::make_unique<JsonLines>(std::move(stream), name);
  else
    text_ = std::make_unique<TextPieces>(std::move(stream), name);
}

bool TextSource::open_next() {
  if (next_file_ == files_.size()) return false;
  const fs::path& file = files_[next_file_++];
  finished_bytes_ = bytes_read();
  json_lines_.reset();
  text_.reset();
  open(open_stream(file), file.string());
  return true;
}

uint64_t TextSource::bytes_read() const {
  return finished_bytes_ + (json_lines_ ? json_lines_->consumed() : 0) +
         (text_ ? text_->consumed() : 0);
}

std::string TextSource::where() const {
  return json_lines_ ? json_lines_->where() : text_ ? text_->where() : "(nothing read yet)";
}

bool TextSource::next(std::string& document) {
  while (true) {
    Status status = Status::kEnd;
    messages_.clear();
    if (json_lines_) status = next_record(document);
    if (text_) status = next_piece(document);
    if (status == Status::kDocument && !document.empty()) return true;
    if (status == Status::kEnd && !open_next()) return false;
  }
}

TextSource::Status TextSource::bad(const std::string& problem) {
  if (!skip_bad_) throw base::Error(problem);
  ++skipped_;
  return Status::kBad;
}

TextSource::Status TextSource::next_record(std::string& document) {
  simdjson::dom::element record;
  std::string problem;
  switch (json_lines_->next(record, problem)) {
    case JsonLines::Status::kEnd: return Status::kEnd;
    case JsonLines::Status::kBad:
      return bad(fmt::format("{}: {}; repair the line, or pass over such records with --skip-bad",
                             where(), problem));
    case JsonLines::Status::kRecord: break;
  }
  std::string_view text;
  const auto error = record[text_field_].get(text);
  if (!error) {
    document = text;
    return Status::kDocument;
  }
  std::optional<std::vector<Message>> messages;
  try {
    if (error == simdjson::NO_SUCH_FIELD) messages = find_messages(record);
  } catch (const base::Error& broken) {
    problem = broken.what();
  }
  if (!problem.empty())
    return bad(fmt::format("{}: {}; repair the record, or pass over such records with --skip-bad",
                           where(), problem));
  if (!messages)
    return bad(fmt::format(
        "{}: no string field \"{}\" in this record ({}), and no \"messages\"; name the right field "
        "with --text-field, or pass over such records with --skip-bad",
        where(), text_field_, simdjson::error_message(error)));
  messages_ = std::move(*messages);
  document.clear();
  for (const Message& message : messages_)
    document.append(document.empty() ? "" : "\n").append(message.content);
  return Status::kDocument;
}

TextSource::Status TextSource::next_piece(std::string& document) {
  if (!text_->next(document)) return Status::kEnd;
  if (simdjson::validate_utf8(document)) return Status::kDocument;
  // Name the line: the first that is not UTF-8 by itself.
  size_t line = 0, begin = 0;
  while (begin < document.size()) {
    const size_t end = std::min(document.find('\n', begin), document.size());
    if (!simdjson::validate_utf8(document.data() + begin, end - begin)) break;
    begin = end + 1;
    ++line;
  }
  return bad(fmt::format("{}: the text is not UTF-8; {}", text_->where(line), kUtf8Remedy));
}

}  // namespace parley::data

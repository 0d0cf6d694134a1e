// Bytes as text: which encoding, and what is no text at all.
#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "app/documents.h"
#include "app/prompt_text.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw ApiError(415, message, {}, "unsupported_file");
}

// Nothing when a byte is wrong.
std::optional<std::string> convert(std::string_view bytes, const char* from) {
  const iconv_t converter = iconv_open("UTF-8", from);
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  std::string text, buffer(1 << 16, '\0');
  std::string input(bytes);
  char* in = input.data();
  size_t left = input.size();
  bool good = true;
  while (left > 0 && good) {
    char* out = buffer.data();
    size_t room = buffer.size();
    const size_t done = iconv(converter, &in, &left, &out, &room);
    text.append(buffer.data(), buffer.size() - room);
    good = done != static_cast<size_t>(-1) || errno == E2BIG;
  }
  iconv_close(converter);
  if (!good) return std::nullopt;
  return text;
}

// GB18030 says something of nearly all bytes; Chinese text looks like Chinese, though: nearly all
// its characters are two high bytes, and become Han or punctuation.
bool looks_chinese(std::string_view bytes) {
  int64_t pairs = 0, others = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (static_cast<uint8_t>(bytes[i]) < 0x80) continue;
    const bool high = i + 1 < bytes.size() && static_cast<uint8_t>(bytes[i]) >= 0xA1 &&
                      static_cast<uint8_t>(bytes[i + 1]) >= 0xA1;
    ++(high ? pairs : others);
    if (i + 1 < bytes.size()) ++i;
  }
  return pairs > 0 && others * 10 <= pairs;
}

std::string_view known_format(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04")) return "a ZIP archive or an Office document";
  if (bytes.starts_with("\xD0\xCF\x11\xE0")) return "an old Office document";
  if (bytes.starts_with("\x89PNG") || bytes.starts_with("\xFF\xD8\xFF") ||
      bytes.starts_with("GIF8"))
    return "a picture";
  if (bytes.starts_with("\x1F\x8B")) return "a gzip archive";
  return "a binary file";
}

// Line ends as \n, no other control characters; the form feed is a line's end too.
std::string clean(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c == '\r') {
      kept += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (c == '\f' || c == '\v') {
      kept += '\n';
    } else if (c >= 0x20 ? c != 0x7F : c == '\n' || c == '\t') {
      kept += text[i];
    }
  }
  return kept;
}

}  // namespace

std::string decode_text(std::string_view bytes) {
  std::string text;
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    const char* const from = bytes.front() == '\xFF' ? "UTF-16LE" : "UTF-16BE";
    auto converted = convert(bytes.substr(2), from);
    if (!converted)
      refuse("The file begins like UTF-16, but is not. Save it as UTF-8 and try again.");
    text = std::move(*converted);
    std::erase(text, '\0');
  } else if (bytes.find('\0') != std::string_view::npos || known_format(bytes) != "a binary file") {
    refuse(
        fmt::format("This looks like {}. Text (also Markdown, code, CSV) and PDF can be read: "
                    "save it as one of these.",
                    known_format(bytes)));
  } else {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    const size_t valid = tokenizer::valid_utf8_prefix(bytes);
    if (valid == bytes.size()) {
      text = bytes;
    } else {
      auto converted =
          looks_chinese(bytes) ? convert(bytes, "GB18030") : std::optional<std::string>();
      if (!converted)
        refuse(
            fmt::format("The text is neither UTF-8 (byte {} is wrong) nor GB18030. Save it as "
                        "UTF-8 and try again.",
                        valid + 1));
      text = std::move(*converted);
    }
  }
  const auto controls = std::ranges::count_if(text, [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1B';
  });
  if (controls * 50 > std::ssize(text)) refuse("This looks like a binary file, not like text.");
  return clean(text);
}

FileText read_file_text(std::string_view bytes) {
  FileText file;
  // The mark of a PDF may stand behind some bytes.
  if (bytes.substr(0, 1024).find("%PDF-") != std::string_view::npos) {
    file.kind = "pdf";
    file.pages = read_pdf(bytes);
    for (std::string& page : file.pages) page = clean(page);
  } else {
    file.kind = "text";
    file.pages = {decode_text(bytes)};
  }
  bool empty = true;
  for (const std::string& page : file.pages) {
    file.characters += count_code_points(page);
    empty = empty && trim(page).empty();
  }
  if (empty && file.kind == "pdf")
    throw ApiError(422,
                   "This PDF holds no text: its pages are probably pictures. Run text recognition "
                   "on it first (for example `ocrmypdf in.pdf out.pdf`).",
                   {}, "no_text");
  if (empty) throw ApiError(422, "This file is empty.", {}, "no_text");
  return file;
}

std::string clean_name(std::string_view name) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string kept = one_line(tokenizer::valid_utf8(name));
  std::erase_if(kept, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
  if (count_code_points(kept) > 200) {
    // The ending stays.
    const size_t dot = kept.rfind('.');
    const std::string end =
        dot != std::string::npos && kept.size() - dot <= 12 ? kept.substr(dot) : std::string();
    kept = clip_text(kept, 180) + end;
  }
  return kept.empty() ? "document" : kept;
}

}  // namespace parley::app

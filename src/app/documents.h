// Files of users as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/call.h"

namespace parley::app {

struct FileText {
  std::string kind;                // "text", "pdf"
  std::vector<std::string> pages;  // of a PDF; of text one
  int64_t characters = 0;
};

// The text of a file's bytes: UTF-8, UTF-16 with its mark, GB18030 (Chinese files of before), or a
// PDF through pdftotext, which runs under limits, without network, and sees no file. Lines end
// with \n. ApiError 415 for what is neither; 422 for PDFs that are encrypted, broken or without
// text; 413 for ones with too much text; 503 when pdftotext is not installed.
FileText read_file_text(std::string_view bytes);

// The parts of it.
std::string decode_text(std::string_view bytes);
std::vector<std::string> read_pdf(std::string_view bytes);

// A name to show: without folders and control characters, at most 200 characters.
std::string clean_name(std::string_view name);

}  // namespace parley::app

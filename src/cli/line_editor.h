// Reads what a person types: line editing and history (libedit) on a terminal, plain
// lines from anything else.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace parley::cli {

class LineEditor {
 public:
  // `history_file` keeps the lines between runs (mode 0600); empty: they are forgotten.
  // `completions` are words that Tab completes at the start of a line.
  explicit LineEditor(base::fs::path history_file, std::vector<std::string> completions = {});
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // Standard input and output are a terminal.
  bool interactive() const { return interactive_; }

  enum class Input { kText, kCancelled, kEnd };  // kCancelled: Ctrl-C
  // Reads a message, which may have several lines:
  //   - a line that ends with a backslash goes on in the next one,
  //   - ``` opens a block that the next ``` closes,
  //   - Alt-Enter begins a new line, and pasted text keeps its lines.
  // `prompt` is shown on a terminal, in green when `colour`.
  Input read(std::string_view prompt, bool colour, std::string& message);

 private:
  struct Terminal;  // libedit's state

  // One line without its end.
  Input read_line(std::string& line);

  bool interactive_;
  base::fs::path history_file_;
  std::unique_ptr<Terminal> terminal_;
};

// Where the chat's history is kept: $XDG_STATE_HOME/parley/NAME, by default under
// ~/.local/state. Empty when there is no home.
base::fs::path state_file(std::string_view name);

// Lines so far that wait for more: a trailing backslash or an open ``` block.
bool wants_more_lines(std::string_view message);
// The message with its trailing backslashes taken as the line breaks they stand for.
std::string join_continued_lines(std::string_view message);

}  // namespace parley::cli

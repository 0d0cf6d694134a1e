#include "cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/error.h"

namespace parley::cli {
namespace {

constexpr int kHistorySize = 1000;
constexpr wchar_t kPasteEnd[] = L"\033[201~";

int64_t count_fences(std::string_view message) {
  int64_t fences = 0;
  for (size_t at = 0; (at = message.find("```", at)) != std::string_view::npos; at += 3) ++fences;
  return fences;
}

}  // namespace

bool wants_more_lines(std::string_view message) {
  return count_fences(message) % 2 == 1 || message.ends_with('\\');
}

std::string join_continued_lines(std::string_view message) {
  std::string joined;
  for (size_t i = 0; i < message.size(); ++i)
    if (message[i] != '\\' || i + 1 == message.size() || message[i + 1] != '\n')
      joined += message[i];
  return joined;
}

base::fs::path state_file(std::string_view name) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  base::fs::path directory;
  if (state && *state == '/')
    directory = state;
  else if (home && *home == '/')
    directory = base::fs::path(home) / ".local" / "state";
  else
    return {};
  return directory / "parley" / name;
}

struct LineEditor::Terminal {
  EditLine* edit = nullptr;
  History* history = nullptr;
  std::string prompt;
  std::vector<std::string> completions;
  bool cancelled = false;

  static Terminal& of(EditLine* edit) {
    Terminal* terminal = nullptr;
    el_get(edit, EL_CLIENTDATA, &terminal);
    return *terminal;
  }

  // Ctrl-C: leave the line as it is and start afresh.
  static unsigned char cancel(EditLine* edit, int) {
    of(edit).cancelled = true;
    return CC_NEWLINE;
  }

  static unsigned char suspend(EditLine*, int) {
    std::raise(SIGTSTP);
    return CC_REFRESH;
  }

  static unsigned char new_line(EditLine* edit, int) {
    return el_insertstr(edit, "\n") == 0 ? CC_REFRESH : CC_ERROR;
  }

  // Bracketed paste: the terminal wraps pasted text in ESC [200~ … ESC [201~, so that its
  // new lines are not taken for the Enter key.
  static unsigned char paste(EditLine* edit, int) {
    std::wstring text;
    wchar_t c = 0;
    while (!text.ends_with(kPasteEnd) && el_wgetc(edit, &c) == 1) text += c;
    if (text.ends_with(kPasteEnd)) text.resize(text.size() - std::size(kPasteEnd) + 1);
    std::wstring clean;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == L'\r') {
        if (i + 1 == text.size() || text[i + 1] != L'\n') clean += L'\n';
      } else if (text[i] == L'\t') {
        clean += L"    ";
      } else if (text[i] >= L' ' || text[i] == L'\n') {
        clean += text[i];
      }
    }
    while (clean.ends_with(L'\n')) clean.pop_back();
    if (clean.empty()) return CC_NORM;
    return el_winsertstr(edit, clean.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  // Completes the word at the start of the line as far as it is unambiguous.
  static unsigned char complete(EditLine* edit, int) {
    const LineInfo* line = el_line(edit);
    const std::string_view typed(line->buffer, static_cast<size_t>(line->cursor - line->buffer));
    std::string common;
    for (const std::string& word : of(edit).completions) {
      if (!word.starts_with(typed)) continue;
      if (common.empty()) {
        common = word + " ";
      } else {
        const auto [end, other] = std::ranges::mismatch(common, word);
        common.erase(end, common.end());
      }
    }
    if (typed.empty() || common.size() <= typed.size()) return CC_ERROR;
    return el_insertstr(edit, common.substr(typed.size()).c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  static char* show_prompt(EditLine* edit) { return of(edit).prompt.data(); }

  explicit Terminal(const base::fs::path& history_file) {
    // libedit takes the width of characters from the locale; without one for UTF-8,
    // Chinese would come apart.
    std::setlocale(LC_CTYPE, "");
    if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
    edit = el_init("parley", stdin, stdout, stderr);
    history = history_init();
    if (!edit || !history)
      base::fail(
          "cannot set up line editing on this terminal; pipe the "
          "messages to standard input instead");
    el_set(edit, EL_CLIENTDATA, this);
    el_set(edit, EL_PROMPT_ESC, show_prompt, '\1');
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_SIGNAL, 1);  // redraw when the window's size changes
    HistEvent event;
    ::history(history, &event, H_SETSIZE, kHistorySize);
    ::history(history, &event, H_SETUNIQUE, 1);
    el_set(edit, EL_HIST, ::history, history);
    if (!history_file.empty()) ::history(history, &event, H_LOAD, history_file.c_str());

    el_set(edit, EL_ADDFN, "parley-cancel", "give up this line", cancel);
    el_set(edit, EL_ADDFN, "parley-suspend", "go to the background", suspend);
    el_set(edit, EL_ADDFN, "parley-new-line", "begin a new line", new_line);
    el_set(edit, EL_ADDFN, "parley-paste", "insert pasted text", paste);
    el_set(edit, EL_ADDFN, "parley-complete", "complete a command", complete);
    // Ctrl-C has to reach us as a key, not as a signal that ends the program; the other
    // keys that send signals come along, and Ctrl-Z gets its own back.
    el_set(edit, EL_SETTY, "-d", "-isig", nullptr);
    constexpr std::pair<const char*, const char*> kKeys[] = {
        {"^C", "parley-cancel"},       {"^Z", "parley-suspend"},
        {"\033\r", "parley-new-line"}, {"\033\n", "parley-new-line"},
        {"\033[200~", "parley-paste"}, {"\t", "parley-complete"},
        {"^R", "em-inc-search-prev"},  {"\033[3~", "ed-delete-next-char"},
        {"\033[H", "ed-move-to-beg"},  {"\033[F", "ed-move-to-end"},
        {"\033[1~", "ed-move-to-beg"}, {"\033[4~", "ed-move-to-end"},
        {"\033[1;5C", "em-next-word"}, {"\033[1;5D", "ed-prev-word"},
    };
    for (const auto& [key, function] : kKeys) el_set(edit, EL_BIND, key, function, nullptr);
    el_source(edit, nullptr);  // the user's ~/.editrc
  }

  ~Terminal() {
    if (history) history_end(history);
    if (edit) el_end(edit);
  }

  void remember(const std::string& message) {
    HistEvent event;
    if (!message.empty()) ::history(history, &event, H_ENTER, message.c_str());
  }
};

LineEditor::LineEditor(base::fs::path history_file, std::vector<std::string> completions)
    : interactive_(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)),
      history_file_(std::move(history_file)) {
  if (!interactive_) return;
  terminal_ = std::make_unique<Terminal>(history_file_);
  terminal_->completions = std::move(completions);
}

LineEditor::~LineEditor() {
  if (!terminal_ || history_file_.empty()) return;
  // Best effort: a history that cannot be kept is no reason to fail.
  std::error_code ignored;
  base::fs::create_directories(history_file_.parent_path(), ignored);
  const mode_t old_mask = umask(077);  // what was said is nobody else's business
  HistEvent event;
  ::history(terminal_->history, &event, H_SAVE, history_file_.c_str());
  umask(old_mask);
}

LineEditor::Input LineEditor::read(std::string_view prompt, bool colour, std::string& message) {
  message.clear();
  const auto show = [&](std::string_view text) {
    if (!terminal_) return;
    terminal_->prompt =
        colour ? "\1\033[1;32m\1" + std::string(text) + "\1\033[0m\1" : std::string(text);
  };
  show(prompt);
  std::string line;
  while (true) {
    const Input input = read_line(line);
    if (input == Input::kCancelled) return input;
    if (input == Input::kEnd) {
      if (message.empty()) return input;
      break;  // what was typed so far still counts
    }
    message += line;
    if (!wants_more_lines(message)) break;
    message += '\n';
    show("… ");
  }
  message = join_continued_lines(message);
  if (terminal_) terminal_->remember(message);
  return Input::kText;
}

LineEditor::Input LineEditor::read_line(std::string& line) {
  if (!terminal_) return std::getline(std::cin, line) ? Input::kText : Input::kEnd;
  constexpr std::string_view kPasteOn = "\033[?2004h", kPasteOff = "\033[?2004l";
  std::cout << kPasteOn << std::flush;
  terminal_->cancelled = false;
  int length = 0;
  const char* text = el_gets(terminal_->edit, &length);
  std::cout << kPasteOff << std::flush;
  if (terminal_->cancelled) {
    std::cout << "^C\n" << std::flush;
    return Input::kCancelled;
  }
  if (!text || length <= 0) {
    std::cout << '\n';
    return Input::kEnd;
  }
  line = text;
  if (line.ends_with('\n')) line.pop_back();
  return Input::kText;
}

}  // namespace parley::cli

// PDFs through poppler's pdftotext: a large program reads a stranger's file, so it runs in a box.
#include "app/documents.h"
#include "base/log.h"
#include "base/subprocess.h"
#include "tokenizer/unicode.h"

namespace parley::app {
namespace {

constexpr std::chrono::seconds kTime{30};
constexpr size_t kMostPdfText = 16 << 20;
constexpr uint64_t kMemory = uint64_t{1} << 30;

base::ProcessOptions plain_options() {
  base::ProcessOptions options;
  options.keep_environment = false;
  options.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp"};
  options.directory = std::string(1, '/');
  options.limits = {.cpu_seconds = static_cast<uint64_t>(kTime.count()),
                    .memory_bytes = kMemory,
                    .file_bytes = 1,
                    .processes = 0,
                    .open_files = 64};
  options.no_new_privileges = true;
  return options;
}

// Namespaces of its own, and nothing to see but the program and what it needs.
base::ProcessOptions boxed(std::vector<std::string> argv) {
  base::ProcessOptions options = plain_options();
  options.limits.file_bytes = 0;
  options.argv = {"bwrap",
                  "--unshare-user",
                  "--unshare-ipc",
                  "--unshare-pid",
                  "--unshare-net",
                  "--unshare-uts",
                  "--unshare-cgroup-try",
                  "--die-with-parent",
                  "--new-session",
                  "--cap-drop",
                  "ALL",
                  "--ro-bind",
                  "/usr",
                  "/usr"};
  for (const std::string folder : {"/bin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code none;
    const auto target = std::filesystem::read_symlink(folder, none);
    for (const std::string& word :
         none ? std::vector<std::string>{"--ro-bind-try", folder, folder}
              : std::vector<std::string>{"--symlink", target.string(), folder})
      options.argv.push_back(word);
  }
  for (const char* word :
       {"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--ro-bind-try",
        "/etc/alternatives", "/etc/alternatives", "--ro-bind-try", "/etc/fonts", "/etc/fonts",
        "--size", "1048576", "--tmpfs", "/tmp", "--remount-ro", "/"})
    options.argv.emplace_back(word);
  options.descriptor_3 = base::seccomp_filter({});
  if (!options.descriptor_3.empty()) {
    options.argv.emplace_back("--seccomp");
    options.argv.emplace_back("3");
  }
  options.argv.insert(options.argv.end(), argv.begin(), argv.end());
  return options;
}

// Without bubblewrap: no network and no new processes, at least.
base::ProcessOptions unboxed(std::vector<std::string> argv) {
  base::ProcessOptions options = plain_options();
  options.seccomp_filter = base::seccomp_filter({});
  options.argv = std::move(argv);
  return options;
}

// Whether bubblewrap works here; many containers forbid it.
bool can_box() {
  static const bool works = [] {
    if (base::find_program("bwrap").empty()) return false;
    try {
      const auto result = base::run_process(boxed({"/usr/bin/true"}), "", std::chrono::seconds(10));
      if (!result.ok())
        spdlog::debug("PDFs are read without bubblewrap: {}", result.errors.substr(0, 200));
      return result.ok();
    } catch (const base::Error& error) {
      spdlog::debug("PDFs are read without bubblewrap: {}", error.what());
      return false;
    }
  }();
  return works;
}

}  // namespace

std::vector<std::string> read_pdf(std::string_view bytes) {
  const std::string program = base::find_program("pdftotext");
  if (program.empty())
    throw ApiError(503,
                   "This server cannot read PDFs: pdftotext is not installed. On Debian, `apt "
                   "install poppler-utils` on the server's machine.",
                   {}, "pdf_unavailable");
  const std::vector<std::string> argv = {program, "-enc", "UTF-8", "-eol", "unix", "-", "-"};
  const base::ProcessResult result =
      base::run_process(can_box() ? boxed(argv) : unboxed(argv), bytes, kTime, kMostPdfText);
  const auto refuse = [](int status, const char* code, const char* message) {
    throw ApiError(status, message, {}, code);
  };
  if (result.timed_out || result.signal == SIGXCPU || result.signal == SIGKILL)
    refuse(422, "too_slow",
           "Reading this PDF takes too long. Split it, or save its text as a file.");
  if (result.truncated)
    refuse(413, "too_long", "This PDF holds more than 16 MB of text. Split it.");
  if (result.errors.find("Incorrect password") != std::string::npos || result.exit_code == 3)
    refuse(422, "encrypted",
           "This PDF is encrypted. Save a copy without a password and try again.");
  if (!result.ok()) {
    spdlog::debug("pdftotext: exit code {}, signal {}: {}", result.exit_code, result.signal,
                  result.errors.substr(0, 300));
    refuse(422, "broken_pdf", "This PDF cannot be read: it is damaged, or not a PDF.");
  }
  const std::string text = tokenizer::valid_utf8(result.output);
  std::vector<std::string> pages;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\f', begin), text.size());
    pages.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pages;
}

}  // namespace parley::app

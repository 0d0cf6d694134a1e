// A place to run code that nobody has read: bubblewrap's namespaces, resource limits, seccomp.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/subprocess.h"

namespace parley::train {

namespace fs = base::fs;

// One program to run in the sandbox.
struct SandboxedRun {
  std::vector<std::string> argv;  // the word "{box}" in it stands for the folder
  fs::path folder;                // read-only, as /box; empty: none
  bool writable_folder = false;   // for compilers: starts in it, may write to it and may fork
  std::string_view input;
  std::chrono::milliseconds timeout{10'000};
  uint64_t memory_bytes = uint64_t{1} << 30;
  size_t max_output = 1 << 20;
};

class Sandbox {
 public:
  // Programs see /usr, their folder, an empty /tmp of 64 MB, `read_only` folders (at their own
  // paths), and nothing else: no network, no other processes, no environment. With `unsandboxed`
  // they run under limits and seccomp alone. Error when bubblewrap is missing or may not make
  // namespaces here.
  Sandbox(bool unsandboxed, std::vector<fs::path> read_only);

  // Safe to call from several threads.
  base::ProcessResult run(const SandboxedRun& run) const;

 private:
  std::vector<std::string> wrapped(const SandboxedRun& run) const;
  void check() const;

  bool unsandboxed_;
  std::vector<fs::path> read_only_;
  std::string bubblewrap_;
};

// A private folder in the system's temporary one, removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace parley::train

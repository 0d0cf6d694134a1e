#include "train/code_reward_sandbox.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace parley::train {
namespace {

constexpr uint64_t kTmpBytes = 64 << 20;
constexpr std::string_view kBox = "/box";
constexpr int kSeccompDescriptor = 3;

const std::vector<std::string>& plain_environment() {
  static const std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                                       "HOME=/tmp",
                                                       "TMPDIR=/tmp",
                                                       "LANG=C.UTF-8",
                                                       "PYTHONDONTWRITEBYTECODE=1",
                                                       "OMP_NUM_THREADS=1",
                                                       "OPENBLAS_NUM_THREADS=1"};
  return environment;
}

// Tasks (threads) of this user, which is what RLIMIT_NPROC counts.
uint64_t tasks_of_user() {
  uint64_t tasks = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
    struct stat info {};
    const std::string path = entry.path().string() + "/task";
    // The links of …/task are itself, its parent, and one for each thread.
    if (stat(path.c_str(), &info) == 0 && info.st_uid == getuid() && info.st_nlink > 2)
      tasks += info.st_nlink - 2;
  }
  return tasks;
}

base::ProcessLimits limits_of(const SandboxedRun& run) {
  base::ProcessLimits limits;
  limits.cpu_seconds = static_cast<uint64_t>(run.timeout.count() / 1000 + 1);
  limits.memory_bytes = run.memory_bytes;
  limits.file_bytes = kTmpBytes;
  limits.processes = tasks_of_user() + 256;
  limits.open_files = 256;
  return limits;
}

void replace_box(std::vector<std::string>& argv, std::string_view folder) {
  for (std::string& word : argv) {
    for (size_t at; (at = word.find("{box}")) != std::string::npos;) word.replace(at, 5, folder);
  }
}

}  // namespace

Sandbox::Sandbox(bool unsandboxed, std::vector<fs::path> read_only)
    : unsandboxed_(unsandboxed), read_only_(std::move(read_only)) {
  if (!unsandboxed_) check();
}

void Sandbox::check() const {
  constexpr std::string_view kRemedy =
      "the code of answers is run in a sandbox only. Install the Debian package bubblewrap on a "
      "machine that allows user namespaces, or say that this machine's files may be read and "
      "changed by that code: tests:FIELD,unsandboxed";
  if (base::find_program("bwrap").empty())
    base::fail("tests: there is no bubblewrap (bwrap) in PATH, and {}", kRemedy);
  SandboxedRun probe;
  probe.argv = {"/usr/bin/true"};
  const base::ProcessResult result = run(probe);
  if (!result.ok())
    base::fail("tests: bubblewrap cannot make a sandbox here ({}), and {}",
               result.errors.empty() ? fmt::format("exit code {}", result.exit_code)
                                     : result.errors.substr(0, result.errors.find('\n')),
               kRemedy);
}

std::vector<std::string> Sandbox::wrapped(const SandboxedRun& run) const {
  std::vector<std::string> argv = {"bwrap",
                                   "--unshare-user",
                                   "--unshare-ipc",
                                   "--unshare-pid",
                                   "--unshare-net",
                                   "--unshare-uts",
                                   "--unshare-cgroup-try",
                                   "--uid",
                                   "65534",
                                   "--gid",
                                   "65534",
                                   "--hostname",
                                   "sandbox",
                                   "--die-with-parent",
                                   "--new-session",
                                   "--cap-drop",
                                   "ALL",
                                   "--clearenv"};
  const auto add = [&](std::initializer_list<std::string> words) {
    argv.insert(argv.end(), words);
  };
  for (const std::string& entry : plain_environment()) {
    const size_t equals = entry.find('=');
    add({"--setenv", entry.substr(0, equals), entry.substr(equals + 1)});
  }
  add({"--ro-bind", "/usr", "/usr"});
  for (const std::string folder : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code none;
    if (const fs::path target = fs::read_symlink(folder, none); !none)
      add({"--symlink", target.string(), folder});
    else
      add({"--ro-bind-try", folder, folder});
  }
  add({"--ro-bind-try", "/etc/alternatives", "/etc/alternatives"});
  add({"--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"});
  // /dev and / are small file systems in memory: read-only, so that only /tmp can be filled.
  add({"--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"});
  add({"--size", std::to_string(kTmpBytes), "--tmpfs", "/tmp"});
  for (const fs::path& path : read_only_) add({"--ro-bind", path.string(), path.string()});
  if (!run.folder.empty())
    add({run.writable_folder ? "--bind" : "--ro-bind", run.folder.string(), std::string(kBox)});
  add({"--remount-ro", "/", "--chdir", run.writable_folder ? std::string(kBox) : "/tmp"});
  add({"--seccomp", std::to_string(kSeccompDescriptor), "--"});
  argv.insert(argv.end(), run.argv.begin(), run.argv.end());
  replace_box(argv, kBox);
  return argv;
}

base::ProcessResult Sandbox::run(const SandboxedRun& run) const {
  base::ProcessOptions options;
  options.limits = limits_of(run);
  options.no_new_privileges = true;
  options.die_with_parent = true;
  const std::string filter = base::seccomp_filter(
      {.allow_fork = run.writable_folder, .allow_network = false, .allow_kill = !unsandboxed_});
  if (!unsandboxed_) {
    options.argv = wrapped(run);
    options.descriptor_3 = filter;
    if (filter.empty()) {  // no filter for this CPU: namespaces and limits remain
      const auto at = std::find(options.argv.begin(), options.argv.end(), "--seccomp");
      options.argv.erase(at, at + 2);
    }
    return base::run_process(options, run.input, run.timeout, run.max_output);
  }
  options.argv = run.argv;
  const TemporaryFolder scratch;  // what /tmp is inside
  replace_box(options.argv, run.folder.string());
  options.keep_environment = false;
  options.environment = plain_environment();
  options.directory = run.writable_folder ? run.folder.string() : scratch.path().string();
  options.seccomp_filter = filter;
  return base::run_process(options, run.input, run.timeout, run.max_output);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "parley-XXXXXX").string();
  if (!mkdtemp(name.data()))
    base::fail("cannot make a temporary folder {}: {}", name, std::strerror(errno));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace parley::train

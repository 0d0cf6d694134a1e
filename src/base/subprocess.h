// Other programs as children: run to the end under limits, or kept running and asked line by
// line. Safe to use beside OpenMP and other threads: between clone and exec the child only makes
// system calls. No shell is involved anywhere.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::base {

// Resource limits of a child (setrlimit); 0 leaves the parent's.
struct ProcessLimits {
  uint64_t cpu_seconds = 0;
  uint64_t memory_bytes = 0;  // address space
  uint64_t file_bytes = 0;    // size of any one file written
  uint64_t processes = 0;     // of the user, threads included; the kernel exempts root
  uint64_t open_files = 0;
};

struct ProcessOptions {
  std::vector<std::string> argv;              // argv[0] is a path, or a name looked up in PATH
  bool keep_environment = true;               // false: the child sees `environment` alone
  std::vector<std::string> environment = {};  // "NAME=value", on top of what is kept
  std::string directory = {};                 // to start in; empty: the parent's
  ProcessLimits limits = {};
  bool no_new_privileges = false;   // set-user-id programs gain nothing (PR_SET_NO_NEW_PRIVS)
  bool die_with_parent = false;     // killed when the *thread* that started it ends
  std::string seccomp_filter = {};  // seccomp_filter(...): needs no_new_privileges or root
  std::string descriptor_3 = {};    // bytes the child can read at descriptor 3; empty: none
};

struct ProcessResult {
  int exit_code = -1;      // -1 when a signal ended it
  int signal = 0;          // which one, 0 for none
  bool timed_out = false;  // killed when the time was over
  bool truncated = false;  // killed when it had written more than the limit
  std::string output;      // standard output
  std::string errors;      // standard error

  bool ok() const { return exit_code == 0 && !timed_out && !truncated; }
};

// Runs a program to its end with `input` as its standard input. When `timeout` is over, or it has
// written more than `max_output` bytes to either stream, its whole process group is killed; a
// process it left behind in the group is killed when it ends. Error when it cannot be started.
ProcessResult run_process(const ProcessOptions& options, std::string_view input,
                          std::chrono::milliseconds timeout, size_t max_output = 1 << 20);

// A program that is kept running, with pipes at its three streams.
class ChildProcess {
 public:
  // Error when it cannot be started.
  explicit ChildProcess(const ProcessOptions& options);
  // Closes its input, gives it a moment to end, then kills its process group.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Writes `input` while it reads `lines` lines of answer (without their ends), so that neither
  // side waits for the other. `timeout` runs anew from each line. Error, with the tail of what it
  // wrote to standard error, when it ends, closes its output, is silent for `timeout`, or writes
  // a line longer than `max_line` bytes.
  std::vector<std::string> exchange(std::string_view input, size_t lines,
                                    std::chrono::milliseconds timeout, size_t max_line = 1 << 20);

  // Whether it has written anything no exchange() asked for.
  bool has_unread_output() const { return !unread_.empty(); }

 private:
  [[noreturn]] void fail_with_tail(const std::string& what);

  std::string program_;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  std::string unread_;  // of standard output
  std::string tail_;    // of standard error
};

// The words of a command line: blanks separate; '…' keeps all as it is; "…" and bare text take
// \ before the next character. UsageError for an open quote or no words. Nothing is expanded.
std::vector<std::string> split_command(std::string_view command);

// The path of a program: a name with a slash as it is, any other from PATH. Empty if there is none
// that can be run.
std::string find_program(const std::string& name);

// What a program may be refused by the kernel: compiled for the CPU this was built for.
struct SeccompRules {
  bool allow_fork = false;     // new processes (threads are always allowed)
  bool allow_network = false;  // sockets other than Unix ones
  bool allow_kill = false;     // signals to other processes
};

// A filter program (an array of struct sock_filter) that answers EPERM to what `rules` leave out
// and always to ptrace, mounts, namespaces, kernel modules, BPF, io_uring and the like. Empty on
// CPUs other than x86-64 and AArch64.
std::string seccomp_filter(const SeccompRules& rules);

}  // namespace parley::base

#include "base/subprocess.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace parley::base {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A descriptor that closes itself, always above the numbers a child's streams take.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

[[noreturn]] void fail_system(std::string_view what) {
  fail("cannot {}: {}", what, std::strerror(errno));
}

// The same file at a number the child's streams 0 to 3 do not take.
Descriptor lift(int fd) {
  if (fd < 0) fail_system("open a pipe");
  const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 16);
  const int error = errno;
  close(fd);
  errno = error;
  if (lifted < 0) fail_system("open a pipe");
  return Descriptor(lifted);
}

struct Pipe {
  Descriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail_system("open a pipe");
  Pipe result;
  result.write = Descriptor(ends[1]);
  result.read = lift(ends[0]);
  result.write = lift(result.write.release());
  return result;
}

void make_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

Descriptor file_of(std::string_view bytes) {
  Descriptor file = lift(memfd_create("parley", MFD_CLOEXEC));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0) fail_system("write to memory");
    done += static_cast<size_t>(n);
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Writing to a program that has ended raises SIGPIPE: held back in this thread, and taken from
// the queue if it came.
class PipeSignalGuard {
 public:
  PipeSignalGuard() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t waiting;
    sigpending(&waiting);
    was_waiting_ = sigismember(&waiting, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &old_);
  }
  ~PipeSignalGuard() {
    const timespec now{};
    if (!was_waiting_)
      while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }
  PipeSignalGuard(const PipeSignalGuard&) = delete;
  PipeSignalGuard& operator=(const PipeSignalGuard&) = delete;

 private:
  sigset_t pipe_, old_;
  bool was_waiting_;
};

// All that the child needs, prepared before it exists: it may not allocate.
struct Launch {
  const char* path;
  char* const* argv;
  char* const* environment;
  const char* directory;       // or null
  std::array<int, 4> streams;  // -1: closed
  std::array<std::pair<int, rlimit>, 6> limits;
  size_t limit_count = 0;
  bool no_new_privileges, die_with_parent;
  sock_fprog filter;
  pid_t parent;
  int error = 0;               // errno of what failed; the memory is the parent's
  const char* step = nullptr;  // and what that was
};

int failed(Launch& launch, const char* step) {
  launch.error = errno;
  launch.step = step;
  return 127;
}

// Runs in the child, on its own stack, in the parent's memory, while the thread that started it
// waits: system calls only, and nothing is written but `launch`.
int child_main(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) sigaction(signal, &usual, nullptr);
  setpgid(0, 0);
  for (int i = 0; i < 4; ++i) {
    if (launch.streams[i] >= 0 && dup2(launch.streams[i], i) < 0) return failed(launch, "dup2");
  }
  // Descriptors of the libraries and of other threads are none of the child's business.
  const unsigned first = launch.streams[3] >= 0 ? 4 : 3;
  syscall(SYS_close_range, first, ~0U, 0);
  if (launch.directory && chdir(launch.directory) != 0) return failed(launch, "chdir");
  for (size_t i = 0; i < launch.limit_count; ++i) {
    const auto& [resource, value] = launch.limits[i];
    if (setrlimit(static_cast<__rlimit_resource>(resource), &value) != 0)
      return failed(launch, "setrlimit");
  }
  if (launch.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launch.parent) return failed(launch, "start after the parent's end");
  }
  if (launch.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failed(launch, "prctl");
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.filter.len > 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &launch.filter) != 0)
    return failed(launch, "seccomp");
  execve(launch.path, launch.argv, launch.environment);
  return failed(launch, "exec");
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> child_environment(const ProcessOptions& options) {
  std::vector<std::string> result = options.environment;
  const auto name = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  for (char** entry = environ; options.keep_environment && *entry; ++entry) {
    const auto same = [&](const std::string& own) { return name(own) == name(*entry); };
    if (std::none_of(options.environment.begin(), options.environment.end(), same))
      result.emplace_back(*entry);
  }
  return result;
}

// A limit above the parent's hard one would need privileges.
rlimit capped(int resource, uint64_t value, uint64_t slack) {
  rlimit parent{};
  getrlimit(static_cast<__rlimit_resource>(resource), &parent);
  return {std::min<rlim_t>(value, parent.rlim_max),
          std::min<rlim_t>(value + slack, parent.rlim_max)};
}

void set_limits(const ProcessLimits& limits, Launch& launch) {
  const auto add = [&](int resource, uint64_t value, uint64_t slack = 0) {
    if (value > 0) launch.limits[launch.limit_count++] = {resource, capped(resource, value, slack)};
  };
  add(RLIMIT_CPU, limits.cpu_seconds, 1);  // SIGXCPU first, SIGKILL a second later
  add(RLIMIT_AS, limits.memory_bytes);
  add(RLIMIT_FSIZE, limits.file_bytes);
  add(RLIMIT_NPROC, limits.processes);
  add(RLIMIT_NOFILE, limits.open_files);
  // A crash under limits is an ordinary event: no core files.
  if (launch.limit_count > 0) launch.limits[launch.limit_count++] = {RLIMIT_CORE, {0, 0}};
}

struct Started {
  pid_t pid;
  Descriptor in, out, err;  // the parent's ends
};

// As posix_spawn does it: the child shares the parent's memory until exec, so that starting one
// costs the same from a process of 20 MB and of 20 GB.
pid_t clone_and_exec(Launch& launch) {
  constexpr size_t kStack = size_t{256} << 10;
  void* stack =
      mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) fail_system("start a program");
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);  // no handler of ours may run in the child
  const pid_t pid = clone(child_main, static_cast<char*>(stack) + kStack,
                          CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  munmap(stack, kStack);
  errno = error;
  if (pid < 0) fail_system("start a program");
  return pid;
}

void reap(pid_t pid, int* status) {
  while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
  }
}

Started start(const ProcessOptions& options) {
  PARLEY_CHECK(!options.argv.empty(), "no program");
  const std::string path = find_program(options.argv[0]);
  if (path.empty())
    fail("{}: no such program{}", options.argv[0],
         options.argv[0].find('/') == std::string::npos ? " in PATH" : ", or it is not executable");
  const std::vector<std::string> environment = child_environment(options);
  const std::vector<char*> argv = pointers(options.argv), entries = pointers(environment);

  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  Descriptor extra;
  if (!options.descriptor_3.empty()) extra = file_of(options.descriptor_3);
  Launch launch{};
  launch.path = path.c_str();
  launch.argv = argv.data();
  launch.environment = entries.data();
  launch.directory = options.directory.empty() ? nullptr : options.directory.c_str();
  launch.streams = {in.read.get(), out.write.get(), err.write.get(), extra.get()};
  launch.no_new_privileges = options.no_new_privileges;
  launch.die_with_parent = options.die_with_parent;
  launch.parent = getpid();
  const std::string& filter = options.seccomp_filter;
  // The kernel only reads the filter.
  launch.filter = {static_cast<unsigned short>(filter.size() / sizeof(sock_filter)),
                   reinterpret_cast<sock_filter*>(const_cast<char*>(filter.data()))};
  set_limits(options.limits, launch);

  const pid_t pid = clone_and_exec(launch);
  if (launch.error != 0) {
    int status = 0;
    reap(pid, &status);
    fail("cannot start {}: {}: {}", path, launch.step, std::strerror(launch.error));
  }
  make_nonblocking(in.write.get());
  make_nonblocking(out.read.get());
  make_nonblocking(err.read.get());
  return {pid, std::move(in.write), std::move(out.read), std::move(err.read)};
}

enum class Pumped { kMore, kWait, kEnd };

// Reads what is there; kEnd at the end of the stream.
Pumped read_some(int fd, std::string& text) {
  char buffer[16384];
  const ssize_t n = read(fd, buffer, sizeof buffer);
  if (n > 0) {
    text.append(buffer, static_cast<size_t>(n));
    return Pumped::kMore;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Pumped::kWait;
  return Pumped::kEnd;
}

// Writes what fits; kEnd when nobody reads.
Pumped write_some(int fd, std::string_view& input) {
  const ssize_t n = write(fd, input.data(), std::min<size_t>(input.size(), 65536));
  if (n >= 0) {
    input.remove_prefix(static_cast<size_t>(n));
    return Pumped::kMore;
  }
  return errno == EAGAIN || errno == EINTR ? Pumped::kWait : Pumped::kEnd;
}

int wait_time(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left + 1, 0, 1'000'000));
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return errno == ECHILD;  // somebody made this process ignore SIGCHLD
  return info.si_pid == pid;
}

// Ends the whole group. The leader is not reaped yet, so its number cannot belong to another.
int kill_and_reap(pid_t pid) {
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);  // had it not come as far as setpgid
  int status = 0;
  reap(pid, &status);
  return status;
}

void keep_tail(std::string& text, size_t bytes) {
  if (text.size() > 2 * bytes) text.erase(0, text.size() - bytes);
}

}  // namespace

ProcessResult run_process(const ProcessOptions& options, std::string_view input,
                          milliseconds timeout, size_t max_output) {
  const PipeSignalGuard guard;
  Started child = start(options);
  // Readable when the program ends; kernels without it are asked from time to time.
  const Descriptor ended(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  const auto deadline = Clock::now() + timeout;
  ProcessResult result;
  if (input.empty()) child.in.reset();
  const auto drain = [&](Descriptor& stream, std::string& text) {
    Pumped state = Pumped::kMore;
    while (stream.open() && state == Pumped::kMore && text.size() <= max_output)
      state = read_some(stream.get(), text);
    if (state == Pumped::kEnd) stream.reset();
    if (text.size() > max_output) {
      result.truncated = true;
      text.resize(max_output);
    }
  };
  while (!has_ended(child.pid) && !result.truncated) {
    if (Clock::now() >= deadline) {
      result.timed_out = true;
      break;
    }
    std::array<pollfd, 4> fds = {{{child.in.get(), POLLOUT, 0},
                                  {child.out.get(), POLLIN, 0},
                                  {child.err.get(), POLLIN, 0},
                                  {ended.get(), POLLIN, 0}}};
    const int wait = wait_time(deadline);
    poll(fds.data(), fds.size(), ended.open() ? wait : std::min(wait, 10));
    if (fds[0].revents != 0 && (write_some(child.in.get(), input) == Pumped::kEnd || input.empty()))
      child.in.reset();
    if (fds[1].revents != 0) drain(child.out, result.output);
    if (fds[2].revents != 0) drain(child.err, result.errors);
  }
  const int status = kill_and_reap(child.pid);
  drain(child.out, result.output);
  drain(child.err, result.errors);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

ChildProcess::ChildProcess(const ProcessOptions& options) : program_(options.argv.at(0)) {
  Started child = start(options);
  pid_ = child.pid;
  in_ = child.in.release();
  out_ = child.out.release();
  err_ = child.err.release();
}

ChildProcess::~ChildProcess() {
  close(in_);
  for (int i = 0; i < 50 && !has_ended(pid_); ++i) {
    pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    poll(fds, 2, 10);
    // Last words are read and dropped, lest it waits for room in a pipe.
    std::string dropped;
    const bool over = read_some(out_, dropped) == Pumped::kEnd;
    if (over && read_some(err_, dropped) == Pumped::kEnd) usleep(5'000);
  }
  kill_and_reap(pid_);
  close(out_);
  close(err_);
}

void ChildProcess::fail_with_tail(const std::string& what) {
  while (read_some(err_, tail_) == Pumped::kMore) keep_tail(tail_, 2000);
  if (tail_.size() > 2000) tail_.erase(0, tail_.size() - 2000);
  while (!tail_.empty() && tail_.back() == '\n') tail_.pop_back();
  if (tail_.empty()) fail("{}: {}; it wrote nothing to standard error", program_, what);
  fail("{}: {}; the end of its standard error:\n{}", program_, what, tail_);
}

std::vector<std::string> ChildProcess::exchange(std::string_view input, size_t lines,
                                                milliseconds timeout, size_t max_line) {
  const PipeSignalGuard guard;
  std::vector<std::string> result;
  auto deadline = Clock::now() + timeout;
  size_t searched = 0;  // no line end before this in unread_
  for (;;) {
    for (size_t end;
         result.size() < lines && (end = unread_.find('\n', searched)) != std::string::npos;) {
      result.push_back(unread_.substr(0, end));
      unread_.erase(0, end + 1);
      searched = 0;
      deadline = Clock::now() + timeout;
    }
    searched = unread_.size();
    if (result.size() == lines && input.empty()) return result;
    if (unread_.size() > max_line)
      fail_with_tail(fmt::format("a line of more than {} bytes", max_line));
    if (Clock::now() >= deadline)
      fail_with_tail(fmt::format("no answer in {:.1f} s (line {} of {})",
                                 std::chrono::duration<double>(timeout).count(), result.size() + 1,
                                 lines));
    pollfd fds[3] = {{input.empty() ? -1 : in_, POLLOUT, 0}, {out_, POLLIN, 0}, {err_, POLLIN, 0}};
    poll(fds, 3, std::min(wait_time(deadline), 1000));
    if (fds[2].revents != 0 && read_some(err_, tail_) == Pumped::kEnd) {
      // It may close its standard error and go on: the other streams tell.
      usleep(1'000);
    }
    keep_tail(tail_, 2000);
    if (fds[1].revents != 0 && read_some(out_, unread_) == Pumped::kEnd) {
      for (int i = 0; i < 20 && !has_ended(pid_); ++i) usleep(5'000);
      fail_with_tail(fmt::format("{} after {} of {} answers",
                                 has_ended(pid_) ? "it ended" : "it closed its output",
                                 result.size(), lines));
    }
    // A program that no longer reads may still answer; one that has ended closes its output too.
    if (fds[0].revents != 0 && write_some(in_, input) == Pumped::kEnd) input = {};
  }
}

std::vector<std::string> split_command(std::string_view command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\\' && quote != '\'') {
      if (++i == command.size())
        throw UsageError(fmt::format("a lone \\ at the end of the command: {}", command));
      words.back() += command[i];
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0)
    throw UsageError(fmt::format("a quote ({}) is not closed in the command: {}", quote, command));
  if (words.empty()) throw UsageError("a command is wanted, and there is none");
  return words;
}

std::string find_program(const std::string& name) {
  const auto runs = [](const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) return runs(name) ? name : std::string();
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty()) {
    const size_t end = folders.find(':');
    const std::string folder(folders.substr(0, end));
    if (std::string full = (folder.empty() ? "." : folder) + "/" + name; runs(full)) return full;
    if (end == std::string_view::npos) break;
    folders.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace parley::base

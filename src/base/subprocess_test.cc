#include "base/subprocess.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/files.h"

namespace parley::base {
namespace {

using namespace std::chrono_literals;

ProcessResult shell(const std::string& script, std::string_view input = {},
                    std::chrono::milliseconds timeout = 5s, size_t max_output = 1 << 20) {
  return run_process({.argv = {"sh", "-c", script}}, input, timeout, max_output);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Subprocess, GivesStreamsAndExitCode) {
  const ProcessResult result = shell("cat; echo bad >&2; exit 3", "eins\nzwei");
  EXPECT_EQ(result.output, "eins\nzwei");
  EXPECT_EQ(result.errors, "bad\n");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(shell("kill -9 $$").signal, SIGKILL);
}

TEST(Subprocess, MovesMoreThanAPipeHoldsBothWays) {
  const std::string text(3'000'000, 'x');
  const ProcessResult result = shell("cat", text, 5s, 4'000'000);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output.size(), text.size());
}

TEST(Subprocess, SurvivesAProgramThatDoesNotRead) {
  EXPECT_EQ(shell("exit 0", std::string(3'000'000, 'x')).exit_code, 0);
  sigset_t waiting;
  sigpending(&waiting);
  EXPECT_FALSE(sigismember(&waiting, SIGPIPE));
}

TEST(Subprocess, KillsTheWholeGroupWhenTimeIsOver) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = shell("sleep 30 & echo $!; sleep 30", {}, 200ms);
  EXPECT_TRUE(result.timed_out);
  EXPECT_LT(seconds_since(start), 3);
  const pid_t grandchild = std::stoi(result.output);
  for (int i = 0; i < 100 && kill(grandchild, 0) == 0; ++i) usleep(10'000);
  // In a container whose first process reaps nobody a killed orphan stays a zombie.
  if (kill(grandchild, 0) == 0) {
    const std::string stat = read_file("/proc/" + std::to_string(grandchild) + "/stat");
    EXPECT_NE(stat.find(") Z"), std::string::npos) << stat;
  }
}

TEST(Subprocess, DoesNotWaitForWhatTheProgramLeavesBehind) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = shell("sleep 30 & echo done");
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(seconds_since(start), 3);
}

TEST(Subprocess, StopsEndlessOutput) {
  const ProcessResult result = shell("while :; do echo yes; done", {}, 5s, 10'000);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.output.size(), 10'000u);
}

TEST(Subprocess, LimitsAreInForce) {
  ProcessOptions options{.argv = {"sh", "-c", "ulimit -t; ulimit -v; ulimit -f; ulimit -n"}};
  options.limits = {
      .cpu_seconds = 7, .memory_bytes = 64 << 20, .file_bytes = 1 << 20, .open_files = 20};
  EXPECT_EQ(run_process(options, {}, 5s).output, "7\n65536\n2048\n20\n");
}

TEST(Subprocess, EnvironmentDirectoryAndDescriptors) {
  ProcessOptions options{
      .argv = {"/bin/sh", "-c", "echo $WHO $HOME; pwd; cat <&3; ls /proc/$$/fd"}};
  options.keep_environment = false;
  options.environment = {"WHO=me"};
  options.directory = "/usr";
  options.descriptor_3 = "third\n";
  const int stray = dup(1);  // not close-on-exec
  EXPECT_EQ(run_process(options, {}, 5s).output, "me\n/usr\nthird\n0\n1\n2\n3\n");
  close(stray);
}

TEST(Subprocess, SaysWhyAProgramDoesNotStart) {
  EXPECT_NE(error_of([] {
              run_process({.argv = {"no-such-program"}}, {}, 1s);
            }).find("no-such-program: no such program in PATH"),
            std::string::npos);
  EXPECT_NE(error_of([] { run_process({.argv = {"/etc/passwd"}}, {}, 1s); }).find("not executable"),
            std::string::npos);
  ProcessOptions options{.argv = {"true"}};
  options.directory = "/no/such/folder";
  EXPECT_NE(error_of([&] { run_process(options, {}, 1s); }).find("chdir: No such file"),
            std::string::npos);
}

TEST(Subprocess, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) right += shell("cat", "hello").output == "hello";
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST(Subprocess, SeccompRefusesProcessesAndSockets) {
  ProcessOptions options{.argv = {"sh", "-c", "echo before; (echo inner) ; echo after"}};
  options.no_new_privileges = true;
  options.seccomp_filter = seccomp_filter({.allow_fork = true});
  if (options.seccomp_filter.empty()) GTEST_SKIP() << "no filter for this CPU";
  EXPECT_EQ(run_process(options, {}, 5s).output, "before\ninner\nafter\n");
  options.seccomp_filter = seccomp_filter({});
  EXPECT_EQ(run_process(options, {}, 5s).output, "before\n");
  // kill is the shell's own: its parent must not be reachable.
  options.argv[2] = "kill -0 $PPID && echo reached";
  EXPECT_EQ(run_process(options, {}, 5s).output, "");
  options.seccomp_filter = seccomp_filter({.allow_kill = true});
  EXPECT_EQ(run_process(options, {}, 5s).output, "reached\n");
}

TEST(ChildProcess, AnswersLineByLine) {
  ChildProcess child({.argv = {"sed", "-u", "s/^/got /"}});
  EXPECT_EQ(child.exchange("a\nb\n", 2, 5s), (std::vector<std::string>{"got a", "got b"}));
  EXPECT_EQ(child.exchange("c\n", 1, 5s), (std::vector<std::string>{"got c"}));
  // Far more than the pipes hold, in one go.
  std::string input;
  for (int i = 0; i < 100'000; ++i) input += "line " + std::to_string(i) + "\n";
  const std::vector<std::string> lines = child.exchange(input, 100'000, 5s);
  EXPECT_EQ(lines.back(), "got line 99999");
}

TEST(ChildProcess, SaysWhatWentWrong) {
  const auto message = [](const std::string& script, std::chrono::milliseconds timeout = 5s) {
    ChildProcess child({.argv = {"sh", "-c", script}});
    return error_of([&] { child.exchange("a\n", 1, timeout, 1000); });
  };
  const std::string ended = message("echo oh no >&2; exit 1");
  EXPECT_NE(ended.find("it ended after 0 of 1 answers"), std::string::npos) << ended;
  EXPECT_NE(ended.find("oh no"), std::string::npos) << ended;
  EXPECT_NE(message("sleep 20", 100ms).find("no answer in 0.1 s"), std::string::npos);
  EXPECT_NE(message("head -c 5000 /dev/zero; sleep 20").find("more than 1000 bytes"),
            std::string::npos);
  EXPECT_NE(message("exec >&-; sleep 20").find("closed its output"), std::string::npos);
}

TEST(SplitCommand, QuotesAndEscapes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split_command("  python3  judge.py --x=1 "), (Words{"python3", "judge.py", "--x=1"}));
  EXPECT_EQ(split_command(R"(a 'b c' "d \" $HOME" e\ f '')"),
            (Words{"a", "b c", "d \" $HOME", "e f", ""}));
  EXPECT_EQ(split_command("a;rm -rf $(b) | c"), (Words{"a;rm", "-rf", "$(b)", "|", "c"}));
  EXPECT_THROW(split_command("a 'b"), UsageError);
  EXPECT_THROW(split_command("a \\"), UsageError);
  EXPECT_THROW(split_command("  "), UsageError);
}

}  // namespace
}  // namespace parley::base

#include "train/code_reward.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "base/error.h"
#include "base/files.h"
#include "base/subprocess.h"

namespace parley::train {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// Tests of the sandbox run where there is one; the same code runs under limits alone elsewhere.
class CodeReward : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    options_.unsandboxed = GetParam();
    options_.timeout = std::chrono::milliseconds(3000);
    try {
      make_code_reward(options_);
    } catch (const base::Error& error) {
      GTEST_SKIP() << error.what();
    }
  }

  double score(const std::string& response, const json& tests,
               const std::string& language = "python") {
    const json record = {{"tests", tests}, {"language", language}};
    const Answer answer{"write it", response, &record, true, {}};
    return make_code_reward(options_)->score({&answer, 1}).at(0);
  }

  // Whether Python code of an answer gets as far as its end in time.
  bool runs(const std::string& code, int milliseconds = 5000) {
    options_.timeout = std::chrono::milliseconds(milliseconds);
    return score("```python\n" + code + "\n```", json::array({"pass"})) == 1;
  }

  CodeRewardOptions options_;
};

INSTANTIATE_TEST_SUITE_P(Modes, CodeReward, testing::Values(false, true),
                         [](const auto& mode) { return mode.param ? "Unsandboxed" : "Sandboxed"; });

TEST_P(CodeReward, TheShareOfTestsThatPass) {
  const json tests = {"assert add(1, 2) == 3", "assert add(0, 0) == 0", "assert add(2, 2) == 5",
                      "assert add('a', 'b') == 'ab'"};
  const std::string answer =
      "Here:\n```python\ndef add(a, b):\n    print('noise')\n    return a + b\n```\nDone.";
  EXPECT_EQ(score(answer, tests), 0.75);
  options_.all_or_nothing = true;
  EXPECT_EQ(score(answer, tests), 0);
  EXPECT_EQ(score(answer, json::array({tests[0], tests[1]})), 1);
  options_.all_or_nothing = false;
  EXPECT_EQ(
      score("def add(a, b): return a + b", "def check(f):\n  assert f(1, 1) == 2\ncheck(add)"), 1);
  EXPECT_EQ(score("this is no code", tests), 0);
  EXPECT_EQ(score("", tests), 0);
}

TEST_P(CodeReward, ProgramsWithInputAndOutput) {
  const std::string answer = "```\nn = int(input())\nprint(n * 2)   \n```";
  EXPECT_EQ(
      score(answer, {{{"input", "4\n"}, {"output", "8"}}, {{"input", "5\n"}, {"output", "11\n"}}}),
      0.5);
  EXPECT_EQ(score(answer, {{"inputs", {"1", "2"}}, {"outputs", {"2\n\n", "4"}}}), 1);
  EXPECT_EQ(score(answer, {{{"input", "no number"}, {"output", ""}}}), 0);
}

TEST_P(CodeReward, LeavingEarlyIsNoPass) {
  const json tests = {"assert f() == 1"};
  for (const std::string leave : {"import os; os._exit(0)", "import sys; sys.exit(0)",
                                  "raise SystemExit", "import os, signal; os.abort()"})
    EXPECT_EQ(score(leave, tests), 0) << leave;
  EXPECT_EQ(score("def f():\n  import os\n  os._exit(0)", tests), 0);
  EXPECT_EQ(score("print('passed 0')\nprint('ok')", tests), 0);
}

TEST_P(CodeReward, EndlessLoopsEndInTime) {
  const auto start = Clock::now();
  options_.timeout = std::chrono::milliseconds(1200);
  EXPECT_EQ(score("while True: pass", {"pass"}), 0);
  // One endless test leaves the others their turn.
  EXPECT_EQ(score("def f(n):\n  while n: pass", {"f(0)", "f(1)", "f(0)"}), 2.0 / 3);
  // Nor does swallowing every exception help.
  EXPECT_EQ(
      score("while True:\n  try:\n    while True: pass\n  except BaseException: pass", {"pass"}),
      0);
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), 8);
}

TEST_P(CodeReward, ForkBombsMemoryHogsAndFloods) {
  EXPECT_FALSE(runs("import os\nos.fork()"));
  EXPECT_FALSE(runs("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", 700));
  EXPECT_FALSE(runs("import subprocess\nsubprocess.run(['true'], check=True)"));
  EXPECT_TRUE(runs("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()"));
  EXPECT_FALSE(runs("x = bytearray(2 << 30)"));
  EXPECT_FALSE(runs("x = []\nwhile True: x.append(bytes(1 << 24))"));
  EXPECT_FALSE(runs("import sys\nwhile True: sys.stderr.write('x' * 100000)"));
  EXPECT_FALSE(
      runs("f = open('big', 'wb')\n"
           "for i in range(100): f.write(bytes(1 << 20)); f.flush()"));
}

TEST_P(CodeReward, NoNetworkNoSignals) {
  EXPECT_FALSE(runs("import socket\nsocket.socket(socket.AF_INET)"));
  EXPECT_FALSE(
      runs("import os, signal\nos.kill(os.getppid(), signal.SIGCONT)\n"
           "assert os.getppid() == 0"));
}

TEST_P(CodeReward, TheParentsFilesAreOutOfReach) {
  if (GetParam()) GTEST_SKIP() << "only namespaces hide files";
  const std::string file = testing::TempDir() + "/secret_" + std::to_string(getpid());
  base::write_file(file, "secret");
  EXPECT_FALSE(runs("open('" + file + "')"));
  EXPECT_FALSE(runs("open('" + std::string(PARLEY_SOURCE_DIR) + "/CMakeLists.txt')"));
  EXPECT_FALSE(runs("open('/etc/passwd')"));
  EXPECT_FALSE(runs("open('/proc/" + std::to_string(getpid()) + "/environ')"));
  EXPECT_FALSE(runs("open('/usr/x', 'w')"));
  EXPECT_FALSE(runs("open('/dev/x', 'w')"));
  EXPECT_FALSE(runs("open('/y', 'w')"));
  EXPECT_TRUE(runs("open('x', 'w').write('mine')"));
  EXPECT_FALSE(runs("open('x')"));  // of another run
  setenv("PARLEY_TEST_KEY", "secret", 1);
  EXPECT_TRUE(runs("import os\nassert 'PARLEY_TEST_KEY' not in os.environ"));
  EXPECT_TRUE(runs("import os\nassert len([p for p in os.listdir('/proc') if p.isdigit()]) < 5"));
  // Many small files fill 64 MB and no more.
  EXPECT_FALSE(runs("for i in range(100): open('%d' % i, 'wb').write(bytes(1 << 20))"));
  unlink(file.c_str());
}

TEST_P(CodeReward, TestsAreNotThereToBeRead) {
  EXPECT_TRUE(
      runs("import os, sys\nassert sys.stdin.read() == ''\nassert not os.path.exists('/box')"));
}

TEST_P(CodeReward, Cpp) {
  const std::string answer = "```cpp\n#include <string>\nint twice(int x) { return x * 2; }\n```";
  if (base::find_program("/usr/bin/g++").empty()) GTEST_SKIP() << "no g++";
  options_.timeout = std::chrono::milliseconds(5000);
  EXPECT_EQ(score(answer, {"assert(twice(2) == 4);", "assert(twice(1) == 3);"}, "cpp"), 0.5);
  EXPECT_EQ(score("int twice(int) { std::exit(0); }", json::array({"twice(1);"}), "C++"), 0);
  EXPECT_EQ(score("#include <iostream>\nint main() { int n; std::cin >> n; std::cout << n + 1; }",
                  {{{"input", "4"}, {"output", "5"}}}, "cpp"),
            1);
}

TEST_P(CodeReward, ManyAnswersKeepTheirOrder) {
  const json record = {{"tests", {"assert f() % 2 == 0"}}};
  std::vector<std::string> texts;
  for (int i = 0; i < 12; ++i) texts.push_back("def f(): return " + std::to_string(i));
  std::vector<Answer> answers;
  for (const std::string& text : texts) answers.push_back({"p", text, &record, true, {}});
  const std::vector<double> rewards = make_code_reward(options_)->score(answers);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(rewards[i], i % 2 == 0);
}

TEST_P(CodeReward, RefusesRecordsItCannotUse) {
  EXPECT_THROW(score("x", json::array()), base::Error);
  EXPECT_THROW(score("x", 5), base::Error);
  EXPECT_THROW(score("x", {{"inputs", {"1"}}, {"outputs", json::array()}}), base::Error);
  EXPECT_THROW(score("x", {"pass"}, "cobol"), base::Error);
}

TEST(CodeRewardOptions, Reads) {
  const CodeRewardOptions options = parse_code_reward_options(
      "unit,all,timeout=2.5,memory=256,workers=3,python=/opt/x/bin/python");
  EXPECT_EQ(options.field, "unit");
  EXPECT_TRUE(options.all_or_nothing);
  EXPECT_EQ(options.timeout.count(), 2500);
  EXPECT_EQ(options.memory_bytes, uint64_t{256} << 20);
  EXPECT_EQ(options.workers, 3);
  EXPECT_EQ(options.python, "/opt/x/bin/python");
  EXPECT_FALSE(options.unsandboxed);
  EXPECT_EQ(parse_code_reward_options("").field, "tests");
  EXPECT_TRUE(parse_code_reward_options(",unsandboxed").unsandboxed);
  EXPECT_THROW(parse_code_reward_options("a,quick"), base::UsageError);
  EXPECT_THROW(parse_code_reward_options("a,timeout=x"), base::UsageError);
}

TEST(CodeRewardOptions, WithoutBubblewrapItRefuses) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  std::string message;
  try {
    make_code_reward({});
  } catch (const base::Error& error) {
    message = error.what();
  }
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(message.find("no bubblewrap"), std::string::npos) << message;
  EXPECT_NE(message.find("unsandboxed"), std::string::npos) << message;
}

TEST(ExtractCode, TheLastBlockInTheLanguage) {
  EXPECT_EQ(extract_code("a\n```python\none\n```\nb\n```py\ntwo\n```\n```\noutput\n```", "python"),
            "two\n");
  EXPECT_EQ(extract_code("```\none\n```\ntext\n```\ntwo\n```", "python"), "two\n");
  EXPECT_EQ(extract_code("def f(): pass", "python"), "def f(): pass");
  EXPECT_EQ(extract_code("```python\nx = 1\ny", "python"), "x = 1\ny");
  EXPECT_EQ(extract_code("```c++\nint x;\n```\n```bash\nmake\n```", "cpp"), "int x;\n");
  EXPECT_EQ(extract_code("```Python\r\nx\r\n```", "python"), "x\r\n");
  EXPECT_EQ(extract_code("```", "python"), "");
}

}  // namespace
}  // namespace parley::train

#include "train/code_reward.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <mutex>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/subprocess.h"
#include "train/code_reward_sandbox.h"
#include "train/rule_reward.h"

namespace parley::train {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kCompileTimeout{30'000};
constexpr size_t kMaxTests = 1000;

// Runs the answer, then each test in a copy of its names, and reports each that passes with a
// secret the answer is not told. All comes in through standard input, so no file of the tests is
// there to be read. Leaving early, however it is done, reports nothing.
constexpr std::string_view kPythonHarness = R"(
import json, os, signal, sys
def main():
    job = json.loads(sys.stdin.buffer.read())
    report = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(null, stream)
    class OutOfTime(BaseException):
        pass
    def stop(number, frame):
        raise OutOfTime
    signal.signal(signal.SIGALRM, stop)
    def run(code, name, names):
        signal.setitimer(signal.ITIMER_REAL, job["seconds"])
        try:
            exec(compile(code, name, "exec"), names)
            return True
        except BaseException as error:
            if not isinstance(error, OutOfTime):
                print(name + ": " + repr(error)[:500], file=sys.stderr)
            return False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    names = {"__name__": "answer", "__builtins__": __builtins__}
    if not run(job["code"], "answer", names):
        return
    for number, test in enumerate(job["tests"]):
        if run(test, "test %d" % number, dict(names)):
            os.write(report, ("%s %d\n" % (job["secret"], number)).encode())
main()
)";

struct Test {
  bool is_code;      // else a program's input and output
  std::string code;  // to run after the answer
  std::string input, output;
};

std::string secret() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", source(), source(), source(), source());
}

[[noreturn]] void fail_tests(std::string_view field, const Answer& answer) {
  base::fail(
      "tests: the field \"{}\" of the prompt \"{}…\" must be code, an array of code, an array "
      "of {{\"input\", \"output\"}}, or {{\"inputs\": […], \"outputs\": […]}}, not empty and of "
      "at most {} tests",
      field, answer.prompt.substr(0, 80), kMaxTests);
}

std::vector<Test> read_tests(const Answer& answer, const std::string& field) {
  const nlohmann::json& value = reward_field(answer, field, "tests");
  std::vector<Test> tests;
  const auto text = [&](const nlohmann::json& json) {
    if (!json.is_string()) fail_tests(field, answer);
    return json.get<std::string>();
  };
  const auto add = [&](const nlohmann::json& test) {
    if (test.is_string())
      tests.push_back({true, test.get<std::string>(), {}, {}});
    else if (test.is_object() && test.contains("input") && test.contains("output"))
      tests.push_back({false, {}, text(test["input"]), text(test["output"])});
    else
      fail_tests(field, answer);
  };
  if (value.is_string()) {
    add(value);
  } else if (value.is_array()) {
    for (const nlohmann::json& test : value) add(test);
  } else if (value.is_object() && value.contains("inputs") && value.contains("outputs")) {
    const nlohmann::json &inputs = value["inputs"], &outputs = value["outputs"];
    if (!inputs.is_array() || !outputs.is_array() || inputs.size() != outputs.size())
      fail_tests(field, answer);
    for (size_t i = 0; i < inputs.size(); ++i)
      tests.push_back({false, {}, text(inputs[i]), text(outputs[i])});
  }
  if (tests.empty() || tests.size() > kMaxTests) fail_tests(field, answer);
  return tests;
}

// Lines without blanks at their ends, without empty lines at the end.
std::string comparable(std::string_view output) {
  std::string result;
  for (size_t begin = 0; begin <= output.size();) {
    size_t end = output.find('\n', begin);
    if (end == std::string_view::npos) end = output.size();
    std::string_view line = output.substr(begin, end - begin);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t'))
      line.remove_suffix(1);
    result += line;
    result += '\n';
    begin = end + 1;
  }
  while (result.ends_with("\n")) result.pop_back();
  return result;
}

std::string language_of(const Answer& answer) {
  if (!answer.record->is_object()) return "python";
  const auto found = answer.record->find("language");
  if (found == answer.record->end() || found->is_null()) return "python";
  std::string language = found->is_string() ? found->get<std::string>() : found->dump();
  std::transform(language.begin(), language.end(), language.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (language == "python" || language == "python3" || language == "py") return "python";
  if (language == "cpp" || language == "c++" || language == "cc") return "cpp";
  base::fail("tests: a prompt's \"language\" is \"{}\"; python and cpp can be run", language);
}

// Where an interpreter outside /usr keeps its files.
std::vector<fs::path> folders_of(const std::string& program) {
  std::vector<fs::path> result;
  for (const fs::path& path : {fs::absolute(program), fs::canonical(program)}) {
    const fs::path prefix = path.parent_path().parent_path().lexically_normal();
    const bool system = prefix.empty() || prefix == "/" || *std::next(prefix.begin()) == "usr";
    if (!system && std::find(result.begin(), result.end(), prefix) == result.end())
      result.push_back(prefix);
  }
  return result;
}

// A bare name is looked for where the sandbox has it; wrappers in a home folder would not run.
std::string interpreter(const std::string& name) {
  if (name.find('/') == std::string::npos) {
    for (const std::string folder : {"/usr/local/bin/", "/usr/bin/"})
      if (std::string path = base::find_program(folder + name); !path.empty()) return path;
  }
  std::string path = base::find_program(name);
  if (path.empty())
    base::fail("tests: there is no interpreter {}; install it or name another: tests,python=PATH",
               name);
  return path;
}

class CodeReward final : public RewardSource {
 public:
  explicit CodeReward(const CodeRewardOptions& options)
      : options_(options),
        python_(interpreter(options.python)),
        compiler_(base::find_program("/usr/bin/g++")),
        sandbox_(options.unsandboxed, folders_of(python_)) {}

  std::string name() const override {
    return "tests:" + options_.field + (options_.all_or_nothing ? ",all" : "");
  }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> rewards(answers.size());
    std::atomic<size_t> next = 0;
    std::exception_ptr error;
    std::mutex mutex;
    const auto work = [&] {
      for (size_t i; (i = next++) < answers.size();) {
        try {
          rewards[i] = score_one(answers[i]);
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!error) error = std::current_exception();
          next = answers.size();
        }
      }
    };
    const unsigned cpus = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
    const size_t workers = options_.workers > 0 ? static_cast<size_t>(options_.workers) : cpus;
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min(workers, answers.size()); ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    if (error) std::rethrow_exception(error);
    return rewards;
  }

 private:
  double score_one(const Answer& answer) const {
    const std::string language = language_of(answer);
    const std::vector<Test> tests = read_tests(answer, options_.field);
    const std::string code = extract_code(answer.response, language);
    const auto deadline = Clock::now() + options_.timeout;
    const size_t passed =
        language == "python" ? run_python(code, tests, deadline) : run_cpp(code, tests);
    if (options_.all_or_nothing) return passed == tests.size() ? 1 : 0;
    return static_cast<double>(passed) / static_cast<double>(tests.size());
  }

  SandboxedRun program(std::vector<std::string> argv, Clock::time_point deadline) const {
    SandboxedRun run;
    run.argv = std::move(argv);
    run.memory_bytes = options_.memory_bytes;
    run.timeout = std::max(milliseconds(1),
                           std::chrono::duration_cast<milliseconds>(deadline - Clock::now()));
    return run;
  }

  size_t run_python(const std::string& code, const std::vector<Test>& tests,
                    Clock::time_point deadline) const {
    size_t passed = run_python_code(code, tests, deadline);
    const bool io =
        std::any_of(tests.begin(), tests.end(), [](const Test& t) { return !t.is_code; });
    if (!io) return passed;
    const TemporaryFolder folder;
    base::write_file(folder.path() / "answer.py", code);
    for (const Test& test : tests) {
      if (test.is_code || Clock::now() >= deadline) continue;
      SandboxedRun run = program({python_, "-I", "{box}/answer.py"}, deadline);
      run.folder = folder.path();
      passed += gives(run, test);
    }
    return passed;
  }

  // Those of the tests that are code, in one process.
  size_t run_python_code(const std::string& code, const std::vector<Test>& tests,
                         Clock::time_point deadline) const {
    nlohmann::json list = nlohmann::json::array();
    for (const Test& test : tests)
      if (test.is_code) list.push_back(test.code);
    if (list.empty()) return 0;
    const std::string key = secret();
    const double seconds = std::chrono::duration<double>(options_.timeout).count();
    const nlohmann::json job = {{"code", code},
                                {"tests", list},
                                {"secret", key},
                                // One endless test must not cost the others their turn.
                                {"seconds", seconds / (1.0 + static_cast<double>(list.size()))}};
    const std::string input = job.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    SandboxedRun run = program({python_, "-I", "-c", std::string(kPythonHarness)}, deadline);
    run.input = input;
    const base::ProcessResult result = sandbox_.run(run);
    size_t passed = 0;
    for (size_t i = 0; i < list.size(); ++i)
      passed += result.output.find(fmt::format("{} {}\n", key, i)) != std::string::npos;
    return passed;
  }

  // Whether a program writes what the test wants and ends well.
  bool gives(SandboxedRun& run, const Test& test) const {
    run.input = test.input;
    const base::ProcessResult result = sandbox_.run(run);
    return result.ok() && comparable(result.output) == comparable(test.output);
  }

  size_t run_cpp(const std::string& code, const std::vector<Test>& tests) const {
    if (compiler_.empty()) base::fail("tests: a prompt wants C++, and there is no /usr/bin/g++");
    const std::string key = secret();
    const TemporaryFolder folder;
    // Tests of input and output run the answer's own main(), tests of code one of ours.
    std::string own,
        wrapped = code + "\n#include <cassert>\n#include <cstdio>\n#include <cstdlib>\n";
    std::string cases;
    std::vector<bool> whole(tests.size());
    bool any_wrapped = false;
    for (size_t i = 0; i < tests.size(); ++i) {
      whole[i] = tests[i].is_code && tests[i].code.find(" main(") != std::string::npos;
      if (!tests[i].is_code || whole[i]) continue;
      wrapped += fmt::format("static void parley_test_{}() {{\n{}\n}}\n", i, tests[i].code);
      cases += fmt::format("    case {0}: parley_test_{0}(); break;\n", i);
      any_wrapped = true;
    }
    wrapped += fmt::format(
        "int main(int, char** words) {{\n  switch (std::atoi(words[1])) {{\n{}    default: return "
        "1;\n"
        "  }}\n  std::puts(\"{}\");\n}}\n",
        cases, key);
    const bool has_wrapped = any_wrapped && compile(folder.path(), "wrapped", wrapped);
    const bool any_io =
        std::any_of(tests.begin(), tests.end(), [](const Test& t) { return !t.is_code; });
    const bool has_program = any_io && compile(folder.path(), "program", code);
    const auto deadline = Clock::now() + options_.timeout;  // compiling has its own
    size_t passed = 0;
    for (size_t i = 0; i < tests.size() && Clock::now() < deadline; ++i) {
      const std::string file = !tests[i].is_code ? "program" : whole[i] ? "whole" : "wrapped";
      SandboxedRun run = program({"{box}/" + file, std::to_string(i)}, deadline);
      run.folder = folder.path();
      if (!tests[i].is_code) {
        passed += has_program && gives(run, tests[i]);
      } else if (whole[i]) {
        if (!compile(folder.path(), "whole", code + "\n" + tests[i].code)) continue;
        passed += sandbox_.run(run).ok();
      } else if (has_wrapped) {
        const base::ProcessResult result = sandbox_.run(run);
        passed += result.ok() && result.output.ends_with(key + "\n");
      }
    }
    return passed;
  }

  bool compile(const fs::path& folder, const std::string& name, const std::string& source) const {
    base::write_file(folder / (name + ".cc"), source);
    SandboxedRun run = program({compiler_, "-std=c++20", "-O1", "-w", "-fmax-errors=1", "-o",
                                "{box}/" + name, "{box}/" + name + ".cc"},
                               Clock::now() + kCompileTimeout);
    run.folder = folder;
    run.writable_folder = true;
    run.memory_bytes = std::max(run.memory_bytes, uint64_t{2} << 30);
    const bool compiled = sandbox_.run(run).ok();
    std::error_code ignored;
    fs::remove(folder / (name + ".cc"), ignored);  // it holds the tests and the secret
    return compiled;
  }

  CodeRewardOptions options_;
  std::string python_, compiler_;
  Sandbox sandbox_;
};

double number_of(const std::string& option, std::string_view text, double least, double most) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() ||
      !(value >= least && value <= most))
    throw base::UsageError(fmt::format("tests: {} takes a number from {} to {}, not \"{}\"", option,
                                       least, most, text));
  return value;
}

// Whether the word after a fence names the language.
bool names_language(std::string_view word, std::string_view language) {
  if (language == "python") return word == "python" || word == "py" || word == "python3";
  return word == "cpp" || word == "c++" || word == "cc" || word == "cxx";
}

}  // namespace

CodeRewardOptions parse_code_reward_options(std::string_view argument) {
  CodeRewardOptions options;
  bool first = true;
  for (size_t begin = 0; begin <= argument.size(); first = false) {
    const size_t end = std::min(argument.find(',', begin), argument.size());
    const std::string_view word = argument.substr(begin, end - begin);
    begin = end + 1;
    const size_t equals = word.find('=');
    const std::string key(word.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    if (first) {
      if (!word.empty()) options.field = word;
    } else if (word == "all") {
      options.all_or_nothing = true;
    } else if (word == "unsandboxed") {
      options.unsandboxed = true;
    } else if (key == "timeout") {
      options.timeout = milliseconds(static_cast<int64_t>(1000 * number_of(key, value, 0.1, 3600)));
    } else if (key == "memory") {
      options.memory_bytes = static_cast<uint64_t>(number_of(key, value, 32, 1 << 20)) << 20;
    } else if (key == "workers") {
      options.workers = static_cast<int>(number_of(key, value, 1, 1024));
    } else if (key == "python" && !value.empty()) {
      options.python = value;
    } else {
      throw base::UsageError(fmt::format(
          "tests: no option \"{}\"; write tests[:FIELD][,all][,timeout=SECONDS][,memory=MB]"
          "[,workers=N][,python=PATH][,unsandboxed]",
          word));
    }
  }
  return options;
}

std::string extract_code(std::string_view response, std::string_view language) {
  std::string_view last, last_named;
  bool any = false, any_named = false;
  size_t block = std::string_view::npos;  // where the open block begins
  bool named = false;
  const auto close = [&](size_t end) {
    last = response.substr(block, end - block);
    any = true;
    if (named) last_named = last;
    any_named |= named;
    block = std::string_view::npos;
  };
  for (size_t begin = 0; begin < response.size();) {
    const size_t end = std::min(response.find('\n', begin), response.size());
    std::string_view line = response.substr(begin, end - begin);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with("```")) {
      std::string_view word = line.substr(line.find_first_not_of('`') == std::string_view::npos
                                              ? line.size()
                                              : line.find_first_not_of('`'));
      if (block != std::string_view::npos) {
        if (word.empty()) close(begin);
      } else {
        std::string lower(word.substr(0, word.find_first_of(" {")));
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        named = names_language(lower, language);
        block = std::min(end + 1, response.size());
      }
    }
    begin = end + 1;
  }
  if (block != std::string_view::npos) close(response.size());
  return std::string(any_named ? last_named : any ? last : response);
}

std::unique_ptr<RewardSource> make_code_reward(const CodeRewardOptions& options) {
  return std::make_unique<CodeReward>(options);
}

}  // namespace parley::train

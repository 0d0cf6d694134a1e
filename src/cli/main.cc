// parley: the command line. Each subcommand lives in its own file.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "kernels/isa.h"

namespace {

// OpenMP's threads spin for milliseconds before they sleep, which on a busy machine takes the core
// from the thread they wait for: one other busy process then makes a small model fifteen times
// slower. A short spin makes it three times slower, and costs nothing on an idle machine. libgomp
// reads its settings before main(), so set this one and start again.
void spin_briefly(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  const int64_t turns = parley::base::spin_turns(std::chrono::microseconds(60));
  setenv("GOMP_SPINCOUNT", std::to_string(turns).c_str(), 0);
  execv("/proc/self/exe", argv);  // returns only when it failed: then go on as we are
}

}  // namespace

int main(int argc, char** argv) {
  using namespace parley;
  spin_briefly(argv);
  // A closed pipe (`parley generate | head`) or a file at its size limit is an error of
  // a write, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);

  CLI::App app("parley: train, align, measure and talk to a GPT on a CPU.", "parley");
  app.set_version_flag("--version", PARLEY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  cli::Common common;
  app.add_option("--threads", common.threads, "threads to use (default: one a core)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--isa", common.isa, "force an instruction set: scalar, avx2, avx512, avx512vnni");
  app.add_flag("--json", common.json, "results as JSON on stdout");
  app.add_flag("-v,--verbose", common.verbose, "more messages on stderr");
  app.parse_complete_callback([&common] {
    base::init_log(common.verbose);
    base::set_num_threads(common.threads);
    if (!common.isa.empty()) kernels::force_isa(common.isa);
  });

  // COMMANDS: one line each.
  cli::add_bench(app, common);
  cli::add_chat(app, common);
  cli::add_export(app, common);
  cli::add_feedback(app, common);
  cli::add_generate(app, common);
  cli::add_import(app, common);
  cli::add_pretrain(app, common);
  cli::add_reward(app, common);
  cli::add_rl(app, common);
  cli::add_plot(app, common);
  cli::add_eval(app, common);
  cli::add_key(app, common);
  cli::add_quantize(app, common);
  cli::add_score(app, common);
  cli::add_serve(app, common);
  cli::add_sft(app, common);
  cli::add_dpo(app, common);
  cli::add_tokenizer(app, common);
  cli::add_user(app, common);

  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const base::UsageError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

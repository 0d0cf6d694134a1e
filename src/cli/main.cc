// parley: the command line. Each subcommand lives in its own file.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "kernels/isa.h"

int main(int argc, char** argv) {
  using namespace parley;
  // A closed pipe (`parley generate | head`) is an error of a write, not a death.
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app("parley: train, align, measure and talk to a GPT on a CPU.", "parley");
  app.set_version_flag("--version", PARLEY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  cli::Common common;
  app.add_option("--threads", common.threads, "threads to use (default: one a core)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--isa", common.isa, "force an instruction set: scalar, avx2, avx512, ...");
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
  cli::add_generate(app, common);
  cli::add_import(app, common);
  cli::add_pretrain(app, common);
  cli::add_plot(app, common);
  cli::add_eval(app, common);
  cli::add_score(app, common);
  cli::add_tokenizer(app, common);

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

// The subcommands: one file each, one function each that declares its flags and
// sets what to run.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace parley::cli {

// Flags every command has.
struct Common {
  int threads = 0;    // 0: one a core
  std::string isa;    // empty: the best this machine has
  bool json = false;  // results for programs on stdout
  bool verbose = false;
};

// Declares the command under `app`; the returned subcommand's callback runs it.
void add_tokenizer(CLI::App& app, Common& common);
void add_pretrain(CLI::App& app, Common& common);
void add_reward(CLI::App& app, Common& common);
void add_rl(CLI::App& app, Common& common);  // ppo and grpo
void add_plot(CLI::App& app, Common& common);
void add_eval(CLI::App& app, Common& common);
void add_generate(CLI::App& app, Common& common);
void add_chat(CLI::App& app, Common& common);
void add_quantize(CLI::App& app, Common& common);
void add_score(CLI::App& app, Common& common);
void add_sft(CLI::App& app, Common& common);
void add_dpo(CLI::App& app, Common& common);
void add_bench(CLI::App& app, Common& common);
void add_bench_infer(CLI::App& bench, Common& common);
void add_bench_serve(CLI::App& bench, Common& common);
void add_bench_tokenizer(CLI::App& bench, Common& common);
void add_feedback(CLI::App& app, Common& common);
void add_serve(CLI::App& app, Common& common);
void add_key(CLI::App& app, Common& common);
void add_user(CLI::App& app, Common& common);
void add_import(CLI::App& app, Common& common);
void add_export(CLI::App& app, Common& common);

}  // namespace parley::cli

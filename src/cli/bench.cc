// parley bench: speed, against the machine's own limit measured in the same run.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "kernels/isa.h"
#include "train/bench.h"

namespace parley::cli {
namespace {

struct TrainFlags {
  std::string preset = "gpt2-124m";
  std::string optimizer = "adamw";
  train::TrainBenchOptions options;
};

void run_train(const TrainFlags& flags, const Common& common) {
  train::TrainBenchOptions options = flags.options;
  options.optimizer.kind = train::parse_optimizer(flags.optimizer);
  const train::TrainBenchResult r = train::bench_train(model::preset(flags.preset), options);
  if (common.json) {
    const nlohmann::ordered_json json = {
        {"preset", flags.preset},
        {"batch", options.batch},
        {"seq", options.seq},
        {"optimizer", flags.optimizer},
        {"recompute", options.recompute},
        {"threads", base::num_threads()},
        {"isa", kernels::current_isa()},
        {"steps", r.steps},
        {"tokens_per_s", r.tokens_per_s},
        {"flops_per_token", r.flops_per_token},
        {"flops_per_s", r.flops_per_s},
        {"peak_flops_per_s", r.peak_flops_per_s},
        {"share", r.share},
        {"forward_backward_s", r.forward_backward_s},
        {"optimizer_s", r.optimizer_s},
        {"peak_rss_bytes", r.peak_rss_bytes},
        {"planned_bytes", r.planned_bytes},
    };
    write_out(json.dump() + "\n");
    return;
  }
  write_out(
      fmt::format("{} (batch {} x {} tokens, {}, {} threads, {})\n"
                  "  {:.0f} tokens/s: forward and backward {:.3f} s, optimiser {:.3f} s a step\n"
                  "  {:.1f} GFLOP/s of the machine's {:.1f} (f32 GEMM): {:.0f} %\n"
                  "  memory {} of {} planned\n",
                  flags.preset, options.batch, options.seq, flags.optimizer, base::num_threads(),
                  kernels::current_isa(), r.tokens_per_s, r.forward_backward_s, r.optimizer_s,
                  r.flops_per_s / 1e9, r.peak_flops_per_s / 1e9, 100 * r.share,
                  base::human_bytes(static_cast<double>(r.peak_rss_bytes)),
                  base::human_bytes(static_cast<double>(r.planned_bytes))));
}

void add_bench_train(CLI::App& bench, Common& common) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* app = bench.add_subcommand("train", "training steps: tokens/s, share of the GEMM peak");
  app->add_option("--preset", flags->preset, "the model's shape")->capture_default_str();
  app->add_option("--batch", flags->options.batch, "sequences a step")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  app->add_option("--seq", flags->options.seq, "tokens a sequence")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--seconds", flags->options.seconds, "how long to measure")
      ->capture_default_str();
  app->add_option("--optimizer", flags->optimizer, "adamw or muon")->capture_default_str();
  app->add_flag("--recompute", flags->options.recompute,
                "keep only the blocks' inputs and compute the rest again");
  app->footer(
      "FLOPs are counted as 6 x the parameters that multiply every token (the output matrix\n"
      "included, embeddings' look-ups not) plus attention's causal half; see docs/design.md.\n\n"
      "Examples:\n"
      "  parley bench train --preset gpt2-124m --batch 4 --seq 256 --json\n"
      "  parley bench train --preset mini --batch 8 --seq 512");
  app->callback([flags, &common] { run_train(*flags, common); });
}

}  // namespace

void add_bench(CLI::App& app, Common& common) {
  CLI::App* bench = app.add_subcommand("bench", "measure speed against the machine's limits");
  bench->require_subcommand(1);
  add_bench_train(*bench, common);
  add_bench_infer(*bench, common);
  add_bench_serve(*bench, common);
  add_bench_tokenizer(*bench, common);
}

}  // namespace parley::cli

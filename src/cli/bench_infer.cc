// parley bench infer: generation's speed, against the machine's limits measured in the same run.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/precision_flags.h"
#include "infer/bench.h"
#include "kernels/isa.h"
#include "model/hf.h"

namespace parley::cli {
namespace {

struct InferFlags {
  std::string preset = "gpt2-124m";
  std::string model;
  text::Storage precision;
  std::vector<int64_t> batch = {1, 4, 16};
  int64_t context = 0;
  int64_t cached = 0, arrival = 0;
  infer::BenchOptions options;
};

nlohmann::ordered_json describe(const InferFlags& flags, model::Precision precision) {
  return {{"model", flags.model.empty() ? flags.preset : flags.model},
          {"precision", model::precision_name(precision)},
          {"kv", kernels::kv_format_name(flags.options.kv_format)},
          {"threads", base::num_threads()},
          {"isa", kernels::current_isa()}};
}

void print_batch(const infer::BenchResult& r, const InferFlags& flags, model::Precision precision,
                 bool json) {
  if (json) {
    nlohmann::ordered_json line = {{"batch", r.batch},
                                   {"prefill_tokens_per_s", r.prefill_tokens_per_s},
                                   {"decode_tokens_per_s", r.decode_tokens_per_s},
                                   {"ttft_ms", r.ttft_ms},
                                   {"prefill_share", r.prefill_share},
                                   {"decode_share", r.decode_share},
                                   {"read_bytes_per_s", r.limits.read_bytes_per_s},
                                   {"peak_ops_per_s", r.limits.peak_ops_per_s},
                                   {"prefill_ops_per_s", r.prefill_ops_per_s},
                                   {"decode_bytes_per_s", r.decode_bytes_per_s},
                                   {"weight_bytes", r.weight_bytes},
                                   {"cache_bytes", r.cache_bytes},
                                   {"step_ms", r.step_ms},
                                   {"bare_step_ms", r.bare_step_ms},
                                   {"prompt", flags.options.prompt},
                                   {"gen", flags.options.gen}};
    line.update(describe(flags, precision));
    write_out(line.dump() + "\n");
    return;
  }
  write_out(fmt::format(
      "batch {:>2}  prefill {:7.1f} tokens/s ({:5.1f} Gop/s, {:2.0f} % of {:.0f}), first token "
      "{:.0f} ms\n"
      "          decode  {:7.1f} tokens/s ({:5.1f} GB/s, {:3.0f} % of {:.1f}), step {:.2f} ms, the "
      "model alone {:.2f} ms\n",
      r.batch, r.prefill_tokens_per_s, r.prefill_ops_per_s / 1e9, 100 * r.prefill_share,
      r.limits.peak_ops_per_s / 1e9, r.ttft_ms, r.decode_tokens_per_s, r.decode_bytes_per_s / 1e9,
      100 * r.decode_share, r.limits.read_bytes_per_s / 1e9, r.step_ms, r.bare_step_ms));
}

void print_prefix(const infer::PrefixResult& r, const InferFlags& flags, model::Precision precision,
                  bool json) {
  if (json) {
    nlohmann::ordered_json line = {{"prompt", r.prompt},
                                   {"cached", r.cached},
                                   {"uncached_ttft_ms", r.uncached_ttft_ms},
                                   {"cached_ttft_ms", r.cached_ttft_ms},
                                   {"ratio", r.cached_ttft_ms / r.uncached_ttft_ms}};
    line.update(describe(flags, precision));
    write_out(line.dump() + "\n");
    return;
  }
  write_out(
      fmt::format("prompt of {} tokens: first token after {:.1f} ms; with {} of them cached after "
                  "{:.1f} ms ({:.3f})\n",
                  r.prompt, r.uncached_ttft_ms, r.cached, r.cached_ttft_ms,
                  r.cached_ttft_ms / r.uncached_ttft_ms));
}

void print_arrival(const infer::ArrivalResult& r, const InferFlags& flags,
                   model::Precision precision, bool json) {
  if (json) {
    nlohmann::ordered_json line = {{"streams", r.streams},
                                   {"arriving_prompt", r.prompt},
                                   {"median_ms", r.median_ms},
                                   {"during_median_ms", r.during_median_ms},
                                   {"during_p99_ms", r.during_p99_ms},
                                   {"during_max_ms", r.during_max_ms},
                                   {"ratio", r.during_median_ms / r.median_ms},
                                   {"ratio_p99", r.during_p99_ms / r.median_ms},
                                   {"ttft_ms", r.ttft_ms}};
    line.update(describe(flags, precision));
    write_out(line.dump() + "\n");
    return;
  }
  write_out(fmt::format(
      "{} streams, {:.1f} ms between tokens; while a prompt of {} tokens is read, median {:.1f} ms "
      "({:.2f} x), p99 {:.1f} ms ({:.2f} x), longest {:.1f} ms; its first token after {:.0f} ms\n",
      r.streams, r.median_ms, r.prompt, r.during_median_ms, r.during_median_ms / r.median_ms,
      r.during_p99_ms, r.during_p99_ms / r.median_ms, r.during_max_ms, r.ttft_ms));
}

void run_infer(InferFlags& flags, const Common& common) {
  // 1. The model: random weights of a preset's shape, or a directory's.
  model::ModelConfig config;
  model::InferWeights weights;
  model::Weights full;  // f32 refers to it
  const model::Precision precision = flags.precision.precision(model::Precision::kInt8);
  if (flags.model.empty()) {
    config = model::preset(flags.preset);
    if (flags.context > 0) config.T = flags.context;
    model::validate(config, flags.preset);
    full = model::Weights(config);
    model::init_weights(full, config, 1);
  } else {
    model::Model loaded = model::load_model(flags.model);
    config = loaded.config;
    full = std::move(loaded.weights);
  }
  weights = model::InferWeights(config, full, precision, flags.precision.group);
  if (precision != model::Precision::kF32) full = {};
  flags.options.kv_format = flags.precision.kv_format(precision);

  // 2. What is asked for.
  if (flags.cached > 0)
    return print_prefix(infer::bench_prefix(config, weights, flags.cached, flags.options), flags,
                        precision, common.json);
  if (!common.json)
    write_out(fmt::format("{} {}, cache {}, prompts of {} tokens, {} more, {} threads, {}\n",
                          flags.model.empty() ? flags.preset : flags.model,
                          model::precision_name(precision),
                          kernels::kv_format_name(flags.options.kv_format), flags.options.prompt,
                          flags.options.gen, base::num_threads(), kernels::current_isa()));
  for (const int64_t batch : flags.batch) {
    if (flags.arrival > 0)
      print_arrival(infer::bench_arrival(config, weights, batch, flags.arrival, flags.options),
                    flags, precision, common.json);
    else
      print_batch(infer::bench_batch(config, weights, batch, flags.options), flags, precision,
                  common.json);
  }
}

}  // namespace

void add_bench_infer(CLI::App& bench, Common& common) {
  auto flags = std::make_shared<InferFlags>();
  CLI::App* app = bench.add_subcommand(
      "infer", "generation: prefill, decoding, first token, shares of the machine's limits");
  app->add_option("--preset", flags->preset, "the model's shape, with random weights")
      ->capture_default_str();
  app->add_option("--model", flags->model, "a model directory instead");
  add_precision_flags(*app, flags->precision);
  app->add_option("--context", flags->context, "the preset's context, if not its own")
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--prompt", flags->options.prompt, "tokens of each prompt")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--gen", flags->options.gen, "tokens of each answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app->add_option("--batch", flags->batch, "sequences together, one or several numbers")
      ->capture_default_str()
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  app->add_option("--rounds", flags->options.rounds, "repetitions, of which the median counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app->add_option("--cached", flags->cached,
                  "instead: first token of a prompt of which so many tokens are cached");
  app->add_option("--arrival", flags->arrival,
                  "instead: what a prompt of so many tokens does to --batch streams");
  app->footer(
      "Prefill is compared with the rate of int8 multiply-adds on registers (int8, int4) or of\n"
      "the f32 GEMM (f32, bf16); decoding with the rate at which all threads read memory: a\n"
      "step reads every weight once and each sequence's keys and values.\n\n"
      "Examples:\n"
      "  parley bench infer --preset gpt2-124m --precision int8 --batch 1,4,16 --json\n"
      "  parley bench infer --preset gpt2-124m --prompt 1000 --cached 900\n"
      "  parley bench infer --preset gpt2-124m --context 8192 --batch 4 --arrival 4000");
  app->callback([flags, &common] { run_infer(*flags, common); });
}

}  // namespace parley::cli

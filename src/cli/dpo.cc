// parley dpo: a model learns from preferences directly.
#include "train/dpo.h"

#include <memory>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/loop_flags.h"
#include "cli/output.h"

namespace parley::cli {
namespace {

constexpr const char* kDpoExamples = R"(Examples:
  parley dpo --model runs/sft/model --data preferences.jsonl --out runs/dpo
      {"messages", "chosen", "rejected"} or {"messages", "answers": [best, ..., worst]} a line; one
      in twenty prompts is held out; then: parley chat --model runs/dpo/model
  parley dpo --model runs/sft/model --data a.jsonl --val-data b.jsonl --beta 0.05 --epochs 2 \
      --out runs/dpo
  parley dpo --model runs/sft/model --data noisy.jsonl --label-smoothing 0.1 --sft-weight 0.2 \
      --out runs/dpo-careful
  parley dpo --resume --out runs/dpo
      goes on where the run stopped (Ctrl-C, a crash, kill -9); the result is the same, bit for bit
  parley plot runs/dpo
The run directory holds config.json, metrics.jsonl, samples.md, reference.json, checkpoints/ and in
the end model/.
)";

nlohmann::ordered_json to_json(const train::ComparisonReport& r) {
  nlohmann::ordered_json json;
  json["pairs"] = r.pairs;
  json["prompts"] = r.prompts;
  json["ties"] = r.ties;
  json["cut"] = r.cut;
  json["dropped"] = r.dropped;
  json["duplicates"] = r.duplicates;
  return json;
}

void run(const CLI::App& command, const train::DpoOptions& options, const Common& common) {
  const train::DpoResult result = train::dpo(options);
  if (common.json) {
    nlohmann::ordered_json json = loop_json(result.loop);
    json["train"] = to_json(result.train);
    json["val"] = to_json(result.val);
    write_out(json.dump() + "\n");
  }
  if (result.loop.finished && result.loop.last.contains("val_accuracy"))
    spdlog::info("held-out pairs at step {}: loss {:.4f}, {:.1f} % right, margin {:.3f}",
                 result.loop.last["model_step"].get<int64_t>(),
                 result.loop.last["val_loss"].get<double>(),
                 100 * result.loop.last["val_accuracy"].get<double>(),
                 result.loop.last["val_margin"].get<double>());
  report_loop(command, result.loop, options.loop);
}

void add_data_flags(CLI::App& c, train::DpoOptions& o) {
  const char* group = "Data and model";
  c.add_option("--model", o.model, "directory of the SFT model to start from: the reference")
      ->group(group);
  c.add_option("--data", o.data, "preferences, JSON Lines (also .gz, .zst)")->group(group);
  c.add_option("--val-data", o.val_data, "held-out preferences (default: a part of --data)")
      ->group(group);
  c.add_option("--val-fraction", o.val_fraction, "share of the prompts that is held out")
      ->capture_default_str()
      ->group(group);
  c.add_option("--context", o.context, "longest prompt and answer, tokens (default: the model's)")
      ->group(group);
  c.add_flag("--skip-bad", o.skip_bad, "pass over broken records, with a count")->group(group);
  c.add_option("--sample-prompts", o.sample_prompts,
               "JSON Lines {messages} or {prompt}: more questions for samples.md")
      ->group(group);
  c.add_option("--sample-tokens", o.sample_tokens, "longest answer there")
      ->capture_default_str()
      ->group(group);
}

void add_loss_flags(CLI::App& c, train::DpoLossOptions& o) {
  const char* group = "Loss";
  c.add_option("--beta", o.beta, "how dear it is to leave the reference")
      ->capture_default_str()
      ->group(group);
  c.add_option("--label-smoothing", o.label_smoothing,
               "share of preferences taken to be the wrong way round (cDPO)")
      ->capture_default_str()
      ->group(group);
  c.add_flag("--length-normalised", o.length_normalised,
             "log-probabilities are means over an answer's tokens, not sums")
      ->group(group);
  c.add_option("--sft-weight", o.sft_weight,
               "of the chosen answers' own loss, which keeps them likely (RPO)")
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_dpo(CLI::App& app, Common& common) {
  auto options = std::make_shared<train::DpoOptions>();
  CLI::App* command =
      app.add_subcommand("dpo", "direct preference optimisation: learn what people prefer");
  command->footer(kDpoExamples);
  add_data_flags(*command, *options);
  add_loss_flags(*command, options->loss);
  add_loop_flags(*command, options->loop);
  command->get_option("--lr")
      ->description("peak learning rate (default: by model size)")
      ->default_str("");
  command->callback([command, options, &common] {
    if (options->loop.resume) check_resume_flags(*command);
    run(*command, *options, common);
  });
}

}  // namespace parley::cli

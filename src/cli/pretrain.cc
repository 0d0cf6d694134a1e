// parley pretrain: a corpus becomes a model.
#include "train/pretrain.h"

#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/loop_flags.h"
#include "cli/output.h"
#include "eval/bpb.h"

namespace parley::cli {
namespace {

constexpr const char* kPretrainExamples = R"(Examples:
  parley pretrain --data texts/ --out runs/first
      trains a tokenizer and the mini model on all .txt, .md and .jsonl files below texts/
      (also .gz and .zst) for 20 minutes; then: parley generate --model runs/first/model
  parley pretrain --data books.jsonl.zst --out runs/long --minutes 120 --optimizer adamw
  parley pretrain --data code/ --out runs/code --fim-rate 0.5 --steps 5000
  parley pretrain --preset gpt2-124m --tokenizer gpt2 --data web.jsonl --out runs/gpt2 \
      --batch 4 --seq 1024 --grad-accum 8 --tokens 100000000
  parley pretrain --model runs/first/model --data chats.jsonl law.jsonl --out runs/second
      goes on from a model with other data: conversations ({"messages": [...]}, in the form of its
      chat template, learned whole) and texts
  parley pretrain --resume --out runs/first
      goes on where the run stopped (Ctrl-C, a crash, kill -9); the result is the same, bit for bit
  parley pretrain --resume --out runs/first --data /elsewhere/texts --tokens 40000000
      the run directory was copied to another machine, where the same data is in another place; and
      the run shall be longer (begin it with --schedule trapezoid, and go on from before the decay)
  parley plot runs/first
The run directory holds config.json, metrics.jsonl, samples.md, held_out.jsonl, tokenizer/,
checkpoints/ and in the end model/.
)";

using Json = nlohmann::ordered_json;

Json to_json(const train::PretrainResult& r,
             const std::vector<std::pair<std::string, double>>& compressors) {
  Json json;
  json["finished"] = r.finished;
  json["model"] = r.model.string();
  json["step"] = r.step;
  json["steps"] = r.steps;
  json["tokens"] = r.tokens;
  json["train_loss"] = r.train_loss;
  if (r.held_out.targets > 0) {
    json["val_loss"] = r.held_out.loss();
    json["val_bpb"] = r.held_out.bits_per_byte();
    json["val_tokens"] = r.held_out.targets;
    json["val_bytes"] = r.held_out.bytes;
    for (const auto& [name, bpb] : compressors) json["compressors"][name] = bpb;
  }
  json["tokens_per_s"] = r.tokens_per_second;
  json["flops_per_s"] = r.flops_per_second;
  json["peak_flops_per_s"] = r.peak_flops_per_second;
  json["share"] = r.flops_per_second / r.peak_flops_per_second;
  json["seconds"] = r.seconds;
  return json;
}

void run(const train::PretrainOptions& options, const Common& common) {
  const train::PretrainResult result = train::pretrain(options);
  std::vector<std::pair<std::string, double>> compressors;
  if (result.held_out.targets > 0) {
    eval::BpbOptions bpb;
    bpb.data = result.held_out_text;
    compressors = eval::compressor_bpb(bpb);
  }
  if (common.json) write_out(to_json(result, compressors).dump() + "\n");
  if (!result.finished)
    base::fail(
        "interrupted at step {} of {}; saved in {}. Continue with: parley pretrain --resume "
        "--out {}",
        result.step, result.steps, result.model.string(), options.out.string());
  spdlog::info("{} steps, {} tokens in {}: {:.0f} tokens/s, {:.0f}% of the GEMM peak", result.step,
               result.tokens, base::human_duration(result.seconds), result.tokens_per_second,
               100 * result.flops_per_second / result.peak_flops_per_second);
  if (result.held_out.targets > 0) {
    spdlog::info("held-out text ({} bytes), bits per byte:", result.held_out.bytes);
    spdlog::info("  {:<10} {:.4f}", "the model", result.held_out.bits_per_byte());
    for (const auto& [name, bpb] : compressors) spdlog::info("  {:<10} {:.4f}", name, bpb);
  }
  spdlog::info("model: {}", result.model.string());
}

// Flags of each group, in the order of --help.
void add_data_flags(CLI::App& c, train::PretrainOptions& o) {
  const char* group = "Data";
  c.add_option(
       "--data", o.data,
       "files and folders: text or JSON Lines of text or of conversations, plain, .gz or .zst")
      ->group(group);
  c.add_option("--val-data", o.val_data, "held-out text (default: a part of --data)")->group(group);
  c.add_option("--val-fraction", o.val_fraction, "share of the documents that is held out")
      ->capture_default_str()
      ->group(group);
  c.add_option("--text-field", o.text_field, "the field of a JSON record that holds the text")
      ->capture_default_str()
      ->group(group);
  c.add_flag("--skip-bad", o.skip_bad, "pass over broken records instead of stopping")
      ->group(group);
  c.add_option("--cache", o.cache, "folder for tokenised data (default: ~/.cache/parley)")
      ->group(group);
  c.add_option("--document-mask", o.document_mask, "attention stays inside a document (on or off)")
      ->default_str("on")
      ->group(group);
  c.add_option("--fim-rate", o.fim_rate,
               "share of documents rearranged to learn filling in the middle (0.5 is usual)")
      ->capture_default_str()
      ->group(group);
}

void add_model_flags(CLI::App& c, train::PretrainOptions& o) {
  const char* group = "Model";
  auto* model = c.add_option("--model", o.model,
                             "directory of a model to go on from (default: fresh weights)")
                    ->group(group);
  auto* preset = c.add_option("--preset", o.preset,
                              fmt::format("the model's shape: a config.json, or {}",
                                          fmt::join(model::preset_names(), ", ")))
                     ->capture_default_str()
                     ->group(group);
  auto* tokenizer =
      c.add_option("--tokenizer", o.tokenizer,
                   "a tokenizer's folder, file or name (default: train one on --data)")
          ->group(group);
  auto* vocab_size = c.add_option("--vocab-size", o.vocab_size,
                                  "tokens of the tokenizer to train (default: the preset's)")
                         ->group(group);
  model->excludes(preset)->excludes(tokenizer)->excludes(vocab_size);
}

void add_length_flags(CLI::App& c, train::PretrainOptions& o) {
  const char* group = "Length and batch";
  auto* steps = c.add_option("--steps", o.steps, "updates to make")->group(group);
  auto* tokens = c.add_option("--tokens", o.tokens, "tokens to train on")->group(group);
  auto* minutes = c.add_option("--minutes", o.minutes,
                               "time to train for; fixes the number of steps at the start "
                               "(default: 20)")
                      ->group(group);
  steps->excludes(tokens)->excludes(minutes);
  tokens->excludes(minutes);
  c.add_option("--batch", o.batch, "sequences run together (default: by model size)")->group(group);
  c.add_option("--seq", o.seq, "tokens a sequence, the model's context (default: by model size)")
      ->group(group);
  c.add_option("--grad-accum", o.grad_accum, "batches an update (default: by model size)")
      ->group(group);
  c.add_flag("--recompute", o.recompute, "less memory for a third more time")->group(group);
}

void add_optimizer_flags(CLI::App& c, train::PretrainOptions& o) {
  const char* group = "Optimiser";
  c.add_option("--optimizer", o.optimizer,
               "muon (matrices of linear layers; AdamW for the rest) or adamw")
      ->check(CLI::IsMember({"adamw", "muon"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--lr", o.lr, "AdamW's peak learning rate (default: by model size)")->group(group);
  c.add_option("--muon-lr", o.muon_lr, "Muon's peak learning rate")
      ->capture_default_str()
      ->group(group);
  c.add_option("--weight-decay", o.weight_decay, "of matrices")
      ->capture_default_str()
      ->group(group);
  c.add_option("--clip", o.clip, "longest gradient, as a global norm (0: any)")
      ->capture_default_str()
      ->group(group);
  c.add_option("--schedule", o.schedule, "of the learning rate, after the warm-up")
      ->check(CLI::IsMember({"cosine", "trapezoid"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--warmup", o.warmup, "steps of warm-up (default: a fiftieth of the run)")
      ->group(group);
}

void add_run_flags(CLI::App& c, train::PretrainOptions& o) {
  const char* group = "Run";
  c.add_option("--out", o.out, "the run directory")->required()->group(group);
  c.add_flag("--resume", o.resume,
             "go on with the run in --out, with its own options; --data, --val-data and --cache "
             "then say where its data is now, --steps or --tokens how far to go")
      ->group(group);
  c.add_option("--seed", o.seed, "of weights and order of data")
      ->capture_default_str()
      ->group(group);
  c.add_option("--val-every", o.val_every,
               "steps between validations (default: a tenth of the run)")
      ->group(group);
  c.add_option("--val-tokens", o.val_tokens, "held-out tokens read each time")
      ->capture_default_str()
      ->group(group);
  c.add_option("--sample-every", o.sample_every, "steps between samples")->group(group);
  c.add_option("--checkpoint-every", o.checkpoint_every, "steps between checkpoints")->group(group);
  c.add_option("--keep", o.keep, "checkpoints to keep, besides the best")
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_pretrain(CLI::App& app, Common& common) {
  auto options = std::make_shared<train::PretrainOptions>();
  CLI::App* command =
      app.add_subcommand("pretrain", "train a model on text, from nothing to a model directory");
  command->footer(kPretrainExamples);
  add_data_flags(*command, *options);
  add_model_flags(*command, *options);
  add_length_flags(*command, *options);
  add_optimizer_flags(*command, *options);
  add_run_flags(*command, *options);
  command->callback([command, options, &common] {
    if (options->resume)
      check_resume_flags(*command, {"--data", "--val-data", "--cache", "--steps", "--tokens"});
    run(*options, common);
  });
}

}  // namespace parley::cli

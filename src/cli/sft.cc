// parley sft: a base model learns to answer.
#include "train/sft.h"

#include <unistd.h>

#include <memory>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/loop_flags.h"
#include "cli/output.h"

namespace parley::cli {
namespace {

constexpr const char* kSftExamples = R"(Examples:
  parley sft --model runs/base/model --data chats.jsonl --out runs/sft
      {"messages": [{"role", "content"}, ...]} a line (also ShareGPT's and Alpaca's forms); two in
      a hundred questions are held out; then: parley chat --model runs/sft/model
  parley sft --model runs/base/model --data en.jsonl zh.jsonl --val-data dev.jsonl --epochs 3 \
      --context 512 --out runs/sft
  parley sft --model runs/base/model --data chats.jsonl --show-batch
      shows what is learned, before anything is
  parley sft --model runs/base/model --data chats.jsonl --pretrain-data books.jsonl \
      --pretrain-share 0.1 --out runs/sft-mix
  parley sft --model qwen3-0.6b --data chats.jsonl --lora-rank 16 --out runs/lora
      trains low-rank adapters, with a fraction of the memory: runs/lora/model is the merged model,
      runs/lora/adapter the adapter as the Python package peft reads it
  parley sft --resume --out runs/sft
      goes on where the run stopped (Ctrl-C, a crash, kill -9); the result is the same, bit for bit
  parley plot runs/sft
The run directory holds config.json, metrics.jsonl, samples.md, checkpoints/ and in the end model/.
)";

nlohmann::ordered_json to_json(const train::SftDataReport& r) {
  nlohmann::ordered_json json;
  json["conversations"] = r.conversations;
  json["cut"] = r.cut;
  json["dropped"] = r.dropped;
  json["tokens"] = r.tokens;
  json["trained_tokens"] = r.trained_tokens;
  return json;
}

void run(const CLI::App& command, const train::SftOptions& options, const Common& common) {
  const train::SftResult result = train::sft(options);
  if (common.json) {
    nlohmann::ordered_json json = loop_json(result.loop);
    json["train"] = to_json(result.train);
    json["val"] = to_json(result.val);
    write_out(json.dump() + "\n");
  }
  if (result.loop.finished && result.loop.last.contains("val_loss"))
    spdlog::info("held-out answers: loss {:.4f} at step {}",
                 result.loop.last["val_loss"].get<double>(),
                 result.loop.last["model_step"].get<int64_t>());
  report_loop(command, result.loop, options.loop);
}

void add_data_flags(CLI::App& c, train::SftOptions& o) {
  const char* group = "Data and model";
  c.add_option("--model", o.model, "directory of the model to start from")->group(group);
  c.add_option("--data", o.data, "conversations, JSON Lines (also .gz, .zst)")->group(group);
  c.add_option("--val-data", o.val_data, "held-out conversations (default: a part of --data)")
      ->group(group);
  c.add_option("--val-fraction", o.val_fraction, "share of the questions that is held out")
      ->capture_default_str()
      ->group(group);
  c.add_option("--context", o.context,
               "longest conversation, tokens; longer ones end with the last answer that fits "
               "(default: the model's)")
      ->group(group);
  c.add_option("--pretrain-data", o.pretrain_data,
               "text of pre-training, learned beside so that less is forgotten")
      ->group(group);
  c.add_option("--pretrain-share", o.pretrain_share, "its share of the loss (0.1 is usual)")
      ->group(group);
  c.add_option("--cache", o.cache, "folder for that text's tokens (default: in the run)")
      ->group(group);
  c.add_flag("--skip-bad", o.skip_bad, "pass over broken records, with a count")->group(group);
  c.add_option("--sample-prompts", o.sample_prompts,
               "JSON Lines {messages} or {prompt}: more questions for samples.md")
      ->group(group);
  c.add_option("--sample-tokens", o.sample_tokens, "longest answer there")
      ->capture_default_str()
      ->group(group);
}

void add_lora_flags(CLI::App& c, train::SftOptions& o) {
  const char* group = "Low-rank adapters (LoRA)";
  c.add_option("--lora-rank", o.lora_rank,
               "train adapters of this rank, 8 to 64, instead of the weights")
      ->check(CLI::PositiveNumber)
      ->group(group);
  c.add_option("--lora-alpha", o.lora_alpha,
               "their scale is alpha / rank (default: twice the rank)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  c.add_option("--lora-targets", o.lora_targets,
               "layers to adapt, e.g. q_proj,v_proj (default: all linear layers)")
      ->delimiter(',')
      ->group(group);
}

}  // namespace

void add_sft(CLI::App& app, Common& common) {
  auto options = std::make_shared<train::SftOptions>();
  auto show = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("sft", "supervised fine-tuning: teach a model to answer");
  command->footer(kSftExamples);
  add_data_flags(*command, *options);
  add_lora_flags(*command, *options);
  command->add_flag("--show-batch", *show, "print the first update, its learned tokens marked")
      ->group("Data and model");
  add_loop_flags(*command, options->loop);
  command->get_option("--out")->required(false);  // --show-batch writes nothing
  command->get_option("--lr")
      ->description("peak learning rate (default: by model size)")
      ->default_str("");
  command->callback([command, options, show, &common] {
    if (options->loop.resume) check_resume_flags(*command);
    if (*show) {
      write_out(train::show_batch(*options, ::isatty(STDOUT_FILENO) == 1));
      return;
    }
    run(*command, *options, common);
  });
}

}  // namespace parley::cli

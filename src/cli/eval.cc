// parley eval: measures of a model.
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/eval_chat.h"
#include "cli/eval_winrate.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/precision_flags.h"
#include "eval/bpb.h"
#include "text/loaded_model.h"

namespace parley::cli {
namespace {

constexpr const char* kBpbExamples = R"(Examples:
  parley eval bpb --model runs/first/model --data runs/first/held_out.jsonl
  parley eval bpb --model DIR --data book.txt --json
  parley eval bpb --model DIR --data book.txt --precision int8 --kv int8
The model's bits per byte count every token and the end of every document; a compressor's
count its whole output. Fewer is better. f32 without --kv is computed as training does;
other precisions, or --kv, as generation does.
)";

struct BpbFlags {
  base::fs::path model;
  text::Storage precision;
  eval::BpbOptions options;
};

void run_bpb(const BpbFlags& flags, const Common& common) {
  const text::LoadedModel model = text::load(flags.model, flags.precision);
  const data::TextLoss loss = measure_bpb(model, flags.precision, flags.options);
  const auto compressors = eval::compressor_bpb(flags.options);
  if (common.json) {
    nlohmann::ordered_json json;
    json["bpb"] = loss.bits_per_byte();
    json["loss"] = loss.loss();
    json["perplexity"] = std::exp(loss.loss());
    json["tokens"] = loss.targets;
    json["bytes"] = loss.bytes;
    for (const auto& [name, bpb] : compressors) json["compressors"][name] = bpb;
    write_out(json.dump() + "\n");
    return;
  }
  std::string table = fmt::format(
      "{} bytes, {} tokens, {:.4f} nats per token (perplexity {:.4f})\nbits per byte:\n",
      loss.bytes, loss.targets, loss.loss(), std::exp(loss.loss()));
  table += fmt::format("  {:<10} {:.4f}\n", "the model", loss.bits_per_byte());
  for (const auto& [name, bpb] : compressors) table += fmt::format("  {:<10} {:.4f}\n", name, bpb);
  write_out(table);
}

}  // namespace

void add_eval(CLI::App& app, Common& common) {
  CLI::App* command = app.add_subcommand("eval", "measure a model");
  command->require_subcommand(1);
  command->fallthrough();

  auto flags = std::make_shared<BpbFlags>();
  CLI::App* bpb = command->add_subcommand(
      "bpb", "bits per byte of a text: the model's beside gzip's, zstd's and xz's");
  bpb->footer(kBpbExamples);
  bpb->add_option("--model", flags->model, "model directory")->required();
  bpb->add_option("--data", flags->options.data, "text, JSON Lines, folders")->required();
  bpb->add_option("--text-field", flags->options.text_field, "the JSON field that holds the text")
      ->capture_default_str();
  bpb->add_flag("--skip-bad", flags->options.skip_bad, "pass over broken records");
  bpb->add_option("--seq", flags->options.seq,
                  "tokens a row (default: the model's context, at most 1024)")
      ->check(CLI::Range(1, 1 << 20));
  bpb->add_option("--batch", flags->options.batch, "rows at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add_precision_flags(*bpb, flags->precision);
  bpb->callback([flags, &common] { run_bpb(*flags, common); });
  add_eval_chat(*command, common);
  add_eval_winrate(*command, common);
  add_eval_bestofn(*command);
}

}  // namespace parley::cli

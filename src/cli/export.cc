// parley export: models for other programs.
#include "cli/commands.h"
#include "cli/convert.h"

namespace parley::cli {
namespace {

constexpr const char* kExportExamples = R"(Examples:
  parley export hf --model models/mini --out mini-bf16 --dtype bf16
  parley export hf --model models/large --out large-hf --max-shard-bytes 2GB
  parley export hf --model qwen3-0.6b --adapter runs/lora/adapter --out merged
      a LoRA adapter, parley's or peft's, merged into its base model
A parley model already is a Hugging Face directory; export rewrites it in another dtype
or in several files. transformers, vLLM and llama.cpp's converter read it.
)";

struct ExportOptions {
  base::fs::path model, adapter;
  ConvertFlags convert;
};

}  // namespace

void add_export(CLI::App& app, Common& common) {
  CLI::App* export_command = app.add_subcommand("export", "write a model for other programs");
  export_command->require_subcommand(1);
  export_command->footer(kExportExamples);
  auto options = std::make_shared<ExportOptions>();
  CLI::App* hf = export_command->add_subcommand("hf", "a Hugging Face directory");
  hf->add_option("--model", options->model, "the model's directory")->required();
  hf->add_option("--adapter", options->adapter, "a LoRA adapter's directory, to merge into it");
  add_convert_flags(*hf, options->convert);
  hf->callback([options, &common] {
    convert_hf(options->model, options->convert, common, options->adapter);
  });
}

}  // namespace parley::cli

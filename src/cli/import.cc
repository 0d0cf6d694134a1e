// parley import: models of other programs become parley's directories.
#include "base/error.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/convert.h"
#include "model/llama2c.h"
#include "tokenizer/tokenizer.h"

namespace parley::cli {
namespace {

constexpr const char* kImportExamples = R"(Examples:
  parley import llama2c stories260K/model.bin --tokenizer stories260K/tok512.bin --out models/stories
  parley import hf ~/Downloads/gpt2 --out models/gpt2
  parley generate --model models/stories --prompt "" --temperature 0
)";

struct ImportOptions {
  base::fs::path from, tokenizer;
  ConvertFlags convert;
};

void import_llama2c(const ImportOptions& options, const Common& common) {
  const auto tokenizer = tokenizer::Tokenizer::load(options.tokenizer);
  const model::Model model = model::load_llama2c(options.from);
  if (tokenizer.vocab_size() != model.config.V)
    base::fail("{} has {} tokens, but {} has {}; they do not belong together",
               options.tokenizer.string(), tokenizer.vocab_size(), options.from.string(),
               model.config.V);
  save_converted(model, options.convert, common);
  tokenizer.save(options.convert.out);
}

}  // namespace

void add_import(CLI::App& app, Common& common) {
  CLI::App* import = app.add_subcommand("import", "turn another program's model into a directory");
  import->require_subcommand(1);
  import->footer(kImportExamples);
  auto options = std::make_shared<ImportOptions>();

  CLI::App* hf = import->add_subcommand(
      "hf", "a Hugging Face directory: gpt2, openai-gpt, llama, qwen2 or qwen3");
  hf->add_option("DIR", options->from, "with config.json and model.safetensors")->required();
  add_convert_flags(*hf, options->convert);
  hf->callback([options, &common] { convert_hf(options->from, options->convert, common); });

  CLI::App* llama2c = import->add_subcommand("llama2c", "a checkpoint of karpathy/llama2.c");
  llama2c->add_option("MODEL", options->from, "model.bin (version 0)")->required();
  llama2c
      ->add_option("--tokenizer", options->tokenizer,
                   "its tokenizer: tok512.bin, or SentencePiece's text form (.vocab)")
      ->required();
  add_convert_flags(*llama2c, options->convert);
  llama2c->callback([options, &common] { import_llama2c(*options, common); });
}

}  // namespace parley::cli

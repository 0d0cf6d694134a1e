#include "cli/convert.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cli/output.h"
#include "model/lora.h"
#include "tokenizer/tokenizer.h"

namespace parley::cli {
namespace {

// What belongs to a model beside its weights and configuration; copied as it is.
constexpr const char* kCompanions[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "tokenizer.model",
    "generation_config.json",
};

tensor::DType parse_dtype(const std::string& name) {
  if (name == "f16") return tensor::DType::kF16;
  if (name == "bf16") return tensor::DType::kBF16;
  return tensor::DType::kF32;  // the flag admits no other
}

}  // namespace

void copy_companions(const base::fs::path& from, const base::fs::path& to) {
  for (const char* name : kCompanions)
    if (base::fs::exists(from / name)) base::write_file(to / name, base::read_file(from / name));
  if (base::fs::exists(to / "tokenizer.json")) return;
  if (base::fs::exists(to / "vocab.json"))
    tokenizer::Tokenizer::load(from).save(to);
  else
    spdlog::warn("{}: no tokenizer there; the model in {} has none", from.string(), to.string());
}

void add_convert_flags(CLI::App& command, ConvertFlags& flags) {
  command.add_option("--out", flags.out, "the directory to write")->required();
  command
      .add_option("--dtype", flags.dtype,
                  "of the weights: f32 (exact), bf16 or f16 (half the size, rounded)")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str();
  command
      .add_option("--max-shard-bytes", flags.max_shard_bytes,
                  "split the weights into files of at most this size, e.g. 2GB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->capture_default_str();
}

void save_converted(const model::Model& model, const ConvertFlags& flags, const Common& common) {
  model::save_model(flags.out, model.config, model.weights,
                    {.dtype = parse_dtype(flags.dtype), .max_shard_bytes = flags.max_shard_bytes});
  const int64_t parameters = model::count_parameters(model.config);
  spdlog::info("{}: {:.2f} million parameters as {}", flags.out.string(),
               static_cast<double>(parameters) * 1e-6, flags.dtype);
  if (!common.json) return;
  const nlohmann::ordered_json json = {
      {"out", flags.out.string()}, {"parameters", parameters}, {"dtype", flags.dtype}};
  write_out(json.dump() + "\n");
}

void convert_hf(const base::fs::path& from, const ConvertFlags& flags, const Common& common,
                const base::fs::path& adapter) {
  model::Model model = model::load_model(from);
  if (!adapter.empty()) model::merge_lora(model.weights, model::load_lora(adapter, model.config));
  save_converted(model, flags, common);
  std::error_code ignored;
  if (!base::fs::equivalent(from, flags.out, ignored)) copy_companions(from, flags.out);
}

}  // namespace parley::cli

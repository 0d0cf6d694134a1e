// Adapter directories as peft writes and reads them.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "model/hf.h"
#include "model/lora.h"

namespace parley::model {
namespace {

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.", kA = ".lora_A.weight",
                           kB = ".lora_B.weight";

std::string tensor_name(const LoraTarget& target, std::string_view end) {
  return fmt::format("{}{}{}", kPrefix, target.module, end);
}

bool is_gpt(const ModelConfig& c) { return c.family == Family::kGpt1 || c.family == Family::kGpt2; }

std::vector<int64_t> dims(F32 view) { return {view.dim(0), view.dim(1)}; }

// Error on what would make the adapter something else than W + s·B·A.
void check_plain_lora(const formats::JsonFields& fields) {
  const auto refuse = [&](std::string_view key, std::string_view what) {
    base::fail("{}: {}: {} is not supported; train the adapter without it", fields.where(), key,
               what);
  };
  if (const std::string type = fields.string_or("peft_type", "LORA"); type != "LORA")
    base::fail("{}: peft_type is \"{}\"; only LORA is read", fields.where(), type);
  if (fields.boolean_or("use_dora", false)) refuse("use_dora", "DoRA");
  if (fields.string_or("bias", "none") != "none" || fields.boolean_or("lora_bias", false))
    refuse("bias", "training biases");
  for (const char* key : {"rank_pattern", "alpha_pattern", "modules_to_save", "target_parameters",
                          "layer_replication", "trainable_token_indices"})
    if (const formats::Json* value = fields.find(key); value && !value->empty())
      refuse(key, "this setting");
}

LoraOptions read_config(const fs::path& path) {
  const formats::Json json =
      formats::parse_json(base::read_file(path, uint64_t{1} << 20), path.string());
  const formats::JsonFields fields(json, path.string());
  check_plain_lora(fields);
  LoraOptions options;
  options.rank = fields.integer("r", 1, 4096);
  options.alpha = fields.number_or("lora_alpha", 8);
  // s = alpha / sqrt(r) there.
  if (fields.boolean_or("use_rslora", false))
    options.alpha *= std::sqrt(static_cast<double>(options.rank));
  return options;
}

}  // namespace

void save_lora(const fs::path& directory, const ModelConfig& config, const LoraWeights& lora,
               const std::string& base_model) {
  nlohmann::ordered_json json;
  json["peft_type"] = "LORA";
  json["task_type"] = config.score_head ? "SEQ_CLS" : "CAUSAL_LM";
  json["base_model_name_or_path"] = base_model;
  json["r"] = lora.options().rank;
  json["lora_alpha"] = lora.options().alpha;
  json["lora_dropout"] = 0.0;
  json["target_modules"] =
      lora.options().targets.empty() ? lora.target_names() : lora.options().targets;
  json["bias"] = "none";
  json["fan_in_fan_out"] = is_gpt(config);  // of the base model's Conv1D
  json["use_rslora"] = false;
  json["use_dora"] = false;
  json["inference_mode"] = true;

  std::vector<formats::TensorToSave> tensors;
  for (const LoraTarget* t : lora.targets()) {
    tensors.push_back({tensor_name(*t, kA), dims(t->a), t->a.data()});
    tensors.push_back({tensor_name(*t, kB), dims(t->b), t->b.data()});
  }
  fs::create_directories(directory);
  formats::save_safetensors(directory / kWeightsFile, tensors, tensor::DType::kF32);
  base::write_file(directory / kConfigFile, json.dump(2) + "\n");
}

LoraWeights load_lora(const fs::path& directory, const ModelConfig& config) {
  if (!fs::exists(directory / kConfigFile))
    base::fail("{}: no {} here: not a LoRA adapter", directory.string(), kConfigFile);
  LoraOptions options = read_config(directory / kConfigFile);
  const fs::path path = directory / kWeightsFile;
  const auto file = formats::SafeTensors::open(path);

  // Which layers are adapted the tensors say; target_modules may be a pattern.
  std::set<std::string> modules;
  for (const auto& [name, tensor] : file.tensors()) {
    const bool is_a = name.ends_with(kA);
    if (!name.starts_with(kPrefix) || !(is_a || name.ends_with(kB)))
      base::fail("{}: {} is no LoRA tensor of a linear layer", path.string(), name);
    modules.insert(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kA.size()));
  }
  if (modules.empty()) base::fail("{}: no tensors", path.string());
  options.targets.assign(modules.begin(), modules.end());

  LoraWeights lora(config, options);
  const auto read = [&](const std::string& name, F32 to) {
    const formats::StoredTensor& tensor = file.at(name);
    if (tensor.shape != dims(to))
      base::fail("{}: {} is {}, expected {}: an adapter of another model", path.string(), name,
                 formats::shape_string(tensor.shape), to.shape().str());
    formats::read_f32(tensor, std::span(to.data(), static_cast<size_t>(to.size())));
  };
  for (const LoraTarget* t : lora.targets()) {
    read(tensor_name(*t, kA), t->a);
    read(tensor_name(*t, kB), t->b);
  }
  return lora;
}

}  // namespace parley::model

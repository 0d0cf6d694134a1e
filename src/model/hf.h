// Hugging Face model directories: config.json and safetensors files, in the layouts of
// transformers' gpt2, openai-gpt, llama, qwen2 and qwen3. docs/model_directory.md describes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "tensor/dtype.h"

namespace parley::model {

namespace fs = std::filesystem;

// Reads config.json and the weights as f32 (from f32, f16 or bf16, or dequantised; one file or
// several). Error naming the file, the tensor and the remedy when something is missing, malformed,
// of another shape, not finite, or of a kind parley does not compute. Memory: the weights, and no
// more of the file than the system's page cache keeps.
Model load_model(const fs::path& directory);

// The configuration alone. `directory` may also be the path of a config.json.
ModelConfig load_config(const fs::path& directory);

struct SaveOptions {
  tensor::DType dtype = tensor::DType::kF32;  // or kF16, kBF16
  uint64_t max_shard_bytes = 5'000'000'000;   // of one safetensors file
};

// Writes config.json, generation_config.json and model.safetensors (or shards and their index);
// each file whole or not at all. The directory is created if need be; tokenizer files in it stay.
// Error if no Hugging Face architecture computes this configuration.
void save_model(const fs::path& directory, const ModelConfig& config, const Weights& weights,
                const SaveOptions& options = {});

// config.json's text to a validated configuration and back; `where` begins error messages.
ModelConfig parse_config(std::string_view text, std::string_view where);
nlohmann::ordered_json config_json(const ModelConfig& config, tensor::DType dtype);

// How one tensor of a Hugging Face file corresponds to a parameter, or to some rows of one:
// q, k and v are rows of qkv_w, gate and up of fc_w.
struct HfTensor {
  std::string name;            // "transformer.h.0.attn.c_attn.weight"
  std::vector<int64_t> shape;  // there
  std::string param;           // ParamInfo::name: "layers.0.qkv_w"
  int64_t first_row = 0;       // of the parameter's first dimension
  bool transposed = false;     // stored as (in, out), as GPT-1 and GPT-2 do
};

// Every tensor of the model under the names transformers gives it.
std::vector<HfTensor> hf_tensors(const ModelConfig& config);

}  // namespace parley::model

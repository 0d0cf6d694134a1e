// Model directories whose matrices are stored in fewer bits. docs/quantisation.md has the
// layout of the tensors.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "formats/json.h"
#include "model/config.h"
#include "model/infer_weights.h"
#include "model/weights.h"

namespace parley::model {

namespace fs = std::filesystem;

// How a directory stores the matrices that multiply activations.
struct Quantization {
  Precision precision = Precision::kF32;
  int64_t group = 0;  // int4: inputs that share a scale, 32 or 64

  bool operator==(const Quantization&) const = default;
};

// The "quantization_config" of a config.json, and back; kF32 where there is none (bf16
// needs none: the tensors say it). Error when it is not one that parley writes.
Quantization parse_quantization(const formats::JsonFields& config);
nlohmann::ordered_json quantization_json(const Quantization& quantization);

struct QuantizeOptions {
  Precision precision = Precision::kInt8;  // not kF32
  int64_t group = 32;                      // of int4
  uint64_t max_shard_bytes = 5'000'000'000;
};

// save_model with the matrices rounded as InferWeights rounds them, so that inference from
// the directory and inference from these weights give the same bits. Norms, biases and
// learned positions stay f32.
void save_quantized(const fs::path& directory, const ModelConfig& config, const Weights& weights,
                    const QuantizeOptions& options);

}  // namespace parley::model

// The files of a model directory: what load_model and load_packed read and what save_model
// and save_quantized write.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "model/hf.h"
#include "model/quantized.h"

namespace parley::model {

// A directory's config.json; `directory` may also be its path. Error when it is missing.
struct ConfigFile {
  std::string path, text;
};
ConfigFile read_config(const fs::path& directory);

// A model directory, open. Every tensor has been found and its dtype and shape compared, so
// a config.json that promises too much has cost nothing.
class ModelFiles {
 public:
  explicit ModelFiles(const fs::path& directory);

  const ModelConfig& config() const { return config_; }
  // How the matrices are stored: int8 and int4 by config.json, bf16 when all of them are,
  // kF32 otherwise.
  const Quantization& quantization() const { return quantization_; }

  // All parameters as f32; what is quantised becomes number times scale.
  Weights read() const;
  // For inference, in a precision other than kF32. What is stored in it is taken as it is;
  // anything else is rounded, in int4 `group` inputs to a scale. Memory: the packed weights
  // and one matrix.
  InferWeights read_packed(Precision precision, int64_t group = 32) const;

 private:
  // A tensor, or the tensors that mean it.
  struct Part {
    HfTensor tensor;
    const formats::StoredTensor* values = nullptr;
    const formats::StoredTensor* scales = nullptr;  // null: not quantised
    int64_t rows() const { return tensor.shape[tensor.transposed ? 1 : 0]; }
  };
  const std::vector<Part>& parts(const ParamInfo& param) const;
  bool is_quantized(const ParamInfo& param) const;
  void read(const ParamInfo& param, F32 out) const;
  // As it stands in the files.
  kernels::QuantizedMatrix read_quantized(const ParamInfo& param) const;
  const formats::StoredTensor* find(const std::string& name) const;
  // Error when it is missing or of another shape.
  const formats::StoredTensor& require(const std::string& name, const std::vector<int64_t>& shape,
                                       std::string_view param) const;
  Part match(HfTensor tensor) const;
  void match_quantized(Part& part) const;
  void check_tied_head() const;
  void warn_of_unused() const;

  std::string directory_;
  ModelConfig config_;
  Quantization quantization_;
  formats::SafeTensors files_;
  std::map<std::string, std::vector<Part>, std::less<>> parts_;  // by parameter, in row order
};

// Whether a tensor is a matrix that multiplies (or is looked up in): what can be packed.
bool is_matrix(const HfTensor& tensor);

// The rows of a parameter that each tensor means, in the order of `tensors`. Checks that
// together they are all parameters, once each.
std::vector<F32> param_rows(const std::vector<HfTensor>& tensors, const Weights& weights);

// Writes the tensors, generation_config.json and, last, config.json: a directory that has
// one is a whole model.
void write_model(const fs::path& directory, const nlohmann::ordered_json& config,
                 std::span<const formats::TensorToSave> tensors, tensor::DType dtype,
                 uint64_t max_shard_bytes);

}  // namespace parley::model

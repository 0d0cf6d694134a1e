#include "model/quantized.h"

#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/threads.h"
#include "model/model_files.h"
#include "tensor/dtype.h"

namespace parley::model {
namespace {

using formats::Json;
using formats::JsonFields;
using kernels::QuantizedMatrix;
using kernels::WeightFormat;
using tensor::DType;
using OrderedJson = nlohmann::ordered_json;

constexpr std::string_view kMethod = "parley";
// compressed-tensors' names of the two layouts.
constexpr std::string_view kInt8Format = "int-quantized", kInt4Format = "pack-quantized";

// Tensors made for a save, and their bytes.
class Tensors {
 public:
  void add_f32(const std::string& name, std::vector<int64_t> shape, const float* data) {
    list.push_back({name, std::move(shape), data, false, DType::kF32});
  }
  template <typename T>
  void add(const std::string& name, std::vector<int64_t> shape, DType dtype,
           const std::vector<T>& values) {
    std::vector<std::byte>& kept = bytes_.emplace_back(values.size() * sizeof(T));
    std::memcpy(kept.data(), values.data(), kept.size());
    list.push_back({name, std::move(shape), nullptr, false, dtype, kept});
  }
  std::vector<formats::TensorToSave> list;

 private:
  std::vector<std::vector<std::byte>> bytes_;
};

// Eight numbers to a word, the first in the lowest bits, each as q + 8; the rest zero.
std::vector<uint32_t> pack_words(const QuantizedMatrix& q) {
  const int64_t words = (q.IC + 7) / 8;
  std::vector<uint32_t> packed(static_cast<size_t>(q.OC * words));
  base::parallel_blocks(q.OC, 16, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o)
      for (int64_t i = 0; i < q.IC; ++i)
        packed[static_cast<size_t>(o * words + i / 8)] |=
            static_cast<uint32_t>(q.values[static_cast<size_t>(o * q.IC + i)] + 8) << (i % 8 * 4);
  });
  return packed;
}

void add_matrix(Tensors& tensors, const std::string& name, const QuantizedMatrix& q) {
  if (q.format == WeightFormat::kInt8) {
    tensors.add(name, {q.OC, q.IC}, DType::kI8, q.values);
    tensors.add(name + "_scale", {q.OC, 1}, DType::kF32, q.scales);
    return;
  }
  std::vector<uint16_t> scales;
  for (const float scale : q.scales) scales.push_back(tensor::f32_to_bf16(scale));
  tensors.add(name + "_packed", {q.OC, (q.IC + 7) / 8}, DType::kI32, pack_words(q));
  tensors.add(name + "_scale", {q.OC, (q.IC + q.group - 1) / q.group}, DType::kBF16, scales);
  tensors.add(name + "_shape", {2}, DType::kI64, std::vector<int64_t>{q.OC, q.IC});
}

OrderedJson scheme(int bits, std::string_view strategy) {
  return {{"type", "int"}, {"num_bits", bits}, {"strategy", strategy}, {"symmetric", true}};
}

}  // namespace

Quantization parse_quantization(const JsonFields& config) {
  const Json* json = config.find("quantization_config");
  if (!json) return {};
  const JsonFields fields(*json, config.where() + ": quantization_config");
  const std::string method = fields.string_or("quant_method", "");
  if (method != kMethod)
    base::fail(
        "{}: quant_method \"{}\" is not supported, only \"{}\"; use the unquantized model, and "
        "`parley quantize` it",
        fields.where(), method, kMethod);
  const std::string format = fields.string_or("format", "");
  const Json* weights = fields.find("weights");
  if (!weights) base::fail("{}: \"weights\" is missing", fields.where());
  const JsonFields scheme(*weights, fields.where() + ": weights");
  const int64_t bits = scheme.integer("num_bits", 1, 64);
  if (format == kInt8Format && bits == 8) return {Precision::kInt8, 0};
  if (format != kInt4Format || bits != 4)
    base::fail("{}: format \"{}\" with {} bits is not supported; \"{}\" has 8, \"{}\" 4",
               fields.where(), format, bits, kInt8Format, kInt4Format);
  const int64_t group = scheme.integer("group_size", 1, 1 << 20);
  if (group != 32 && group != 64)
    base::fail("{}: group_size {} is not supported, only 32 and 64", scheme.where(), group);
  return {Precision::kInt4, group};
}

OrderedJson quantization_json(const Quantization& quantization) {
  OrderedJson json;
  json["quant_method"] = kMethod;
  if (quantization.precision == Precision::kInt8) {
    json["format"] = kInt8Format;
    json["weights"] = scheme(8, "channel");
  } else {
    PARLEY_CHECK(quantization.precision == Precision::kInt4, "{} needs no quantization_config",
                 precision_name(quantization.precision));
    json["format"] = kInt4Format;
    json["weights"] = scheme(4, "group");
    json["weights"]["group_size"] = quantization.group;
    json["embeddings"] = scheme(8, "channel");
  }
  json["input_activations"] = scheme(8, "token");
  json["input_activations"]["dynamic"] = true;
  return json;
}

void save_quantized(const fs::path& directory, const ModelConfig& config, const Weights& weights,
                    const QuantizeOptions& options) {
  PARLEY_CHECK(options.precision != Precision::kF32, "f32 is not quantised");
  const bool bf16 = options.precision == Precision::kBf16;
  const std::vector<HfTensor> names = hf_tensors(config);
  const std::vector<F32> views = param_rows(names, weights);
  std::unordered_map<std::string_view, const ParamInfo*> params;
  for (const ParamInfo& info : weights.params()) params[info.name] = &info;

  Tensors tensors;
  for (size_t i = 0; i < names.size(); ++i) {
    const HfTensor& t = names[i];
    if (!is_matrix(t))
      tensors.add_f32(t.name, t.shape, views[i].data());
    else if (bf16)
      tensors.list.push_back({t.name, t.shape, views[i].data(), t.transposed});
    else
      add_matrix(
          tensors, t.name,
          kernels::quantize_matrix(views[i], weight_format(*params.at(t.param), options.precision),
                                   options.group));
  }
  OrderedJson json = config_json(config, bf16 ? DType::kBF16 : DType::kF32);
  if (!bf16) json["quantization_config"] = quantization_json({options.precision, options.group});
  write_model(directory, json, tensors.list, DType::kBF16, options.max_shard_bytes);
}

}  // namespace parley::model

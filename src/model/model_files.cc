#include "model/model_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/threads.h"
#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace parley::model {
namespace {

using base::fail;
using formats::StoredTensor;
using tensor::DType;

constexpr uint64_t kMaxConfigBytes = 16 << 20;
// Four-bit numbers in an I32 word, the first in the lowest bits; each stored as q + 8.
constexpr int64_t kPerWord = 8;

// The base model's prefix, which files saved without a head lack.
std::string_view prefix(Family family) {
  return family == Family::kGpt1 || family == Family::kGpt2 ? "transformer." : "model.";
}

// Constants that some versions of transformers stored beside the weights.
bool is_buffer(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq") || name.ends_with("position_ids");
}

void check_dtype(const StoredTensor& t, DType dtype, std::string_view precision) {
  if (t.dtype != dtype)
    fail("{}: tensor \"{}\" has dtype {}, but {} weights in config.json ask for {}", t.file, t.name,
         tensor::dtype_name(t.dtype), precision, tensor::dtype_name(dtype));
}

// Whole numbers of a stored matrix (rows, columns), one a byte.
void read_values(const StoredTensor& t, int64_t rows, int64_t columns, int8_t* out) {
  if (t.dtype == DType::kI8) {
    const std::span<int8_t> all(out, static_cast<size_t>(rows * columns));
    formats::read_integers(t, all);
    const auto bad = std::ranges::find(all, int8_t{-128});
    if (bad != all.end())
      fail("{}: tensor \"{}\": element {} is -128, outside -127 to 127; the file is damaged",
           t.file, t.name, bad - all.begin());
    return;
  }
  const int64_t words = (columns + kPerWord - 1) / kPerWord;
  base::parallel_blocks(rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        uint32_t word = 0;
        std::memcpy(&word, t.bytes.data() + (r * words + c / kPerWord) * 4, sizeof word);
        out[r * columns + c] = static_cast<int8_t>(((word >> (c % kPerWord * 4)) & 15) - 8);
      }
  });
}

}  // namespace

ConfigFile read_config(const fs::path& directory) {
  if (!fs::exists(directory)) fail("{}: no such model directory", directory.string());
  const fs::path path = fs::is_directory(directory) ? directory / "config.json" : directory;
  if (!fs::exists(path))
    fail("{}: not there; expected a Hugging Face model directory", path.string());
  return {path.string(), base::read_file(path, kMaxConfigBytes)};
}

bool is_matrix(const HfTensor& tensor) {
  return tensor.shape.size() == 2 && tensor.param != "wpe" && tensor.param != "score";
}

std::vector<F32> param_rows(const std::vector<HfTensor>& tensors, const Weights& weights) {
  std::unordered_map<std::string_view, const ParamInfo*> params;
  int64_t expected = 0, bound = 0;
  for (const ParamInfo& info : weights.params()) {
    params[info.name] = &info;
    expected += info.shape.size();
  }
  std::vector<F32> views;
  for (const HfTensor& t : tensors) {
    const auto it = params.find(t.param);
    PARLEY_CHECK(it != params.end(), "{} has no parameter {}", t.name, t.param);
    const F32 param = weights.view(*it->second);
    const int64_t rows = t.transposed ? t.shape[1] : t.shape[0];
    const F32 view = param.rows(t.first_row, t.first_row + rows);
    int64_t size = 1;
    for (const int64_t dim : t.shape) size *= dim;
    PARLEY_CHECK(view.size() == size, "{} {} as rows of {} {}", t.name,
                 formats::shape_string(t.shape), t.param, param.shape().str());
    bound += size;
    views.push_back(view);
  }
  PARLEY_CHECK(bound == expected, "{} of {} parameters have a tensor", bound, expected);
  return views;
}

ModelFiles::ModelFiles(const fs::path& directory) : directory_(directory.string()) {
  const ConfigFile file = read_config(directory);
  config_ = parse_config(file.text, file.path);
  const formats::Json json = formats::parse_json(file.text, file.path);
  quantization_ = parse_quantization(formats::JsonFields(json, file.path));
  files_ = formats::SafeTensors::open(directory);
  bool all_bf16 = true;
  for (HfTensor& tensor : hf_tensors(config_)) {
    Part part = match(std::move(tensor));
    if (is_matrix(part.tensor)) all_bf16 &= part.values->dtype == DType::kBF16;
    std::vector<Part>& parts = parts_[part.tensor.param];
    if (part.scales && !parts.empty() && parts.front().values->dtype != part.values->dtype)
      fail("{}: \"{}\" has dtype {} and \"{}\" {}, but they are parts of one matrix",
           part.values->file, parts.front().values->name,
           tensor::dtype_name(parts.front().values->dtype), part.values->name,
           tensor::dtype_name(part.values->dtype));
    parts.push_back(std::move(part));
  }
  if (all_bf16) quantization_.precision = Precision::kBf16;
  if (config_.tied_embeddings && !config_.score_head) check_tied_head();
  warn_of_unused();
}

const std::vector<ModelFiles::Part>& ModelFiles::parts(const ParamInfo& param) const {
  const auto it = parts_.find(param.name);
  PARLEY_CHECK(it != parts_.end(), "{} has no tensor", param.name);
  return it->second;
}

const StoredTensor* ModelFiles::find(const std::string& name) const {
  const std::string_view start = prefix(config_.family);
  const StoredTensor* stored = files_.find(name);
  if (!stored && name.starts_with(start)) stored = files_.find(name.substr(start.size()));
  return stored;
}

const StoredTensor& ModelFiles::require(const std::string& name, const std::vector<int64_t>& shape,
                                        std::string_view param) const {
  const StoredTensor* stored = find(name);
  if (!stored)
    fail("{}: the tensor \"{}\" of shape {} is missing{}", directory_, name,
         formats::shape_string(shape),
         param == "lm_head" ? "; if the model shares it with the token embedding, set "
                              "\"tie_word_embeddings\": true in config.json"
                            : "; config.json and the weights do not belong together, or the "
                              "download is incomplete");
  if (stored->shape != shape)
    fail("{}: tensor \"{}\" has shape {}, but config.json asks for {}", stored->file, stored->name,
         formats::shape_string(stored->shape), formats::shape_string(shape));
  return *stored;
}

ModelFiles::Part ModelFiles::match(HfTensor tensor) const {
  Part part{std::move(tensor), nullptr, nullptr};
  if (quantization_.precision != Precision::kF32 && is_matrix(part.tensor))
    match_quantized(part);
  else
    part.values = &require(part.tensor.name, part.tensor.shape, part.tensor.param);
  return part;
}

// int8: NAME, NAME_scale. int4: NAME_packed, NAME_scale, NAME_shape, or as int8.
void ModelFiles::match_quantized(Part& part) const {
  HfTensor& t = part.tensor;
  if (std::exchange(t.transposed, false)) std::swap(t.shape[0], t.shape[1]);
  const int64_t OC = t.shape[0], IC = t.shape[1];
  const std::string_view precision = precision_name(quantization_.precision);
  if (quantization_.precision == Precision::kInt8 || find(t.name)) {
    part.values = &require(t.name, {OC, IC}, t.param);
    check_dtype(*part.values, DType::kI8, precision);
    part.scales = &require(t.name + "_scale", {OC, 1}, t.param);
    check_dtype(*part.scales, DType::kF32, precision);
    return;
  }
  const int64_t group = quantization_.group;
  part.values = &require(t.name + "_packed", {OC, (IC + kPerWord - 1) / kPerWord}, t.param);
  check_dtype(*part.values, DType::kI32, precision);
  part.scales = &require(t.name + "_scale", {OC, (IC + group - 1) / group}, t.param);
  check_dtype(*part.scales, DType::kBF16, precision);
  const StoredTensor& shape = require(t.name + "_shape", {2}, t.param);
  int64_t stored[2];
  formats::read_integers<int64_t>(shape, stored);
  if (stored[0] != OC || stored[1] != IC)
    fail("{}: tensor \"{}\" says ({}, {}), but config.json asks for {}", shape.file, shape.name,
         stored[0], stored[1], formats::shape_string(t.shape));
}

// A tied model needs no lm_head; one that is there must be the embedding.
void ModelFiles::check_tied_head() const {
  const StoredTensor& embedding = *parts_.find("wte")->second.front().values;
  const StoredTensor* head = files_.find("lm_head.weight");
  if (head && (head->dtype != embedding.dtype || !std::ranges::equal(head->bytes, embedding.bytes)))
    fail(
        "{}: lm_head.weight differs from {}, but config.json says the embeddings are tied. Set "
        "\"tie_word_embeddings\": false there to use it, or remove the tensor.",
        head->file, embedding.name);
}

void ModelFiles::warn_of_unused() const {
  std::set<std::string> used;
  for (const auto& [param, parts] : parts_)
    for (const Part& part : parts) {
      used.insert(part.values->name);
      if (!part.scales) continue;
      used.insert(part.scales->name);
      if (const StoredTensor* shape = find(part.tensor.name + "_shape")) used.insert(shape->name);
    }
  std::vector<std::string> unused;
  for (const auto& [name, stored] : files_.tensors())
    if (!used.contains(name) && !is_buffer(name) && name != "lm_head.weight")
      unused.push_back(name);
  if (unused.empty()) return;
  const std::string& file = files_.at(unused.front()).file;
  const size_t count = unused.size();
  unused.resize(std::min<size_t>(count, 5));
  spdlog::warn("{}: {} tensors are not part of the model and were ignored: {}{}", file, count,
               fmt::join(unused, ", "), count > unused.size() ? ", ..." : "");
}

bool ModelFiles::is_quantized(const ParamInfo& param) const {
  return parts(param).front().scales != nullptr;
}

kernels::QuantizedMatrix ModelFiles::read_quantized(const ParamInfo& param) const {
  const std::vector<Part>& all = parts(param);
  const bool int8 = all.front().values->dtype == DType::kI8;
  kernels::QuantizedMatrix q;
  q.format = int8 ? kernels::WeightFormat::kInt8 : kernels::WeightFormat::kInt4;
  q.OC = param.shape[0];
  q.IC = param.shape[1];
  q.group = int8 ? q.IC : quantization_.group;
  const int64_t groups = (q.IC + q.group - 1) / q.group;
  q.values.resize(static_cast<size_t>(q.OC * q.IC));
  q.scales.resize(static_cast<size_t>(q.OC * groups));
  for (const Part& part : all) {
    const int64_t first = part.tensor.first_row, rows = part.rows();
    read_values(*part.values, rows, q.IC, q.values.data() + first * q.IC);
    formats::read_f32(*part.scales,
                      std::span(q.scales).subspan(static_cast<size_t>(first * groups),
                                                  static_cast<size_t>(rows * groups)));
  }
  return q;
}

void ModelFiles::read(const ParamInfo& param, F32 out) const {
  if (is_quantized(param)) {
    const kernels::QuantizedMatrix q = read_quantized(param);
    const int64_t groups = (q.IC + q.group - 1) / q.group;
    base::parallel_blocks(q.OC, 16, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o)
        for (int64_t i = 0; i < q.IC; ++i)
          out[o * q.IC + i] = q.scales[static_cast<size_t>(o * groups + i / q.group)] *
                              static_cast<float>(q.values[static_cast<size_t>(o * q.IC + i)]);
    });
    return;
  }
  for (const Part& part : parts(param)) {
    const F32 rows = out.rows(part.tensor.first_row, part.tensor.first_row + part.rows());
    const std::span<float> values(rows.data(), static_cast<size_t>(rows.size()));
    if (part.tensor.transposed)
      formats::read_f32_transposed(*part.values, values);
    else
      formats::read_f32(*part.values, values);
  }
}

Weights ModelFiles::read() const {
  Weights weights(config_);
  for (const ParamInfo& param : weights.params()) read(param, weights.view(param));
  return weights;
}

InferWeights ModelFiles::read_packed(Precision precision, int64_t group) const {
  PARLEY_CHECK(precision != Precision::kF32, "f32 is not packed");
  Weights vectors = vector_weights(config_);
  for (const ParamInfo& param : vectors.params())
    if (param.kind == ParamKind::kVector || param.name == "wpe") read(param, vectors.view(param));
  const auto matrix = [&](const ParamInfo& param) {
    if (precision == quantization_.precision && is_quantized(param))
      return kernels::PackedMatrix(read_quantized(param));
    tensor::Tensor<float> full(param.shape);
    read(param, full);
    return kernels::PackedMatrix::pack(full, weight_format(param, precision), group);
  };
  return {config_, precision, std::move(vectors), matrix};
}

void write_model(const fs::path& directory, const nlohmann::ordered_json& config,
                 std::span<const formats::TensorToSave> tensors, DType dtype,
                 uint64_t max_shard_bytes) {
  formats::save_sharded(directory, tensors, dtype, max_shard_bytes);
  nlohmann::ordered_json generation;
  generation["_from_model_config"] = true;
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"})
    if (!config[key].is_null()) generation[key] = config[key];
  base::write_file(directory / "generation_config.json", generation.dump(2) + "\n");
  // Last: a directory with a config.json is a whole model.
  base::write_file(directory / "config.json", config.dump(2) + "\n");
}

}  // namespace parley::model

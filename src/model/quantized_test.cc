#include "model/quantized.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "model/model_files.h"

namespace parley::model {
namespace {

const fs::path kGolden = fs::path(PARLEY_SOURCE_DIR) / "tests" / "golden";

constexpr const char* kModels[] = {"hf_gpt2",       "hf_openai_gpt", "hf_gpt3", "hf_llama",
                                   "hf_llama_tied", "hf_qwen2",      "hf_qwen3"};

class QuantizedTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / fmt::format("quantized_{}", getpid());
    fs::remove_all(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path directory_;
};

// Every number of a parameter as inference sees it.
std::vector<float> rows_of(const Linear& linear) {
  const kernels::PackedMatrix& packed = linear.packed;
  std::vector<float> rows(static_cast<size_t>(packed.OC() * packed.IC()));
  for (int64_t o = 0; o < packed.OC(); ++o) packed.row(o, rows.data() + o * packed.IC());
  return rows;
}

bool same_bytes(const Linear& a, const Linear& b) {
  return a.packed.format() == b.packed.format() && a.packed.bytes() == b.packed.bytes() &&
         a.packed.group() == b.packed.group() && rows_of(a) == rows_of(b) &&
         std::memcmp(a.packed.panel(0), b.packed.panel(0),
                     static_cast<size_t>(a.packed.panels()) * a.packed.panel_bytes()) == 0 &&
         std::ranges::equal(a.bias, b.bias);
}

void expect_same(const InferWeights& a, const InferWeights& b) {
  ASSERT_EQ(a.layers.size(), b.layers.size());
  EXPECT_TRUE(same_bytes(a.wte, b.wte));
  EXPECT_TRUE(same_bytes(a.head(), b.head()));
  EXPECT_TRUE(std::ranges::equal(a.wpe, b.wpe));
  EXPECT_TRUE(std::ranges::equal(a.norm_f_w, b.norm_f_w));
  for (size_t l = 0; l < a.layers.size(); ++l) {
    const InferLayer &x = a.layers[l], &y = b.layers[l];
    EXPECT_TRUE(same_bytes(x.qkv, y.qkv)) << l;
    EXPECT_TRUE(same_bytes(x.att, y.att)) << l;
    EXPECT_TRUE(same_bytes(x.fc, y.fc)) << l;
    EXPECT_TRUE(same_bytes(x.proj, y.proj)) << l;
    EXPECT_TRUE(std::ranges::equal(x.vectors.norm1_w, y.vectors.norm1_w));
    EXPECT_TRUE(std::ranges::equal(x.vectors.norm2_b, y.vectors.norm2_b));
    EXPECT_TRUE(std::ranges::equal(x.vectors.k_norm_w, y.vectors.k_norm_w));
  }
}

std::string error_of(const fs::path& directory) {
  try {
    ModelFiles(directory).read_packed(Precision::kInt8);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

// A Llama wide enough that its matrices have four bits in int4.
Model wide_model() {
  ModelConfig config = load_config(kGolden / "hf_llama");
  config.C = kInt4Inputs;
  config.HS = config.C / config.NH;
  Model model{config, Weights(config)};
  init_weights(model.weights, config, 1);
  return model;
}

// Everything inference reads is in InferWeights, so equal bytes give equal logits.
TEST_F(QuantizedTest, ADirectoryGivesTheBytesThatPackingGives) {
  std::vector<std::string> names(std::begin(kModels), std::end(kModels));
  names.emplace_back("wide");
  for (const std::string& name : names)
    for (const auto& [precision, group] : {std::pair{Precision::kBf16, 32},
                                           {Precision::kInt8, 32},
                                           {Precision::kInt4, 32},
                                           {Precision::kInt4, 64}}) {
      SCOPED_TRACE(fmt::format("{} {} {}", name, precision_name(precision), group));
      const Model model = name == "wide" ? wide_model() : load_model(kGolden / name);
      save_quantized(directory_, model.config, model.weights,
                     {.precision = precision, .group = group});
      const ModelFiles files(directory_);
      EXPECT_EQ(files.config(), model.config);
      EXPECT_EQ(files.quantization().precision, precision);
      EXPECT_EQ(files.quantization().group, precision == Precision::kInt4 ? group : 0);
      const InferWeights packed(model.config, model.weights, precision, group);
      expect_same(files.read_packed(precision), packed);

      // As f32: the same numbers.
      const Model dequantised = load_model(directory_);
      EXPECT_TRUE(std::ranges::equal(dequantised.weights.wte, rows_of(packed.wte)));
      EXPECT_TRUE(
          std::ranges::equal(dequantised.weights.layers[0].qkv_w, rows_of(packed.layers[0].qkv)));
      EXPECT_TRUE(
          std::ranges::equal(dequantised.weights.layers[1].proj_w, rows_of(packed.layers[1].proj)));
      EXPECT_TRUE(std::ranges::equal(dequantised.weights.layers[1].norm1_w,
                                     model.weights.layers[1].norm1_w));
    }
}

TEST_F(QuantizedTest, AnyDirectoryPacksInAnyPrecision) {
  const Model model = load_model(kGolden / "hf_llama");
  for (const Precision precision : {Precision::kBf16, Precision::kInt8, Precision::kInt4})
    expect_same(ModelFiles(kGolden / "hf_llama").read_packed(precision),
                InferWeights(model.config, model.weights, precision));
  // From int8 to int4: what is left of the weights is rounded again.
  save_quantized(directory_, model.config, model.weights, {.precision = Precision::kInt8});
  const Model rounded = load_model(directory_);
  expect_same(ModelFiles(directory_).read_packed(Precision::kInt4),
              InferWeights(rounded.config, rounded.weights, Precision::kInt4));
}

TEST_F(QuantizedTest, SavingAgainMakesAnOrdinaryDirectory) {
  const Model model = load_model(kGolden / "hf_qwen3");
  save_quantized(directory_, model.config, model.weights, {.precision = Precision::kInt4});
  const Model rounded = load_model(directory_);
  save_model(directory_, rounded.config, rounded.weights);
  EXPECT_EQ(ModelFiles(directory_).quantization(), Quantization{});
  EXPECT_TRUE(std::ranges::equal(load_model(directory_).weights.flat(), rounded.weights.flat()));
}

TEST_F(QuantizedTest, ShardsHoldTheSameModel) {
  const Model model = load_model(kGolden / "hf_gpt2");
  save_quantized(directory_, model.config, model.weights, {.max_shard_bytes = 10'000});
  EXPECT_TRUE(fs::exists(directory_ / "model.safetensors.index.json"));
  expect_same(ModelFiles(directory_).read_packed(Precision::kInt8),
              InferWeights(model.config, model.weights, Precision::kInt8));
}

// What is written with a tensor changed, or left out, or with another config.json.
class MalformedTest : public QuantizedTest {
 protected:
  void make(Precision precision) {
    fs::remove_all(directory_);
    const Model model = wide_model();
    save_quantized(directory_, model.config, model.weights, {.precision = precision});
  }
  // The tensors of the directory, `change` applied to each (false: left out), saved again.
  template <typename Change>
  void rewrite(const Change& change) {
    const std::string file = base::read_file(directory_ / "model.safetensors");
    std::vector<std::vector<std::byte>> bytes;
    std::vector<formats::TensorToSave> tensors;
    for (const auto& t : formats::parse_safetensors(std::as_bytes(std::span(file)), "x")) {
      bytes.emplace_back(t.bytes.begin(), t.bytes.end());
      formats::TensorToSave copy{t.name, t.shape, nullptr, false, t.dtype, {}};
      if (!change(copy, bytes.back())) continue;
      copy.bytes = bytes.back();
      tensors.push_back(copy);
    }
    formats::save_safetensors(directory_ / "model.safetensors", tensors, tensor::DType::kF32);
  }
  void set_quantization(const nlohmann::ordered_json& value) {
    auto json = nlohmann::ordered_json::parse(base::read_file(directory_ / "config.json"));
    json["quantization_config"] = value;
    base::write_file(directory_ / "config.json", json.dump());
  }
  void expect_error(const std::string& words) {
    EXPECT_NE(error_of(directory_).find(words), std::string::npos) << error_of(directory_);
  }
};

constexpr const char* kGate = "model.layers.0.mlp.gate_proj.weight";

TEST_F(MalformedTest, TensorsAreChecked) {
  using Bytes = std::vector<std::byte>;
  struct Case {
    Precision precision;
    std::string suffix;
    std::function<bool(formats::TensorToSave&, Bytes&)> change;
    std::string words;
  };
  const auto remove = [](auto&, auto&) { return false; };
  const auto as_f32 = [](auto& t, Bytes& bytes) {
    t.dtype = tensor::DType::kF32;
    bytes.assign(static_cast<size_t>(t.shape[0] * t.shape[1]) * 4, {});
    return true;
  };
  const auto flatten = [](auto& t, Bytes&) {
    t.shape = {t.shape[0] * t.shape[1]};
    return true;
  };
  const auto fill = [](int value) {
    return [value](auto&, Bytes& bytes) {
      std::ranges::fill(bytes, std::byte(value));
      return true;
    };
  };
  const Case cases[] = {
      {Precision::kInt8, "", remove, "gate_proj.weight\" of shape"},
      {Precision::kInt8, "", as_f32, "has dtype f32, but int8 weights in config.json ask for i8"},
      {Precision::kInt8, "", flatten, "but config.json asks for"},
      {Precision::kInt8, "", fill(0x80), "element 0 is -128"},
      {Precision::kInt8, "_scale", remove, "gate_proj.weight_scale\" of shape"},
      {Precision::kInt8, "_scale", flatten, "but config.json asks for"},
      {Precision::kInt8, "_scale", fill(0xFF), "element 0 is NaN"},
      {Precision::kInt4, "_packed", remove, "gate_proj.weight_packed\" of shape"},
      {Precision::kInt4, "_packed", as_f32, "has dtype f32, but int4 weights"},
      {Precision::kInt4, "_packed", flatten, "but config.json asks for"},
      {Precision::kInt4, "_scale", remove, "gate_proj.weight_scale\" of shape"},
      {Precision::kInt4, "_scale", as_f32, "but int4 weights in config.json ask for bf16"},
      {Precision::kInt4, "_scale", fill(0xFF), "element 0 is NaN"},
      {Precision::kInt4, "_shape", remove, "gate_proj.weight_shape\" of shape (2) is missing"},
      {Precision::kInt4, "_shape", fill(1), "gate_proj.weight_shape\" says ("},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(fmt::format("{} {} {}", precision_name(test.precision), test.suffix, test.words));
    make(test.precision);
    rewrite([&](formats::TensorToSave& t, Bytes& bytes) {
      return t.name == kGate + test.suffix ? test.change(t, bytes) : true;
    });
    expect_error(test.words);
  }
}

TEST_F(MalformedTest, QuantizationConfigIsChecked) {
  make(Precision::kInt4);
  auto good = quantization_json({Precision::kInt4, 32});
  const auto with = [&](const char* key, const nlohmann::ordered_json& value) {
    auto json = good;
    json[key] = value;
    set_quantization(json);
  };
  set_quantization(5);
  expect_error("expected a JSON object");
  with("quant_method", "gptq");
  expect_error("quant_method \"gptq\" is not supported");
  with("format", "int-quantized");
  expect_error("\"int-quantized\" with 4 bits is not supported");
  with("weights", nullptr);
  expect_error("\"weights\" is missing");
  with("weights", {{"num_bits", 4}, {"group_size", 48}});
  expect_error("group_size 48 is not supported");
  // The file's groups are of 32.
  with("weights", {{"num_bits", 4}, {"group_size", 64}});
  expect_error("weight_scale\" has shape");
  with("weights", {{"num_bits", 4}});
  expect_error("\"group_size\"");
  // int8 by config.json, int4 in the file; and none at all.
  set_quantization(quantization_json({Precision::kInt8, 0}));
  expect_error("is missing");
  set_quantization(nullptr);
  expect_error("is missing");
}

TEST_F(QuantizedTest, NotFiniteIsRefused) {
  Model model = load_model(kGolden / "hf_gpt2");
  model.weights.layers[0].fc_w[3] = std::numeric_limits<float>::infinity();
  for (const Precision precision : {Precision::kBf16, Precision::kInt8, Precision::kInt4}) {
    EXPECT_THROW(save_quantized(directory_, model.config, model.weights, {.precision = precision}),
                 base::Error);
    EXPECT_FALSE(fs::exists(directory_ / "config.json"));
  }
}

}  // namespace
}  // namespace parley::model

#include "model/hf.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "formats/safetensors.h"

namespace parley::model {
namespace {

using formats::SafeTensors;
using formats::StoredTensor;
using tensor::DType;

const fs::path kGolden = fs::path(PARLEY_SOURCE_DIR) / "tests" / "golden";

// A directory of the test's own, removed afterwards.
class HfTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = fmt::format("{}_{}_{}", info->test_suite_name(), info->name(), getpid());
    std::replace(name.begin(), name.end(), '/', '_');
    directory_ = fs::path(testing::TempDir()) / name;
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  // A copy of a golden directory, to be spoiled.
  fs::path copy(const std::string& golden) {
    const fs::path to = directory_ / golden;
    fs::copy(kGolden / golden, to, fs::copy_options::recursive);
    return to;
  }

  fs::path directory_;
};

std::vector<float> values(const StoredTensor& t) {
  std::vector<float> out(static_cast<size_t>(t.size()));
  formats::read_f32(t, out);
  return out;
}

// The message of the Error that fn throws.
template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}
#define EXPECT_ERROR(statement, words) \
  EXPECT_PRED2(contains, error_of([&] { statement; }), std::string(words))

void edit_config(const fs::path& directory, const std::string& key,
                 const nlohmann::ordered_json& value) {
  const fs::path path = directory / "config.json";
  auto json = nlohmann::ordered_json::parse(base::read_file(path));
  json[key] = value;
  base::write_file(path, json.dump());
}

class HfGoldenTest : public HfTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models, HfGoldenTest,
                         testing::Values("hf_gpt2", "hf_openai_gpt", "hf_gpt3", "hf_llama",
                                         "hf_llama_tied", "hf_qwen2", "hf_qwen3"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(HfGoldenTest, SavedTensorsEqualTheOriginals) {
  const Model model = load_model(kGolden / GetParam());
  save_model(directory_, model.config, model.weights);
  EXPECT_EQ(load_config(directory_), model.config);

  const SafeTensors original = SafeTensors::open(kGolden / GetParam());
  const SafeTensors saved = SafeTensors::open(directory_);
  ASSERT_EQ(saved.tensors().size(), original.tensors().size());
  for (const auto& [name, t] : original.tensors()) {
    const StoredTensor& s = saved.at(name);
    EXPECT_EQ(s.shape, t.shape) << name;
    EXPECT_EQ(s.dtype, t.dtype) << name;
    EXPECT_TRUE(std::ranges::equal(s.bytes, t.bytes)) << name;
  }
}

TEST_P(HfGoldenTest, EveryParameterHasATensor) {
  const Model model = load_model(kGolden / GetParam());
  // The golden gradients have transformers' names and layouts.
  const SafeTensors golden = SafeTensors::open(kGolden / GetParam() / "golden.safetensors");
  int64_t elements = 0;
  for (const HfTensor& t : hf_tensors(model.config)) {
    EXPECT_EQ(golden.at("grad." + t.name).shape, t.shape);
    elements += golden.at("grad." + t.name).size();
  }
  EXPECT_EQ(elements, count_parameters(model.config));
}

TEST_P(HfGoldenTest, ShardsHoldTheSameModel) {
  const Model model = load_model(kGolden / GetParam());
  save_model(directory_, model.config, model.weights, {.max_shard_bytes = 10'000});
  EXPECT_FALSE(fs::exists(directory_ / "model.safetensors"));
  EXPECT_TRUE(fs::exists(directory_ / "model.safetensors.index.json"));
  const Model loaded = load_model(directory_);
  EXPECT_TRUE(std::ranges::equal(loaded.weights.flat(), model.weights.flat()));
  // Saved again in one file, the shards are gone.
  save_model(directory_, model.config, model.weights);
  EXPECT_TRUE(fs::exists(directory_ / "model.safetensors"));
  for (const auto& entry : fs::directory_iterator(directory_))
    EXPECT_EQ(entry.path().filename().string().find("-of-"), std::string::npos) << entry.path();
  EXPECT_FALSE(fs::exists(directory_ / "model.safetensors.index.json"));
}

TEST_P(HfGoldenTest, HalfPrecisionRounds) {
  const Model model = load_model(kGolden / GetParam());
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    save_model(directory_, model.config, model.weights, {.dtype = dtype});
    const Model loaded = load_model(directory_);
    const F32 exact = model.weights.flat(), rounded = loaded.weights.flat();
    for (int64_t i = 0; i < exact.size(); ++i)
      ASSERT_EQ(rounded[i], dtype == DType::kF16
                                ? tensor::f16_to_f32(tensor::f32_to_f16(exact[i]))
                                : tensor::bf16_to_f32(tensor::f32_to_bf16(exact[i])));
  }
}

TEST(HfLayoutTest, MatricesAreOutIn) {
  const Model model = load_model(kGolden / "hf_gpt2");
  const SafeTensors files = SafeTensors::open(kGolden / "hf_gpt2");
  const std::vector<float> c_fc = values(files.at("transformer.h.1.mlp.c_fc.weight"));  // (C, F)
  const int64_t C = model.config.C, F = model.config.F;
  for (int64_t f = 0; f < F; ++f)
    for (int64_t c = 0; c < C; ++c)
      ASSERT_EQ(model.weights.layers[1].fc_w[f * C + c], c_fc[static_cast<size_t>(c * F + f)]);
}

TEST(HfLayoutTest, QueriesKeysValuesAndGateUpAreRows) {
  const Model model = load_model(kGolden / "hf_qwen3");
  const ModelConfig& c = model.config;
  EXPECT_EQ(c.HS, 16);
  EXPECT_EQ(c.NKV, 2);
  const SafeTensors files = SafeTensors::open(kGolden / "hf_qwen3");
  std::vector<float> expected;
  const auto append = [&](const std::string& name) {
    const std::vector<float> part = values(files.at("model.layers.0." + name + ".weight"));
    expected.insert(expected.end(), part.begin(), part.end());
  };
  append("self_attn.q_proj");
  append("self_attn.k_proj");
  append("self_attn.v_proj");
  EXPECT_TRUE(std::ranges::equal(model.weights.layers[0].qkv_w, expected));
  expected.clear();
  append("mlp.gate_proj");
  append("mlp.up_proj");
  EXPECT_TRUE(std::ranges::equal(model.weights.layers[0].fc_w, expected));
}

TEST(HfDtypeTest, ShardedBf16AndF16AreTheRoundedWeights) {
  const Model exact = load_model(kGolden / "hf_gpt2");
  const Model bf16 = load_model(kGolden / "hf_gpt2_bf16_sharded");
  for (int64_t i = 0; i < exact.weights.flat().size(); ++i)
    ASSERT_EQ(bf16.weights.flat()[i],
              tensor::bf16_to_f32(tensor::f32_to_bf16(exact.weights.flat()[i])));
  const Model llama = load_model(kGolden / "hf_llama");
  const Model f16 = load_model(kGolden / "hf_llama_f16");
  for (int64_t i = 0; i < llama.weights.flat().size(); ++i)
    ASSERT_EQ(f16.weights.flat()[i],
              tensor::f16_to_f32(tensor::f32_to_f16(llama.weights.flat()[i])));
}

TEST(HfConfigTest, ReadsWhatTransformersWrote) {
  const ModelConfig gpt2 = load_config(kGolden / "hf_gpt2");
  EXPECT_EQ(gpt2.V, 96);
  EXPECT_EQ(gpt2.T, 32);
  EXPECT_EQ(gpt2.F, 128);
  EXPECT_EQ(gpt2.activation, Activation::kGeluTanh);
  EXPECT_EQ(gpt2.eos_token, 2);
  EXPECT_EQ(gpt2.norm_eps, 1e-5f);
  const ModelConfig gpt1 = load_config(kGolden / "hf_openai_gpt");
  EXPECT_EQ(gpt1.norm_place, NormPlace::kPost);
  EXPECT_EQ(gpt1.activation, Activation::kGeluTanh);
  const ModelConfig gpt3 = load_config(kGolden / "hf_gpt3");
  EXPECT_EQ(gpt3.window, 5);
  EXPECT_TRUE(gpt3.alternate_window);
  EXPECT_EQ(gpt3.F, 64);
  const ModelConfig llama = load_config(kGolden / "hf_llama_tied");
  EXPECT_EQ(llama.rope_base, 500);
  EXPECT_TRUE(llama.tied_embeddings);
  EXPECT_FALSE(llama.qkv_bias);
  const ModelConfig qwen2 = load_config(kGolden / "hf_qwen2");
  EXPECT_TRUE(qwen2.qkv_bias);
  EXPECT_FALSE(qwen2.linear_bias);
  EXPECT_TRUE(load_config(kGolden / "hf_qwen3").qk_norm);
}

TEST(HfConfigTest, EveryPresetSurvivesTheRoundTrip) {
  for (const std::string& name : preset_names()) {
    const ModelConfig config = preset(name);
    const std::string text = config_json(config, DType::kF32).dump();
    EXPECT_EQ(parse_config(text, name), config) << name << "\n" << text;
  }
}

TEST(HfConfigTest, VariantsOfOlderAndNewerFiles) {
  auto json = nlohmann::ordered_json::parse(base::read_file(kGolden / "hf_qwen3" / "config.json"));
  const auto parse = [&] { return parse_config(json.dump(), "config.json"); };
  // transformers 4: rope_theta outside.
  json.erase("rope_parameters");
  json["rope_theta"] = 12345.0;
  json["rope_scaling"] = nullptr;
  EXPECT_EQ(parse().rope_base, 12345.0);
  json["eos_token_id"] = {7, 8};
  EXPECT_EQ(parse().eos_token, 7);
  json["eos_token_id"] = nullptr;
  EXPECT_EQ(parse().eos_token, -1);
  json["pad_token_id"] = 50256;  // outside the vocabulary
  EXPECT_EQ(parse().pad_token, -1);

  json["use_sliding_window"] = true;
  json["sliding_window"] = 6;
  json["layer_types"] = {"full_attention", "sliding_attention"};
  EXPECT_EQ(parse().window, 6);
  EXPECT_TRUE(parse().alternate_window);
  EXPECT_EQ(parse_config(config_json(parse(), DType::kF32).dump(), "saved"), parse());
  json["layer_types"] = {"sliding_attention", "sliding_attention"};
  EXPECT_EQ(parse().window, 6);
  EXPECT_FALSE(parse().alternate_window);
  json["layer_types"] = {"sliding_attention", "full_attention"};
  EXPECT_ERROR(parse(), "every second one");
  json["layer_types"] = {"full_attention", "full_attention"};
  EXPECT_EQ(parse().window, 0);
}

TEST(HfConfigTest, RefusesWhatItCannotCompute) {
  struct Case {
    const char* golden;
    const char* key;
    nlohmann::ordered_json value;
    const char* words;
  };
  const Case cases[] = {
      {"hf_gpt2", "model_type", "bert", "supported are gpt2, openai-gpt, llama, qwen2, qwen3"},
      {"hf_gpt2", "model_type", 3, "expected a string"},
      {"hf_gpt2", "activation_function", "mish", "supported are gelu_new"},
      {"hf_gpt2", "n_embd", 0, "expected an integer from 1"},
      {"hf_gpt2", "n_embd", -32, "expected an integer from 1"},
      {"hf_gpt2", "n_embd", 1e300, "expected an integer from 1"},
      {"hf_gpt2", "n_embd", 18446744073709551615u, "expected an integer from 1"},
      {"hf_gpt2", "n_embd", "32", "expected an integer from 1"},
      {"hf_gpt2", "n_embd", nullptr, "\"n_embd\" is missing"},
      {"hf_gpt2", "n_head", 5, "not a multiple"},
      {"hf_gpt2", "n_layer", 2147483647, "layers"},
      {"hf_gpt2", "vocab_size", 2147483647, "vocabulary"},
      {"hf_gpt2", "layer_norm_epsilon", 0.0, "epsilon"},
      {"hf_gpt2", "layer_norm_epsilon", "small", "expected a number"},
      {"hf_gpt2", "scale_attn_weights", false, "\"scale_attn_weights\": false is not supported"},
      {"hf_gpt2", "scale_attn_by_inverse_layer_idx", true, "is not supported"},
      {"hf_gpt2", "eos_token_id", "</s>", "not a token id"},
      {"hf_gpt2", "parley", 5, "expected a JSON object"},
      {"hf_gpt2", "quantization_config", {{"bits", 4}}, "quantized"},
      {"hf_llama", "rope_parameters", {{"rope_type", "llama3"}}, "\"llama3\" is not supported"},
      {"hf_llama", "rope_scaling", {{"type", "linear"}}, "\"linear\" is not supported"},
      {"hf_llama", "head_dim", 7, "even head size"},
      {"hf_llama", "num_key_value_heads", 3, "evenly"},
      {"hf_llama", "attention_bias", true, "both true or both false"},
      {"hf_qwen3", "attention_bias", true, "\"attention_bias\": true is not supported"},
  };
  for (const Case& test : cases) {
    auto json =
        nlohmann::ordered_json::parse(base::read_file(kGolden / test.golden / "config.json"));
    json[test.key] = test.value;
    EXPECT_ERROR(parse_config(json.dump(), "config.json"), test.words) << test.key;
  }
  EXPECT_ERROR(parse_config("", "x.json"), "x.json: not valid JSON");
  EXPECT_ERROR(parse_config("[]", "x.json"), "x.json: expected a JSON object");
  EXPECT_ERROR(parse_config(std::string(100000, '['), "x.json"), "nested deeper");
}

TEST(HfConfigTest, SavingRefusesWhatNoArchitectureComputes) {
  ModelConfig c = load_config(kGolden / "hf_gpt2");
  c.norm = NormKind::kRmsNorm;
  EXPECT_ERROR(config_json(c, DType::kF32), "no gpt2 model computes this configuration");
  c = load_config(kGolden / "hf_openai_gpt");
  c.F = 3 * c.C;
  EXPECT_ERROR(config_json(c, DType::kF32), "no openai-gpt model");
  c = load_config(kGolden / "hf_llama");
  c.qk_norm = true;
  EXPECT_ERROR(config_json(c, DType::kF32), "no llama model");
}

TEST_F(HfTest, FilesWithoutThePrefixLoad) {
  const Model model = load_model(kGolden / "hf_gpt2");
  const SafeTensors files = SafeTensors::open(kGolden / "hf_gpt2");
  std::vector<std::vector<float>> storage;
  std::vector<formats::TensorToSave> tensors;
  for (const auto& [name, t] : files.tensors()) {
    storage.push_back(values(t));
    tensors.push_back({name.substr(std::strlen("transformer.")), t.shape, storage.back().data()});
  }
  // Older files also hold the causal mask and the tied head.
  std::vector<float> mask(32 * 32, 1.0f), minus = {-1e4f};
  tensors.push_back({"h.0.attn.bias", {1, 1, 32, 32}, mask.data()});
  tensors.push_back({"h.0.attn.masked_bias", {}, minus.data()});
  const std::vector<float> wte = values(files.at("transformer.wte.weight"));
  tensors.push_back({"lm_head.weight", {96, 32}, wte.data()});
  formats::save_safetensors(directory_ / "model.safetensors", tensors, DType::kF32);
  fs::copy(kGolden / "hf_gpt2" / "config.json", directory_);
  EXPECT_TRUE(std::ranges::equal(load_model(directory_).weights.flat(), model.weights.flat()));

  // A head that is not the embedding is no tied head.
  tensors.back().data = mask.data();
  tensors.back().shape = {32, 32};
  formats::save_safetensors(directory_ / "model.safetensors", tensors, DType::kF32);
  EXPECT_ERROR(load_model(directory_), "\"tie_word_embeddings\": false");
}

TEST_F(HfTest, ErrorsNameTheTensorAndTheRemedy) {
  const fs::path gpt2 = copy("hf_gpt2");
  edit_config(gpt2, "n_layer", 3);
  EXPECT_ERROR(load_model(gpt2), "\"transformer.h.2.ln_1.weight\" of shape (32) is missing");
  edit_config(gpt2, "n_layer", 2);
  edit_config(gpt2, "vocab_size", 97);
  EXPECT_ERROR(load_model(gpt2),
               "\"transformer.wte.weight\" has shape (96, 32), but config.json asks for (97, 32)");
  // Sizes no file holds: refused before anything is allocated.
  edit_config(gpt2, "vocab_size", 16'000'000);
  edit_config(gpt2, "n_embd", 262144);
  EXPECT_ERROR(load_model(gpt2), "config.json asks for (16000000, 262144)");

  const fs::path tied = copy("hf_llama_tied");
  edit_config(tied, "tie_word_embeddings", false);
  EXPECT_ERROR(load_model(tied), "\"lm_head.weight\" of shape (96, 32) is missing; if the model");
  EXPECT_ERROR(load_model(directory_ / "nowhere"), "no such model directory");
  EXPECT_ERROR(load_model(directory_), "expected a Hugging Face model directory");
  fs::remove(tied / "model.safetensors");
  EXPECT_ERROR(load_model(tied), "neither model.safetensors nor model.safetensors.index.json");
}

TEST_F(HfTest, NotFiniteIsRefusedBothWays) {
  Model model = load_model(kGolden / "hf_qwen3");
  const fs::path target = directory_ / "model";
  model.weights.layers[1].k_norm_w[3] = 1e6f;
  EXPECT_ERROR(save_model(target, model.config, model.weights, {.dtype = DType::kF16}),
               "\"model.layers.1.self_attn.k_norm.weight\" holds a value that is NaN, infinite or "
               "too large for f16");
  model.weights.layers[1].k_norm_w[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_ERROR(save_model(target, model.config, model.weights), "too large for f32");
  EXPECT_FALSE(fs::exists(target / "config.json"));
  EXPECT_FALSE(fs::exists(target / "model.safetensors"));

  const fs::path damaged = copy("hf_gpt2");
  std::string bytes = base::read_file(damaged / "model.safetensors");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - 4, &nan, 4);
  base::write_file(damaged / "model.safetensors", bytes);
  EXPECT_ERROR(load_model(damaged), "\"transformer.wte.weight\"");
  EXPECT_ERROR(load_model(damaged), "is NaN");
}

}  // namespace
}  // namespace parley::model

// LoRA against peft (tests/golden/lora_*, made by tools/oracle/lora_golden.py): logits, loss, the
// gradients of A and B; files both ways; merging; what stays frozen.
#include "model/lora.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "formats/safetensors.h"
#include "kernels/matmul.h"
#include "model/hf.h"
#include "model/token_head.h"
#include "model/train_step.h"

namespace parley::model {
namespace {

using formats::SafeTensors;
using tensor::Tensor;

const fs::path kGolden = fs::path(PARLEY_SOURCE_DIR) / "tests" / "golden";

std::vector<float> read(const SafeTensors& file, const std::string& name) {
  const auto& t = file.at(name);
  std::vector<float> out(static_cast<size_t>(t.size()));
  formats::read_f32(t, out);
  return out;
}

// max |got − want| relative to the largest |want|.
double relative_error(ConstF32 got, const std::vector<float>& want) {
  EXPECT_EQ(got.size(), std::ssize(want));
  double worst = 0, scale = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const auto w = static_cast<double>(want[i]);
    worst = std::max(worst, std::abs(static_cast<double>(got[static_cast<int64_t>(i)]) - w));
    scale = std::max(scale, std::abs(w));
  }
  return worst / std::max(scale, 1e-30);
}

template <typename Fn>
std::string error_of(Fn&& fn) {
  try {
    fn();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "parley-lora-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A model of tests/golden and random tokens to run through it.
struct Tiny {
  explicit Tiny(const std::string& base, int64_t B = 2, int64_t T = 11)
      : model(load_model(kGolden / base)),
        tokens(Shape{B, T}),
        targets(Shape{B, T}),
        positions(Shape{B, T}) {
    for (int64_t i = 0; i < B * T; ++i) {
      tokens[i] = static_cast<int32_t>((i * 37 + 11) % model.config.V);
      targets[i] = i % 3 == 0 ? -1 : static_cast<int32_t>((i * 53 + 5) % model.config.V);
      positions[i] = static_cast<int32_t>(i % T);
    }
  }
  explicit Tiny(const std::string& base, const SafeTensors& golden)
      : Tiny(base, golden.at("tokens").shape[0], golden.at("tokens").shape[1] - 1) {
    const int64_t B = tokens.dim(0), T = tokens.dim(1);
    std::vector<int32_t> ids(static_cast<size_t>(B * (T + 1)));
    std::memcpy(ids.data(), golden.at("tokens").bytes.data(), ids.size() * sizeof(int32_t));
    for (int64_t b = 0; b < B; ++b)
      for (int64_t t = 0; t < T; ++t) {
        tokens[b * T + t] = ids[static_cast<size_t>(b * (T + 1) + t)];
        targets[b * T + t] = ids[static_cast<size_t>(b * (T + 1) + t + 1)];
      }
  }
  Batch batch() const { return {tokens, targets, positions, {}}; }
  TrainState state(bool recompute = false) const {
    return TrainState(model.config,
                      {.B = tokens.dim(0), .T = tokens.dim(1), .recompute = recompute});
  }
  Tensor<float> logits(const LoraWeights* lora) const {
    TrainState s = state();
    Tensor<float> out(Shape{tokens.size(), model.config.V});
    kernels::matmul_forward(out, s.forward(model.weights, batch(), lora), model.weights.lm_head,
                            {});
    return out;
  }
  // The mean loss, and the adapters' gradients if asked for.
  double loss(const LoraWeights& lora, LoraWeights* grads = nullptr, bool accumulate = false,
              bool recompute = false) const {
    TrainState s = state(recompute);
    const int64_t N = tokens.size();
    const ConstI32 flat = ConstI32(targets).reshape(Shape{N});
    const auto count =
        static_cast<float>(std::ranges::count_if(flat, [](int t) { return t >= 0; }));
    const F32 hidden = s.forward(model.weights, batch(), &lora);
    TokenHead head(model.config, N);
    Tensor<float> logprobs(Shape{N}), dhidden(Shape{N, model.config.C});
    head.backward(
        logprobs, {}, dhidden, {}, hidden, model.weights.lm_head, flat,
        [count](int64_t, float) { return -1 / count; }, false);
    if (grads) s.backward_lora(dhidden, model.weights, lora, *grads, batch(), accumulate);
    double sum = 0;
    for (const float l : logprobs) sum -= static_cast<double>(l);
    return sum / static_cast<double>(count);
  }

  Model model;
  Tensor<int32_t> tokens, targets, positions;  // (B, T)
};

LoraWeights random_lora(const ModelConfig& config, LoraOptions options) {
  LoraWeights lora(config, options);
  init_lora(lora, 5);
  for (const LoraTarget* t : lora.targets())
    for (int64_t i = 0; i < t->b.size(); ++i)
      t->b[i] = 0.1f * std::sin(static_cast<float>(i + t->rows));
  return lora;
}

struct Case {
  const char *adapter, *base;
};
class LoraGolden : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Models, LoraGolden,
                         testing::Values(Case{"lora_gpt2", "hf_gpt2"},
                                         Case{"lora_qwen3", "hf_qwen3"},
                                         Case{"lora_llama", "hf_llama"}),
                         [](const auto& test) { return std::string(test.param.adapter); });

TEST_P(LoraGolden, LogitsLossAndGradientsEqualPeft) {
  const SafeTensors golden = SafeTensors::open(kGolden / GetParam().adapter / "golden.safetensors");
  const Tiny tiny(GetParam().base, golden);
  const LoraWeights lora = load_lora(kGolden / GetParam().adapter, tiny.model.config);
  EXPECT_LE(relative_error(tiny.logits(&lora), read(golden, "logits")), 1e-4);
  const auto want = static_cast<double>(read(golden, "loss")[0]);
  for (const bool recompute : {false, true}) {
    LoraWeights grads(tiny.model.config, lora.options());
    std::ranges::fill(grads.flat(), 7.0f);  // must be overwritten, not added to
    EXPECT_NEAR(tiny.loss(lora, &grads, false, recompute), want, 1e-4 * want);
    for (const LoraTarget* g : grads.targets()) {
      const std::string name = "grad.base_model.model." + g->module;
      EXPECT_LE(relative_error(g->a, read(golden, name + ".lora_A.weight")), 2e-4) << name;
      EXPECT_LE(relative_error(g->b, read(golden, name + ".lora_B.weight")), 2e-4) << name;
    }
    tiny.loss(lora, &grads, true, recompute);  // twice as much
    const LoraTarget* g = grads.targets().front();
    std::vector<float> twice =
        read(golden, "grad.base_model.model." + g->module + ".lora_A.weight");
    for (float& v : twice) v *= 2;
    EXPECT_LE(relative_error(g->a, twice), 2e-4);
  }
}

TEST_P(LoraGolden, MergedEqualsUnmerged) {
  Tiny tiny(GetParam().base);
  const LoraWeights lora = load_lora(kGolden / GetParam().adapter, tiny.model.config);
  const Tensor<float> base = tiny.logits(nullptr);
  const Tensor<float> adapted = tiny.logits(&lora);
  merge_lora(tiny.model.weights, lora);
  const Tensor<float> merged = tiny.logits(nullptr);
  const std::vector<float> want(adapted.begin(), adapted.end());
  EXPECT_LE(relative_error(merged, want), 1e-5);
  EXPECT_GT(relative_error(base, want), 1e-2);  // it does something
  merge_lora(tiny.model.weights, lora, -1);
  EXPECT_LE(relative_error(tiny.logits(nullptr), {base.begin(), base.end()}), 1e-5);
}

TEST_P(LoraGolden, FilesRoundTrip) {
  const ModelConfig config = load_config(kGolden / GetParam().base);
  const LoraWeights lora = load_lora(kGolden / GetParam().adapter, config);
  const Directory directory;
  save_lora(directory.path(), config, lora, "base");
  const LoraWeights again = load_lora(directory.path(), config);
  EXPECT_EQ(again.scale(), lora.scale());
  EXPECT_TRUE(std::ranges::equal(again.flat(), lora.flat()));
  // Every tensor has peft's name and shape.
  const SafeTensors theirs =
      SafeTensors::open(kGolden / GetParam().adapter / "adapter_model.safetensors");
  const SafeTensors ours = SafeTensors::open(directory.path() / "adapter_model.safetensors");
  ASSERT_EQ(ours.tensors().size(), theirs.tensors().size());
  for (const auto& [name, t] : theirs.tensors()) {
    EXPECT_EQ(ours.at(name).shape, t.shape) << name;
    EXPECT_TRUE(std::ranges::equal(ours.at(name).bytes, t.bytes)) << name;
  }
}

TEST(Lora, StartsAsTheBaseModel) {
  for (const char* base : {"hf_gpt2", "hf_openai_gpt", "hf_qwen3", "hf_qwen2"}) {
    const Tiny tiny(base);
    LoraWeights lora(tiny.model.config, {.rank = 3, .alpha = 6, .targets = {}});
    init_lora(lora, 1);
    const Tensor<float> want = tiny.logits(nullptr), got = tiny.logits(&lora);
    EXPECT_TRUE(std::ranges::equal(got, want)) << base;
    for (const LoraTarget* t : lora.targets()) {
      const float bound = 1 / std::sqrt(static_cast<float>(t->a.dim(1)));
      const auto [low, high] = std::ranges::minmax(t->a);
      EXPECT_TRUE(low >= -bound && high <= bound && low < -0.5f * bound && high > 0.5f * bound);
    }
  }
}

TEST(Lora, GradientsEqualFiniteDifferences) {
  for (const char* base : {"hf_openai_gpt", "hf_qwen2"}) {
    const Tiny tiny(base, 1, 9);
    LoraWeights lora = random_lora(tiny.model.config, {.rank = 2, .alpha = 3, .targets = {}});
    LoraWeights grads(tiny.model.config, lora.options());
    tiny.loss(lora, &grads);
    // Along the gradient itself and along some directions: the loss is in f32, so the steps
    // are not small.
    double norm = 0;
    for (const float g : grads.flat()) norm += static_cast<double>(g) * static_cast<double>(g);
    const std::vector<float> start(lora.flat().begin(), lora.flat().end());
    for (int direction = 0; direction < 4; ++direction) {
      const auto along = [&](int64_t i) {
        const auto g = static_cast<double>(grads.flat()[i]);
        if (direction == 0) return g / std::sqrt(norm);
        return (i + direction) % 3 == 0 && g != 0 ? (g > 0 ? 0.02 : -0.02) : 0.0;
      };
      const auto loss_at = [&](double step) {
        for (int64_t i = 0; i < lora.flat().size(); ++i)
          lora.flat()[i] = start[static_cast<size_t>(i)] + static_cast<float>(step * along(i));
        return tiny.loss(lora);
      };
      double want = 0;
      for (int64_t i = 0; i < grads.flat().size(); ++i)
        want += static_cast<double>(grads.flat()[i]) * along(i);
      constexpr double kStep = 4e-3;
      const double got =
          (8 * (loss_at(kStep) - loss_at(-kStep)) - (loss_at(2 * kStep) - loss_at(-2 * kStep))) /
          (12 * kStep);
      EXPECT_NEAR(got, want, 2e-3 * std::abs(want)) << base << " " << direction;
    }
  }
}

TEST(Lora, WeightsNeverChangeAndNoGradientOfThemExists) {
  const Tiny tiny("hf_qwen3");
  const std::vector<float> before(tiny.model.weights.flat().begin(),
                                  tiny.model.weights.flat().end());
  LoraWeights lora = random_lora(tiny.model.config, {.rank = 1, .alpha = 2, .targets = {"q_proj"}});
  LoraWeights grads(tiny.model.config, lora.options());
  tiny.loss(lora, &grads);
  EXPECT_TRUE(std::ranges::equal(tiny.model.weights.flat(), before));
  // What is kept besides activations: the adapters, far fewer than the weights.
  const ModelConfig& c = tiny.model.config;
  EXPECT_EQ(std::ssize(grads.targets()), c.L);
  EXPECT_LT(20 * grads.flat().size(), tiny.model.weights.flat().size());
  const LoraScratch scratch(c, lora, 22);
  EXPECT_LT(scratch.u.size() + scratch.du.size() + scratch.b.size() + scratch.db.size() +
                scratch.dnorm_w.size() + scratch.dnorm_b.size(),
            2 * (22 + c.qkv_width() + c.C) + 1);
}

TEST(Lora, TargetsChooseMatrices) {
  const ModelConfig config = load_config(kGolden / "hf_gpt2");
  const auto count = [&](std::vector<std::string> targets) {
    return std::ssize(LoraWeights(config, {.rank = 2, .alpha = 4, .targets = targets}).targets());
  };
  EXPECT_EQ(count({}), 4 * config.L);
  EXPECT_EQ(count({"c_proj"}), 2 * config.L);
  EXPECT_EQ(count({"mlp.c_proj"}), config.L);
  EXPECT_EQ(count({"transformer.h.1.attn.c_attn"}), 1);
  EXPECT_NE(error_of([&] {
              count({"c_attn", "q_proj"});
            }).find("\"q_proj\" is no linear layer of this model, which has c_attn, c_proj, c_fc"),
            std::string::npos);
  EXPECT_NE(
      error_of([&] { LoraWeights(config, {.rank = 0, .alpha = 1, .targets = {}}); }).find("rank"),
      std::string::npos);
  EXPECT_NE(
      error_of([&] { LoraWeights(config, {.rank = 1, .alpha = -1, .targets = {}}); }).find("alpha"),
      std::string::npos);
}

TEST(Lora, BrokenAdaptersAreRefused) {
  const ModelConfig config = load_config(kGolden / "hf_qwen3");
  const Directory directory;
  const auto message = [&] { return error_of([&] { load_lora(directory.path(), config); }); };
  EXPECT_NE(message().find("not a LoRA adapter"), std::string::npos);
  fs::copy(kGolden / "lora_qwen3", directory.path(), fs::copy_options::recursive);
  EXPECT_EQ(message(), "no error");
  EXPECT_NE(error_of([&] {
              load_lora(directory.path(), load_config(kGolden / "hf_gpt2"));
            }).find("is no linear layer of this model"),
            std::string::npos);

  const fs::path file = directory.path() / "adapter_config.json";
  const auto config_json = nlohmann::json::parse(base::read_file(file));
  const auto with = [&](const char* key, const nlohmann::json& value) {
    auto changed = config_json;
    changed[key] = value;
    base::write_file(file, changed.dump());
    return message();
  };
  EXPECT_NE(with("use_dora", true).find("DoRA"), std::string::npos);
  EXPECT_NE(with("bias", "all").find("bias"), std::string::npos);
  EXPECT_NE(with("peft_type", "IA3").find("IA3"), std::string::npos);
  EXPECT_NE(with("rank_pattern", {{"q_proj", 8}}).find("rank_pattern"), std::string::npos);
  EXPECT_NE(with("r", 8).find("an adapter of another model"), std::string::npos);
  EXPECT_NE(with("r", "8").find("r"), std::string::npos);
  base::write_file(file, config_json.dump());
  base::write_file(directory.path() / "adapter_model.safetensors", "short");
  EXPECT_NE(message().find("adapter_model.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace parley::model

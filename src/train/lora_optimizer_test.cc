// LoRA in training: the optimiser, and parley sft with adapters.
#include "train/lora_optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/hf.h"
#include "train/sft.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

TEST(LoraOptimizer, IsAdamW) {
  const model::ModelConfig config = tiny_config();
  LoraTraining lora(config, {.rank = 2, .alpha = 4, .targets = {}}, 1);
  const std::vector<float> before(lora.weights.flat().begin(), lora.weights.flat().end());
  for (const model::ParamInfo& info : lora.grads.params())
    for (int64_t i = 0; i < info.shape.size(); ++i)
      lora.grads.view(info)[i] = std::sin(static_cast<float>(i + info.offset));
  const OptimizerOptions options{.lr = 1e-2, .weight_decay = 0.1, .clip = 0};
  LoraOptimizer optimizer(config, lora.weights, options);
  double squares = 0;
  for (const float g : lora.grads.flat())
    squares += static_cast<double>(g) * static_cast<double>(g);
  EXPECT_NEAR(optimizer.update(lora.weights, lora.grads, 1, 0.5), std::sqrt(squares), 1e-3);
  for (const model::ParamInfo& info : lora.weights.params())
    for (int64_t i = 0; i < info.shape.size(); ++i) {
      const auto was = static_cast<double>(before[static_cast<size_t>(info.offset + i)]);
      const auto g = static_cast<double>(lora.grads.view(info)[i]);
      // The first step of Adam is the gradient's sign.
      const double want = was - 0.5e-2 * (g / (std::abs(g) + 1e-8) + 0.1 * was);
      ASSERT_NEAR(static_cast<double>(lora.weights.view(info)[i]), want, 1e-6) << info.name;
    }
  EXPECT_EQ(optimizer.state().size(), 2 * lora.weights.params().size());

  // What is not finite changes nothing.
  const std::vector<float> after(lora.weights.flat().begin(), lora.weights.flat().end());
  lora.grads.flat()[0] = std::nanf("");
  EXPECT_TRUE(std::isnan(optimizer.update(lora.weights, lora.grads, 2, 1)));
  EXPECT_TRUE(std::ranges::equal(lora.weights.flat(), after));
  EXPECT_THROW(LoraOptimizer(config, lora.weights, {.kind = OptimizerKind::kMuon}), base::Error);
}

// Conversations that tell apart 60 numbers.
std::string chats() {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const std::string number = std::to_string(i * 37 % 101);
    lines += R"({"messages":[{"role":"user","content":"fox )" + number +
             R"("},{"role":"assistant","content":"dog )" + number + "\"}]}\n";
  }
  return lines;
}

struct LoraRun {
  TempDir dir;
  SftOptions options;
  model::Model base;

  LoraRun() {
    base::write_file(dir / "data.jsonl", chats());
    base.config = tiny_config();
    base.config.V = tiny_tokenizer().vocab_size();
    base.config.T = 96;
    base.config.eos_token = tiny_tokenizer().eos();
    base.weights = model::Weights(base.config);
    model::init_weights(base.weights, base.config, 5);
    model::save_model(dir / "base", base.config, base.weights);
    tiny_tokenizer().save(dir / "base");
    options.model = dir / "base";
    options.data = {dir / "data.jsonl"};
    options.val_fraction = 0.1;
    options.sample_tokens = 1;
    options.lora_rank = 4;
    options.loop.out = dir / "run";
    options.loop.batch = 8;
    options.loop.steps = 15;
    options.loop.val_every = 5;
    options.loop.lr = 2e-2;
    options.loop.keep = 2;
  }
};

TEST(LoraSft, TheModelIsTheBaseAndItsAdapter) {
  LoraRun run;
  const std::string base_file = base::read_file(run.dir / "base/model.safetensors");
  const SftResult result = sft(run.options, true);
  EXPECT_TRUE(result.loop.finished);
  // log(296) = 5.69 at the start; the output layer, which has learned nothing, is frozen.
  EXPECT_LT(result.loop.last["val_loss"].get<double>(), 5.5);
  EXPECT_EQ(base::read_file(run.dir / "base/model.safetensors"), base_file);

  const fs::path out = run.options.loop.out;
  const model::Model merged = model::load_model(out / "model");
  const model::LoraWeights lora = model::load_lora(out / "adapter", run.base.config);
  EXPECT_EQ(lora.options().alpha, 8);
  model::merge_lora(run.base.weights, lora);
  EXPECT_TRUE(std::ranges::equal(merged.weights.flat(), run.base.weights.flat()));
  // Nothing but the linear layers of blocks has changed.
  const model::Model base = model::load_model(run.dir / "base");
  for (const model::ParamInfo& info : merged.weights.params())
    EXPECT_NE(std::ranges::equal(merged.weights.view(info), base.weights.view(info)),
              info.kind == model::ParamKind::kMatrix)
        << info.name;
  // Checkpoints hold the adapter, not the model.
  EXPECT_FALSE(fs::exists(out / "checkpoints/step-15/model.safetensors"));
  EXPECT_LT(fs::file_size(out / "checkpoints/step-15/adapter_model.safetensors"), base_file.size());
}

TEST(LoraSft, ResumedEndsInTheSameModel) {
  LoraRun run;
  run.options.loop.best = false;
  sft(run.options, true);
  const fs::path out = run.options.loop.out;
  const auto read = [&](const char* file) { return base::read_file(out / file); };
  const std::string model = read("model/model.safetensors");
  const std::string state = read("checkpoints/step-15/optimizer.safetensors");

  // As if killed behind step 10.
  ASSERT_TRUE(fs::exists(out / "checkpoints/step-10"));
  fs::remove_all(out / "model");
  fs::remove_all(out / "adapter");
  fs::remove_all(out / "checkpoints/step-15");
  SftOptions resume;
  resume.loop.out = out;
  resume.loop.resume = true;
  EXPECT_TRUE(sft(resume, true).loop.finished);
  EXPECT_EQ(read("model/model.safetensors"), model);
  EXPECT_EQ(read("checkpoints/step-15/optimizer.safetensors"), state);
}

TEST(LoraSft, WrongOptionsAreRefused) {
  const LoraRun run;
  const auto refused = [&](auto change) {
    SftOptions o = run.options;
    change(o);
    EXPECT_THROW(sft(o, true), base::Error);
  };
  refused([](SftOptions& o) { o.lora_targets = {"c_attn"}; });
  refused([](SftOptions& o) { o.lora_rank = -1; });
  refused([](SftOptions& o) { o.lora_rank = 0, o.lora_alpha = 3; });
  refused([](SftOptions& o) { o.loop.optimizer = "muon"; });
}

}  // namespace
}  // namespace parley::train

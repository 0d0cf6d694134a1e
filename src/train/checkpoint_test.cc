#include "train/checkpoint.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

using model::Weights;

struct TinyRun {
  TempDir dir;
  model::ModelConfig config = tiny_config();
  Weights weights{config};
  Optimizer optimizer{config, {.kind = OptimizerKind::kMuon}};
  tokenizer::Tokenizer tokenizer = tiny_tokenizer();

  explicit TinyRun(uint64_t seed) {
    model::init_weights(weights, config, seed);
    Weights grads(config);
    model::init_weights(grads, config, seed + 1);
    optimizer.update(weights, grads, 1, 1.0);
  }
  Checkpoint save(int64_t step, double val_loss) {
    TrainerState state{step, val_loss, 1.5};
    state.extra["beta"] = 0.125;
    return save_checkpoint(dir / "run", state, {{trained()}}, tokenizer);
  }
  TrainedModel trained(const std::string& name = "") {
    return {name, &config, &weights, &optimizer};
  }
  std::vector<int64_t> steps() {
    std::vector<int64_t> all;
    for (const Checkpoint& c : list_checkpoints(dir / "run")) all.push_back(c.state.step);
    return all;
  }
};

bool same(F32 a, F32 b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<size_t>(a.size())) == 0;
}

TEST(Checkpoint, ReadsWhatItWroteBitForBit) {
  TinyRun run(1);
  const Checkpoint saved = run.save(7, 2.25);
  TinyRun other(5);
  TrainerState state;
  ASSERT_TRUE(load_newest_checkpoint(run.dir / "run", {{other.trained()}}, state));
  EXPECT_EQ(state.step, 7);
  EXPECT_EQ(state.val_loss, 2.25);
  EXPECT_EQ(state.elapsed, 1.5);
  EXPECT_EQ(state.extra["beta"], 0.125);
  EXPECT_TRUE(same(run.weights.flat(), other.weights.flat()));
  const auto a = run.optimizer.state(), b = other.optimizer.state();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same(a[i].values, b[i].values)) << a[i].name;

  export_checkpoint(saved, run.dir / "model");
  EXPECT_TRUE(fs::exists(run.dir / "model/model.safetensors"));
  EXPECT_TRUE(fs::exists(run.dir / "model/tokenizer.json"));
  EXPECT_FALSE(fs::exists(run.dir / "model/optimizer.safetensors"));
}

TEST(Checkpoint, KeepsSeveralModels) {
  TinyRun policy(1), value(2), policy_again(5), value_again(6);
  TrainedModel frozen = value.trained("value");
  frozen.optimizer = nullptr;
  const Checkpoint saved = save_checkpoint(
      policy.dir / "run", {3}, {{policy.trained(), value.trained("value")}}, policy.tokenizer);
  load_checkpoint(saved, {{policy_again.trained(), value_again.trained("value")}});
  EXPECT_TRUE(same(policy.weights.flat(), policy_again.weights.flat()));
  EXPECT_TRUE(same(value.weights.flat(), value_again.weights.flat()));
  const auto a = value.optimizer.state(), b = value_again.optimizer.state();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same(a[i].values, b[i].values)) << a[i].name;

  // A damaged second model leaves the first as it was.
  TinyRun untouched(7), before(7);
  fs::resize_file(saved.path / "value/optimizer.safetensors", 100);
  EXPECT_THROW(load_checkpoint(saved, {{untouched.trained(), before.trained("value")}}),
               base::Error);
  EXPECT_TRUE(same(untouched.weights.flat(), before.weights.flat()));
  load_checkpoint(saved, {{untouched.trained(), frozen}});  // its optimiser is not asked for

  export_checkpoint(saved, policy.dir / "model");
  EXPECT_FALSE(fs::exists(policy.dir / "model/value"));
}

TEST(Checkpoint, DamagedOnesArePassedOver) {
  TinyRun run(1);
  run.save(1, 3);
  const Checkpoint second = run.save(2, 3);
  const Checkpoint third = run.save(3, 3);
  fs::resize_file(second.path / "optimizer.safetensors", 100);
  base::write_file(third.path / "trainer_state.json", "{\"step\":");
  TrainerState state;
  ASSERT_TRUE(load_newest_checkpoint(run.dir / "run", {{run.trained()}}, state));
  EXPECT_EQ(state.step, 1);
}

TEST(Checkpoint, KeepsTheLastAndTheBest) {
  TinyRun run(1);
  fs::create_directories(run.dir / "run/checkpoints/step-9.123-0.tmp");
  const double losses[] = {5, 2, 4, 3, 4};
  for (int64_t step = 1; step <= 5; ++step) {
    run.save(step, losses[step - 1]);
    prune_checkpoints(run.dir / "run", 2);
  }
  EXPECT_EQ(run.steps(), (std::vector<int64_t>{2, 4, 5}));
  EXPECT_FALSE(fs::exists(run.dir / "run/checkpoints/step-9.123-0.tmp"));
  const auto all = list_checkpoints(run.dir / "run");
  EXPECT_EQ(best_checkpoint(all)->state.step, 2);
}

TEST(Checkpoint, FullDiskLosesNothing) {
  TinyRun run(1);
  run.save(1, 3);
  // A limit on file sizes stands for the end of the disk: write() fails in the middle.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small = old;
  small.rlim_cur = 50'000;
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(run.save(2, 3), base::Error);
  setrlimit(RLIMIT_FSIZE, &old);
  prune_checkpoints(run.dir / "run", 2);
  EXPECT_EQ(run.steps(), std::vector<int64_t>{1});
  TrainerState state;
  EXPECT_TRUE(load_newest_checkpoint(run.dir / "run", {{run.trained()}}, state));
  EXPECT_EQ(std::distance(fs::directory_iterator(run.dir / "run/checkpoints"), {}), 1);
}

TEST(Checkpoint, OfAnotherModelIsRefused) {
  TinyRun run(1);
  const Checkpoint saved = run.save(1, 3);
  model::ModelConfig larger = tiny_config();
  larger.L = 3;
  Weights weights(larger);
  Optimizer optimizer(larger, {});
  EXPECT_THROW(load_checkpoint(saved, {{TrainedModel{"", &larger, &weights, &optimizer}}}),
               base::Error);
  Optimizer adamw(run.config, {});
  EXPECT_THROW(load_checkpoint(saved, {{TrainedModel{"", &run.config, &run.weights, &adamw}}}),
               base::Error);
}

}  // namespace
}  // namespace parley::train

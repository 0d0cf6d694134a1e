#include "train/loop.h"

#include <csignal>
#include <map>

#include "base/error.h"
#include "base/interrupt.h"
#include "model/hf.h"
#include "train/checkpoint.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

// Learns nothing of language: every weight is drawn to its example's number.
class PullTask : public Task {
 public:
  explicit PullTask(int64_t examples) : examples_(examples) {}
  std::string_view stage() const override { return "pull"; }
  int64_t examples() const override { return examples_; }
  std::string data_checksum() const override { return checksum; }

  Json gradient(int64_t step, std::span<const int64_t> examples, const model::Weights& weights,
                model::Weights& grads) override {
    seen.emplace_back(examples.begin(), examples.end());
    if (step == interrupt_at) std::raise(SIGINT);
    double target = 0, loss = 0;
    for (const int64_t e : examples)
      target += static_cast<double>(e) / static_cast<double>(std::ssize(examples));
    const auto w = weights.flat();
    auto g = grads.flat();
    for (int64_t i = 0; i < w.size(); ++i) {
      const double d = w.data()[i] - target;
      g.data()[i] = static_cast<float>(d);
      loss += d * d;
    }
    if (step == diverge_at) loss = std::nan("");
    return {{"loss", loss}, {"tokens", 10}, {"own", step}};
  }
  Json validate(const model::Weights&) override {
    ++validations;
    if (val_losses.empty()) return Json::object();
    const double loss = val_losses[static_cast<size_t>(val_index++) % val_losses.size()];
    return {{"val_loss", loss}, {"val_own", 2 * loss}};
  }
  std::string sample(int64_t step, const model::Weights&) override {
    sampled.push_back(step);
    return "a sample";
  }
  void add_files(const fs::path& directory) const override {
    base::write_file(directory / "own.txt", "own");
  }
  void finish(model::ModelConfig& config, model::Weights&) override {
    config.eos_token = 7;
    ++finished;
  }

  std::string checksum = "abc";
  std::vector<double> val_losses;
  int64_t interrupt_at = -1, diverge_at = -1, val_index = 0, validations = 0, finished = 0;
  std::vector<std::vector<int64_t>> seen;
  std::vector<int64_t> sampled;

 private:
  int64_t examples_;
};

struct TinyLoop {
  TempDir dir;
  tokenizer::Tokenizer tokenizer = tiny_tokenizer();
  LoopOptions options;

  TinyLoop() {
    options.out = dir / "run";
    options.batch = 4;
    options.steps = 12;
    options.val_every = 3;
    options.lr = 1e-2;
  }
  LoopResult run(Task& task, const std::string& out = "") {
    if (!out.empty()) options.out = dir / out;
    model::Model model{tiny_config(), model::Weights(tiny_config())};
    model::init_weights(model.weights, model.config, 3);
    return run_loop(task, options, {{"lr", options.lr}}, model, tokenizer, true);
  }
  std::vector<Json> metrics() const {
    const std::string text = base::read_file(options.out / "metrics.jsonl");
    std::vector<Json> lines;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      lines.push_back(Json::parse(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    return lines;
  }
  std::string weights(const std::string& folder = "model") const {
    return base::read_file(options.out / folder / "model.safetensors");
  }
};

TEST(Loop, EveryExampleOnceAnEpochInAnOrderOfItsOwn) {
  TinyLoop s;
  s.options.steps = 0;
  s.options.epochs = 3;
  PullTask task(10);
  EXPECT_EQ(s.run(task).steps, 8);  // 30 / 4, the last update into a fourth epoch
  std::vector<int64_t> all;
  for (const auto& update : task.seen) all.insert(all.end(), update.begin(), update.end());
  ASSERT_EQ(all.size(), 32u);
  std::vector<std::vector<int64_t>> epochs;
  for (int e = 0; e < 3; ++e) {
    std::vector<int64_t> epoch(all.begin() + 10 * e, all.begin() + 10 * (e + 1));
    epochs.push_back(epoch);
    std::sort(epoch.begin(), epoch.end());
    for (int64_t i = 0; i < 10; ++i) EXPECT_EQ(epoch[static_cast<size_t>(i)], i);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);

  PullTask same(10), other(10);
  s.run(same, "same");
  EXPECT_EQ(task.seen, same.seen);
  s.options.seed = 1;
  s.run(other, "other");
  EXPECT_NE(task.seen, other.seen);
}

TEST(Loop, WritesLinesCheckpointsAndTheBestModel) {
  TinyLoop s;
  PullTask task(10);
  task.val_losses = {5, 4, 2, 3, 3.5};  // at steps 0, 3, 6, 9, 12
  const LoopResult result = s.run(task);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(task.finished, 1);
  EXPECT_EQ(task.sampled, (std::vector<int64_t>{0, 3, 6, 9, 12}));
  const auto lines = s.metrics();
  ASSERT_EQ(lines.size(), 13u);
  EXPECT_EQ(lines[0]["step"], 0);
  EXPECT_EQ(lines[0]["val_loss"], 5);
  EXPECT_FALSE(lines[0].contains("loss"));
  EXPECT_EQ(lines[5]["step"], 5);
  EXPECT_EQ(lines[5]["epoch"], 2.0);
  EXPECT_EQ(lines[5]["own"], 4);
  EXPECT_FALSE(lines[5].contains("val_loss"));
  for (const char* name : {"loss", "lr", "grad_norm", "tokens_per_s", "tokens", "time"})
    EXPECT_TRUE(lines[5].contains(name)) << name;
  EXPECT_EQ(lines[6]["val_own"], 4);
  EXPECT_LT(lines[12]["loss"], lines[1]["loss"]);

  // The last line, with the best one's validation; RUN/model has its weights.
  EXPECT_EQ(result.last["step"], 12);
  EXPECT_EQ(result.last["val_loss"], 2);
  EXPECT_EQ(result.last["model_step"], 6);
  EXPECT_EQ(s.weights(), s.weights("checkpoints/step-6"));
  EXPECT_NE(s.weights(), s.weights("checkpoints/step-12"));
  EXPECT_EQ(model::load_config(result.model).eos_token, 7);
  EXPECT_EQ(list_checkpoints(s.options.out).size(), 2u);
  EXPECT_TRUE(fs::exists(s.options.out / "checkpoints/step-12/own.txt"));
  EXPECT_TRUE(fs::exists(result.model / "own.txt"));
  EXPECT_EQ(load_stage_options(s.options.out, "pull")["lr"], 1e-2);
  EXPECT_THROW(load_stage_options(s.options.out, "sft"), base::Error);
  EXPECT_THROW(load_stage_options(s.dir / "nothing", "pull"), base::Error);
  EXPECT_THROW(s.run(task), base::Error) << "a run must not be overwritten";

  s.options.best = false;
  PullTask last(10);
  last.val_losses = task.val_losses;
  EXPECT_EQ(s.run(last, "last").last["model_step"], 12);
  EXPECT_EQ(s.weights(), s.weights("checkpoints/step-12"));
}

TEST(Loop, InterruptedAndResumedEndsInTheSameWeights) {
  for (const char* optimizer : {"adamw", "muon"}) {
    TinyLoop s;
    s.options.optimizer = optimizer;
    PullTask whole(10);
    whole.val_losses = {5, 4, 3, 2, 1};
    s.run(whole, "whole");
    const std::string expected = s.weights();

    PullTask task(10);
    task.val_losses = whole.val_losses;
    task.interrupt_at = 6;
    const LoopResult stopped = s.run(task, "parts");
    base::clear_interrupt();
    EXPECT_FALSE(stopped.finished);
    EXPECT_EQ(stopped.step, 7);
    EXPECT_EQ(stopped.model.filename(), "step-7");
    EXPECT_EQ(task.finished, 0);

    // As if killed after step 6: the newer checkpoint never came to be.
    fs::remove_all(s.options.out / "checkpoints/step-7");
    task.interrupt_at = -1;
    s.options.resume = true;
    const LoopResult done = s.run(task);
    EXPECT_TRUE(done.finished);
    EXPECT_EQ(s.weights(), expected) << optimizer;
    const auto lines = s.metrics();
    ASSERT_EQ(lines.size(), 13u);
    for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["step"], i);

    // Resumed when all is done: nothing more happens.
    const LoopResult again = s.run(task);
    EXPECT_EQ(again.last, done.last);
    EXPECT_EQ(s.weights(), expected);

    task.checksum = "other data";
    EXPECT_THROW(s.run(task), base::Error);
  }
}

TEST(Loop, WithoutACheckpointItBeginsAgain) {
  TinyLoop s;
  PullTask task(10);
  task.val_losses = {1};
  task.diverge_at = 1;
  EXPECT_THROW(s.run(task), base::Error);
  task.diverge_at = -1;
  s.options.resume = true;
  EXPECT_TRUE(s.run(task).finished);
  EXPECT_EQ(s.metrics().size(), 13u);
}

TEST(Loop, DivergenceNamesTheLastCheckpoint) {
  TinyLoop s;
  PullTask task(10);
  task.diverge_at = 7;
  try {
    s.run(task);
    FAIL();
  } catch (const base::Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("step 8"), std::string::npos) << message;
    EXPECT_NE(message.find("step-6"), std::string::npos) << message;
    EXPECT_NE(message.find("--lr"), std::string::npos) << message;
  }
}

TEST(Loop, SenselessOptionsAreRefused) {
  TinyLoop s;
  PullTask task(10), nothing(0);
  EXPECT_THROW(s.run(nothing), base::Error);
  const LoopOptions good = s.options;
  const auto refused = [&](auto change) {
    s.options = good;
    change(s.options);
    EXPECT_THROW(s.run(task), base::Error);
  };
  refused([](LoopOptions& o) { o.out = ""; });
  refused([](LoopOptions& o) { o.batch = 0; });
  refused([](LoopOptions& o) { o.lr = -1; });
  refused([](LoopOptions& o) { o.epochs = std::nan(""); });
  refused([](LoopOptions& o) { o.keep = 0; });
  refused([](LoopOptions& o) { o.optimizer = "sgd"; });
  refused([](LoopOptions& o) { o.schedule = "flat"; });
  EXPECT_FALSE(fs::exists(good.out));
}

}  // namespace
}  // namespace parley::train

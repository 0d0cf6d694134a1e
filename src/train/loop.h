// The loop that SFT, reward models and DPO share: epochs over examples in a shuffled order,
// one update a batch, validation, checkpoints, samples, resume. What differs is a Task.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"
#include "train/lora_optimizer.h"
#include "train/optimizer.h"
#include "train/run_log.h"
#include "train/schedule.h"

namespace parley::train {

// 0 or an empty text means "choose for me" where a comment says so.
struct LoopOptions {
  fs::path out;         // the run directory
  bool resume = false;  // go on where RUN stopped; all else comes from RUN/config.json
  double epochs = 1;
  int64_t steps = 0;   // updates; 0: by epochs
  int64_t batch = 32;  // examples an update
  double lr = 1e-4;
  std::string optimizer = "adamw";  // or muon, at 20 times the rate
  double weight_decay = 0.1;
  double adam_eps = 1e-8;
  double clip = 1.0;
  std::string schedule = "cosine";
  double final_share = 0.1;
  int64_t warmup = -1;           // updates; −1: a twentieth of the run
  int64_t val_every = 0;         // updates; 0: ten times a run
  int64_t checkpoint_every = 0;  // 0: as val_every
  int64_t keep = 1;              // checkpoints, and the best one besides
  bool best = true;  // RUN/model is the checkpoint with the lowest val_loss, else the last
  uint64_t seed = 0;
};

// Calls fn(name, field) for what RUN/config.json keeps; the stages add their own fields.
template <typename Options, typename Fn>
void for_each_loop_option(Options& o, Fn&& fn) {
  fn("epochs", o.epochs);
  fn("steps", o.steps);
  fn("batch", o.batch);
  fn("lr", o.lr);
  fn("optimizer", o.optimizer);
  fn("weight_decay", o.weight_decay);
  fn("adam_eps", o.adam_eps);
  fn("clip", o.clip);
  fn("schedule", o.schedule);
  fn("final_share", o.final_share);
  fn("warmup", o.warmup);
  fn("val_every", o.val_every);
  fn("checkpoint_every", o.checkpoint_every);
  fn("keep", o.keep);
  fn("best", o.best);
  fn("seed", o.seed);
}

// Which examples update number `step` (from 0) learns from: all of them once an epoch, each epoch
// in an order of its own; an update may reach into the next epoch. A function of its arguments.
std::vector<int64_t> examples_of_update(int64_t examples, int64_t batch, uint64_t seed,
                                        int64_t step);

// What is learned. Everything it computes must be a function of its arguments, so that a
// resumed run repeats itself.
class Task {
 public:
  virtual ~Task() = default;
  virtual std::string_view stage() const = 0;  // "sft"
  virtual int64_t examples() const = 0;        // to train on, numbered from 0
  // Of all the data: a run is not resumed with other data than it began with.
  virtual std::string data_checksum() const { return {}; }
  // Writes the gradient of the mean loss of these examples to `grads`. `step` counts updates
  // from 0. Returns metrics for this step's line, "loss" among them; "tokens" are those run,
  // "flops" the operations that took, if flops_per_token() does not tell.
  virtual Json gradient(int64_t step, std::span<const int64_t> examples,
                        const model::Weights& weights, model::Weights& grads) = 0;
  // Metrics of the held-out examples, "val_loss" among them; an empty object when there are none.
  virtual Json validate(const model::Weights& weights) = 0;
  // Appends samples to RUN/samples.md; returns a line for the terminal, or nothing.
  virtual std::string sample(int64_t step, const model::Weights& weights) {
    (void)step, (void)weights;
    return {};
  }
  // Adapters to train instead of the weights, which stay as they are: gradient() then writes to
  // their gradients, and `grads` is empty. The checkpoints are adapters; in the end they are
  // merged into RUN/model and stand in RUN/adapter. Null: the weights are trained.
  virtual LoraTraining* lora() { return nullptr; }
  // Adds files to every model directory that is written, such as the chat template.
  virtual void add_files(const fs::path& directory) const { (void)directory; }
  // The last touch on the model that becomes RUN/model (a reward model is normalised here).
  virtual void finish(model::ModelConfig& config, model::Weights& weights) {
    (void)config, (void)weights;
  }
  // Floating-point operations of one trained token, for the share of the peak; 0: not told.
  virtual double flops_per_token() const { return 0; }
};

struct LoopResult {
  bool finished = false;  // false: interrupted, can be resumed
  int64_t step = 0, steps = 0;
  double seconds = 0;  // of training, all sessions
  Json last;           // metrics of the last step; with validation the best one's "val_…" too.
                       // "model_step": the step that became RUN/model
  fs::path model;      // RUN/model, or the last checkpoint when interrupted
};

// Runs (or resumes) the task on `model`, which is changed. `options_json` goes into
// RUN/config.json beside the stage's name, and load_stage_options reads it back.
// Bit for bit the same when killed and resumed.
LoopResult run_loop(Task& task, const LoopOptions& options, const Json& options_json,
                    model::Model& model, const tokenizer::Tokenizer& tokenizer, bool quiet = false);

// The options a run began with. Error when there is no run of this stage.
Json load_stage_options(const fs::path& run, std::string_view stage);

}  // namespace parley::train

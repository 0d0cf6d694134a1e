// The loop of SFT, reward models and DPO in seven steps; run_loop() at the end of the file names
// them in order.
#include "train/loop.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/measure.h"
#include "base/progress.h"
#include "base/random.h"
#include "formats/json.h"
#include "kernels/machine.h"
#include "model/hf.h"
#include "train/checkpoint.h"
#include "train/run_checks.h"

namespace parley::train {
namespace {

using base::Clock;

constexpr uint64_t kOrderStream = 0x6f72646572;  // "order": apart from other uses of the seed
constexpr double kMuonPerAdamLr = 20;            // Muon's rates are that much larger

void require(bool holds, const char* flag, const char* what) {
  if (!holds) throw base::UsageError(fmt::format("--{} must be {}", flag, what));
}

void validate(const LoopOptions& o) {
  constexpr int64_t kMost = 1'000'000'000'000;
  require(o.epochs > 0 && o.epochs <= 1e6, "epochs", "above 0");
  require(o.steps >= 0 && o.steps <= kMost, "steps", "between 1 and 10^12");
  require(o.batch >= 1 && o.batch <= 1'000'000, "batch", "between 1 and 1000000");
  require(o.lr > 0 && std::isfinite(o.lr), "lr", "a positive number");
  require(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "weight-decay", "at least 0");
  require(o.adam_eps > 0 && std::isfinite(o.adam_eps), "adam-eps", "a positive number");
  require(o.clip >= 0, "clip", "at least 0 (0: no clipping)");
  require(o.final_share >= 0 && o.final_share <= 1, "final-share", "between 0 and 1");
  require(o.warmup >= -1, "warmup", "at least 0");
  require(o.val_every >= 0, "val-every", "at least 0");
  require(o.checkpoint_every >= 0, "checkpoint-every", "at least 0");
  require(o.keep >= 1, "keep", "at least 1");
  parse_optimizer(o.optimizer);
  parse_schedule(o.schedule);
}

// What is left to choose, knowing how many examples there are.
void choose(LoopOptions& o, int64_t examples) {
  if (o.steps == 0)
    o.steps = std::max<int64_t>(
        1, std::llround(std::ceil(
               o.epochs * static_cast<double>(examples) / static_cast<double>(o.batch) - 1e-9)));
  if (o.warmup < 0) o.warmup = o.steps / 20;
  if (o.val_every == 0) o.val_every = std::max<int64_t>(1, o.steps / 10);
  if (o.checkpoint_every == 0) o.checkpoint_every = o.val_every;
}

// The order of one epoch.
std::vector<int64_t> epoch_order(int64_t examples, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(examples));
  std::iota(order.begin(), order.end(), int64_t{0});
  base::Philox(seed, kOrderStream + static_cast<uint64_t>(epoch))
      .shuffle(std::span<int64_t>(order));
  return order;
}

// examples_of_update(), the epoch's order kept.
class Order {
 public:
  Order(int64_t examples, int64_t batch, uint64_t seed)
      : examples_(examples), batch_(batch), seed_(seed) {}

  std::vector<int64_t> update(int64_t step) {
    std::vector<int64_t> numbers;
    for (int64_t i = step * batch_; i < (step + 1) * batch_; ++i) {
      if (const int64_t epoch = i / examples_; epoch != epoch_)
        order_ = epoch_order(examples_, seed_, epoch_ = epoch);
      numbers.push_back(order_[static_cast<size_t>(i % examples_)]);
    }
    return numbers;
  }

 private:
  int64_t examples_, batch_;
  uint64_t seed_;
  int64_t epoch_ = -1;  // whose order is in order_
  std::vector<int64_t> order_;
};

class Loop {
 public:
  Loop(Task& task, LoopOptions options, model::Model& model, const tokenizer::Tokenizer& tokenizer,
       bool quiet)
      : task_(task),
        options_(std::move(options)),
        model_(model),
        tokenizer_(tokenizer),
        quiet_(quiet),
        order_(task.examples(), options_.batch, options_.seed) {}

  void prepare_run(const Json& options_json);
  void prepare_optimizer();
  void restore();
  void train();
  LoopResult finish();

 private:
  Json train_step(int64_t step);
  void measure(Json& line, int64_t step);
  void write_sample(int64_t step);
  void checkpoint();
  TrainedModel trained() {
    return {"",           &model_.config,       &model_.weights, optimizer_.get(),
            task_.lora(), lora_optimizer_.get()};
  }
  void say(const std::string& line) {
    if (!quiet_) bar_->print_line(line);
  }
  std::string progress_line(const Json& line) const;
  fs::path file(const char* name) const { return options_.out / name; }

  Task& task_;
  LoopOptions options_;
  model::Model& model_;
  const tokenizer::Tokenizer& tokenizer_;
  bool quiet_;
  Order order_;
  base::InterruptGuard interrupt_;

  Schedule schedule_;
  model::Weights grads_;
  std::unique_ptr<Optimizer> optimizer_;  // or, for adapters,
  std::unique_ptr<LoraOptimizer> lora_optimizer_;
  double peak_flops_ = 0;

  TrainerState progress_;  // extra: the last line of metrics, for the result of a resumed run
  std::unique_ptr<MetricsLog> metrics_;
  std::unique_ptr<base::Progress> bar_;
  Clock::time_point session_start_;
  double earlier_seconds_ = 0;  // of training before this session
};

// 1. The run directory: a new one, or the one to go on with.
void Loop::prepare_run(const Json& options_json) {
  const std::string data = fmt::format("{} examples {}", task_.examples(), task_.data_checksum());
  if (options_.resume) {
    const Json run = Json::parse(base::read_file(file("config.json")));
    if (run.value("data", "") != data)
      base::fail(
          "{}: the data has changed since this run began, so it cannot go on as it would have; "
          "put the old data back, or begin a new run with another --out",
          options_.out.string());
  } else {
    check_new_run(options_.out);
    Json run;
    run["stage"] = task_.stage();
    run["parley_version"] = PARLEY_VERSION;
    run["data"] = data;
    run["options"] = options_json;
    run["model"] = model::config_json(model_.config, tensor::DType::kF32);
    base::write_file(file("config.json"), run.dump(2) + "\n");
    fs::remove(file("samples.md"));  // of a run that never got here
  }
  choose(options_, task_.examples());
  schedule_ = {.kind = parse_schedule(options_.schedule),
               .steps = options_.steps,
               .warmup = options_.warmup,
               .final_share = options_.final_share};
}

// 2. Gradients and the optimiser, all of it planned.
void Loop::prepare_optimizer() {
  const OptimizerOptions options{.kind = parse_optimizer(options_.optimizer),
                                 .lr = options_.lr,
                                 .eps = options_.adam_eps,
                                 .weight_decay = options_.weight_decay,
                                 .muon_lr = kMuonPerAdamLr * options_.lr,
                                 .clip = options_.clip};
  if (LoraTraining* lora = task_.lora()) {
    lora_optimizer_ = std::make_unique<LoraOptimizer>(model_.config, lora->weights, options);
  } else {
    const auto bytes = static_cast<double>(model_.weights.flat().size()) * sizeof(float);
    check_memory(3 * bytes, "gradients and optimiser", "choose a smaller --model");
    grads_ = model::Weights(model_.config);
    optimizer_ = std::make_unique<Optimizer>(model_.config, options);
  }
  if (task_.flops_per_token() > 0) {
    static const double peak = kernels::measure_gemm_peak();  // of this machine, for all runs
    peak_flops_ = peak;
  }
  spdlog::info(
      "run: {} steps of {} examples, {:.3g} epochs of {}; {} with lr {:.3g}, {}, {} steps of "
      "warm-up",
      options_.steps, options_.batch,
      static_cast<double>(options_.steps * options_.batch) / static_cast<double>(task_.examples()),
      task_.examples(), options_.optimizer, options_.lr, options_.schedule, options_.warmup);
}

// 3. Resume: from the newest sound checkpoint, else from the beginning.
void Loop::restore() {
  if (options_.resume) {
    if (load_newest_checkpoint(options_.out, {{trained()}}, progress_))
      spdlog::info("resumed at step {} of {}", progress_.step, options_.steps);
    else
      spdlog::info("no checkpoint yet: starting from step 0");
  }
  earlier_seconds_ = progress_.elapsed;
  // Nothing of a run without a checkpoint is kept, its line of step 0 neither.
  const bool fresh = progress_.step == 0;
  if (fresh) fs::remove(file("samples.md"));
  metrics_ = std::make_unique<MetricsLog>(file("metrics.jsonl"), fresh ? -1 : progress_.step);
}

// 4. The loop. Before the first update: what the untrained model is worth.
void Loop::train() {
  session_start_ = Clock::now();
  bar_ = std::make_unique<base::Progress>(std::string(task_.stage()),
                                          static_cast<uint64_t>(options_.steps), "steps", quiet_);
  if (progress_.step == 0) {
    Json line{{"step", 0}, {"epoch", 0.0}};
    measure(line, 0);
    if (std::isfinite(progress_.val_loss)) metrics_->write(line);
    if (!base::interrupted()) write_sample(0);
  }
  while (progress_.step < options_.steps && !base::interrupted()) {
    Json line = train_step(progress_.step);
    const int64_t step = ++progress_.step;
    progress_.elapsed = earlier_seconds_ + base::seconds_since(session_start_);
    const bool last = step == options_.steps;
    const bool validated = last || step % options_.val_every == 0;
    const bool saved = last || step % options_.checkpoint_every == 0;
    // A checkpoint carries its validation loss, by which the best one is kept.
    progress_.val_loss = std::numeric_limits<double>::infinity();
    if (validated || saved) measure(line, step);
    line["time"] = progress_.elapsed;
    metrics_->write(line);
    progress_.extra["metrics"] = line;
    if (validated) write_sample(step);
    if (saved) checkpoint();
    bar_->update(static_cast<uint64_t>(step), progress_line(line));
  }
  bar_->finish();
}

// 5. One update: the task's gradient, clipping, the optimiser.
Json Loop::train_step(int64_t step) {
  const Clock::time_point start = Clock::now();
  const std::vector<int64_t> examples = order_.update(step);
  const Json metrics = task_.gradient(step, examples, model_.weights, grads_);
  const double loss = metrics.at("loss").get<double>();
  const double factor = schedule_.factor(step);
  LoraTraining* lora = task_.lora();
  const double norm = lora ? lora_optimizer_->update(lora->weights, lora->grads, step + 1, factor)
                           : optimizer_->update(model_.weights, grads_, step + 1, factor);
  check_converging(options_.out, step + 1, loss, norm, options_.lr);

  Json line;
  line["step"] = step + 1;
  line["epoch"] =
      static_cast<double>((step + 1) * options_.batch) / static_cast<double>(task_.examples());
  line["loss"] = loss;
  line["lr"] = factor * options_.lr;
  line["grad_norm"] = norm;
  if (metrics.contains("tokens")) {
    const double rate = metrics["tokens"].get<double>() / base::seconds_since(start);
    line["tokens_per_s"] = rate;
    if (peak_flops_ > 0) {
      const double flops_per_token = metrics.contains("flops") ? metrics["flops"].get<double>() /
                                                                     metrics["tokens"].get<double>()
                                                               : task_.flops_per_token();
      line["share"] = rate * flops_per_token / peak_flops_;
    }
  }
  for (const auto& [name, value] : metrics.items())
    if (name != "flops") line[name] = value;
  return line;
}

// Adds what the held-out examples say.
void Loop::measure(Json& line, int64_t step) {
  const Json held_out = task_.validate(model_.weights);
  if (!held_out.contains("val_loss")) return;
  progress_.val_loss = held_out["val_loss"].get<double>();
  line.update(held_out);
  std::string text = fmt::format("step {}:", step);
  if (line.contains("loss")) text += fmt::format(" loss {:.4f},", line["loss"].get<double>());
  for (const auto& [name, value] : held_out.items())
    if (value.is_number_float()) text += fmt::format(" {} {:.4f}", name, value.get<double>());
  say(text);
}

void Loop::write_sample(int64_t step) {
  const std::string sample = task_.sample(step, model_.weights);
  if (!sample.empty()) say("  " + sample);
}

void Loop::checkpoint() {
  save_checkpoint(options_.out, progress_, {{trained()}}, tokenizer_,
                  [this](const fs::path& directory) { task_.add_files(directory); });
  prune_checkpoints(options_.out, options_.keep);
}

std::string Loop::progress_line(const Json& line) const {
  std::string text = fmt::format("loss {:.3f}", line["loss"].get<double>());
  if (line.contains("tokens_per_s"))
    text += fmt::format("  {:.0f} tokens/s", line["tokens_per_s"].get<double>());
  if (line.contains("share"))
    text += fmt::format("  {:.0f}% of peak", 100 * line["share"].get<double>());
  return text;
}

// 6. and 7. The end: the last weights are kept; the best ones, or the last, become RUN/model.
LoopResult Loop::finish() {
  std::vector<Checkpoint> checkpoints = list_checkpoints(options_.out);
  if (checkpoints.empty() || checkpoints.back().state.step != progress_.step) {
    checkpoint();
    checkpoints = list_checkpoints(options_.out);
  }
  LoopResult result;
  result.finished = progress_.step == options_.steps;
  result.step = progress_.step;
  result.steps = options_.steps;
  result.seconds = progress_.elapsed;
  result.last = progress_.extra.value("metrics", Json::object());
  result.model = checkpoints.back().path;
  if (!result.finished) return result;

  const Checkpoint* best = options_.best ? best_checkpoint(checkpoints) : nullptr;
  if (best && best->state.step != progress_.step) {
    spdlog::info("step {} has the lowest validation loss and becomes the model", best->state.step);
    load_checkpoint(*best, {{trained()}});
    const Json metrics = best->state.extra.value("metrics", Json::object());
    for (const auto& [name, value] : metrics.items())
      if (name.starts_with("val_")) result.last[name] = value;
  }
  result.last["model_step"] = best ? best->state.step : progress_.step;
  if (const LoraTraining* lora = task_.lora()) {
    base::AtomicDirectory directory(options_.out / "adapter");
    model::save_lora(directory.path(), model_.config, lora->weights, lora->base_model);
    directory.commit();
    model::merge_lora(model_.weights, lora->weights);
  }
  task_.finish(model_.config, model_.weights);
  result.model = options_.out / "model";
  base::AtomicDirectory directory(result.model);
  model::save_model(directory.path(), model_.config, model_.weights);
  tokenizer_.save(directory.path());
  task_.add_files(directory.path());
  directory.commit();
  return result;
}

}  // namespace

std::vector<int64_t> examples_of_update(int64_t examples, int64_t batch, uint64_t seed,
                                        int64_t step) {
  return Order(examples, batch, seed).update(step);
}

LoopResult run_loop(Task& task, const LoopOptions& options, const Json& options_json,
                    model::Model& model, const tokenizer::Tokenizer& tokenizer, bool quiet) {
  if (options.out.empty()) throw base::UsageError("--out must be given: the run directory");
  validate(options);
  if (task.examples() < 1) base::fail("there is nothing to train on");
  Loop loop(task, options, model, tokenizer, quiet);
  loop.prepare_run(options_json);  // 1
  loop.prepare_optimizer();        // 2
  loop.restore();                  // 3
  loop.train();                    // 4 and 5
  return loop.finish();            // 6 and 7
}

Json load_stage_options(const fs::path& run, std::string_view stage) {
  if (run.empty()) throw base::UsageError("--out must be given: the run directory");
  const fs::path file = run / "config.json";
  if (!fs::exists(file))
    base::fail("{}: there is no run to resume here; leave out --resume to begin one",
               file.string());
  const formats::Json json =
      formats::parse_json(base::read_file(file, uint64_t{1} << 20), file.string());
  const formats::JsonFields fields(json, file.string());
  if (fields.string_or("stage", "") != stage)
    base::fail("{}: the run directory of another stage than {}", file.string(), stage);
  const formats::Json* options = fields.find("options");
  if (!options || !options->is_object())
    base::fail("{}: not a run's configuration: it has no options", file.string());
  return *options;
}

}  // namespace parley::train

// Pre-training in eight steps; pretrain() at the end of the file names them in order.
#include "train/pretrain.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/measure.h"
#include "base/progress.h"
#include "data/chat_ids.h"
#include "kernels/machine.h"
#include "model/hf.h"
#include "model/train_step.h"
#include "train/checkpoint.h"
#include "train/corpus.h"
#include "train/run_checks.h"
#include "train/run_log.h"
#include "train/text_rows.h"

namespace parley::train {
namespace {

using base::Clock;

constexpr const char* kSmaller = "choose a smaller --preset, --batch or --seq, or use --recompute";

class Pretraining {
 public:
  Pretraining(PretrainOptions options, bool quiet) : options_(std::move(options)), quiet_(quiet) {}

  void prepare_options();
  void prepare_data();
  void prepare_model();
  void prepare_length();
  void restore();
  void train();
  PretrainResult finish();

 private:
  struct StepReport {
    double loss, grad_norm, lr_factor, seconds;
  };

  void first_weights();
  StepReport train_step(int64_t step);
  void after_step(const StepReport& report);
  data::TextLoss measure_held_out(int64_t max_tokens, const std::function<bool()>& give_up = {});
  void checkpoint();
  TrainedModel trained() { return {"", &config_, &weights_, optimizer_.get()}; }
  void say(std::string_view line) {
    if (!quiet_) bar_->print_line(line);
  }
  std::string progress_line(const StepReport& report) const;
  double flops_per_second(double tokens_per_second) const {
    return tokens_per_second * model::train_flops_per_token(config_, options_.seq);
  }

  PretrainOptions options_;
  bool quiet_;
  std::string corpus_checksum_;                    // of the run that is resumed
  std::optional<base::InterruptGuard> interrupt_;  // from when there is something to save

  std::optional<tokenizer::Tokenizer> tokenizer_;
  std::unique_ptr<Corpus> corpus_;
  model::ModelConfig config_;
  model::Weights weights_, grads_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<model::TrainState> state_;
  std::vector<data::Batch> batches_;  // grad_accum of (B, T)
  Schedule schedule_;

  TrainerState progress_;  // updates done, last validation
  std::unique_ptr<MetricsLog> metrics_;
  std::unique_ptr<base::Progress> bar_;
  std::vector<double> step_seconds_, recent_losses_;
  double peak_flops_ = 0;
  Clock::time_point session_start_;
  double earlier_seconds_ = 0;  // of training before this session
};

// 1. Options: of this call, or of the run that is resumed.
void Pretraining::prepare_options() {
  if (options_.out.empty()) throw base::UsageError("--out must be given: the run directory");
  if (options_.resume) {
    SavedRun run = load_run(options_.out);
    run.options.continue_as(options_);
    options_ = run.options;
    config_ = run.model;
    corpus_checksum_ = run.corpus;
    return;
  }
  validate(options_);
  check_new_run(options_.out);
  options_.make_paths_absolute();
  config_ =
      options_.model.empty() ? find_preset(options_.preset) : model::load_config(options_.model);
  choose_sizes(options_, config_);
}

// 2. Data: the tokenizer, and the corpus as rows of tokens.
void Pretraining::prepare_data() {
  tokenizer_ = prepare_tokenizer(options_, config_.V, quiet_);
  corpus_ = std::make_unique<Corpus>(options_, *tokenizer_, quiet_);
  if (!corpus_checksum_.empty() && corpus_checksum_ != corpus_->checksum())
    base::fail(
        "{}: the data has changed since this run began, so it cannot go on as it would have; put "
        "the old data back, or begin a new run with another --out",
        options_.out.string());
  corpus_checksum_ = corpus_->checksum();
  if (!options_.resume) corpus_->write_held_out(*tokenizer_, options_.out / "held_out.jsonl");
  spdlog::info("data: {:.2f} M tokens an epoch, {:.1f} k tokens held out, vocabulary {}",
               static_cast<double>(corpus_->train().targets_per_epoch()) / 1e6,
               corpus_->held_out()
                   ? static_cast<double>(corpus_->held_out()->targets_per_epoch()) / 1e3
                   : 0.0,
               tokenizer_->vocab_size());
}

// 3. Model: weights, gradients, optimiser and activations, all of it planned.
void Pretraining::prepare_model() {
  const bool from_model = !options_.model.empty();  // its vocabulary may be padded
  if (from_model && !options_.resume) {
    if (options_.seq > config_.T && config_.positions == model::PositionKind::kLearned)
      throw base::UsageError(fmt::format("--seq {}: {} has learned {} positions and no more",
                                         options_.seq, options_.model, config_.T));
    config_.T = std::max(config_.T, options_.seq);
  } else if (!options_.resume) {
    config_.V = tokenizer_->vocab_size();
    config_.T = options_.seq;  // no position beyond what is trained
    config_.eos_token = tokenizer_->eos();
    config_.bos_token = tokenizer_->bos();
    config_.pad_token = tokenizer_->pad();
    model::validate(config_, "--preset " + options_.preset);
  }
  if (from_model ? config_.V < tokenizer_->vocab_size() : config_.V != tokenizer_->vocab_size())
    base::fail("{}: the run's tokenizer has {} tokens, its model {}; put the old tokenizer back",
               (options_.out / "tokenizer").string(), tokenizer_->vocab_size(), config_.V);

  const double parameters = static_cast<double>(model::count_parameters(config_));
  check_memory(parameters * 4 * sizeof(float), "weights, gradients and optimiser", kSmaller);
  weights_ = model::Weights(config_);
  grads_ = model::Weights(config_);
  optimizer_ = std::make_unique<Optimizer>(config_, options_.optimizer_options());
  state_ = std::make_unique<model::TrainState>(
      config_, model::TrainOptions{options_.batch, options_.seq, options_.recompute});
  const double planned = 2 * parameters * sizeof(float) +
                         static_cast<double>(optimizer_->state_bytes() + state_->planned_bytes());
  check_memory(planned, "the model and its activations", kSmaller);
  batches_.assign(static_cast<size_t>(options_.grad_accum),
                  data::Batch(options_.batch, options_.seq));
  first_weights();

  peak_flops_ = kernels::measure_gemm_peak();
  spdlog::info(
      "model: {} with {:.2f} M parameters, {} planned (parameters, gradients, optimiser, "
      "activations); GEMM peak {:.0f} GFLOP/s",
      options_.model.empty() ? options_.preset : options_.model, parameters / 1e6,
      base::human_bytes(planned), peak_flops_ / 1e9);
}

// Fresh ones, or those of --model. A resumed run has its own.
void Pretraining::first_weights() {
  if (options_.model.empty() || options_.resume) {
    model::init_weights(weights_, config_, options_.seed);
    return;
  }
  const model::Model from = model::load_model(options_.model);
  PARLEY_CHECK(from.weights.flat().size() == weights_.flat().size(), "{} weights of {}",
               from.weights.flat().size(), weights_.flat().size());
  std::ranges::copy(from.weights.flat(), weights_.flat().begin());
}

// 4. Length: a budget of time becomes a number of steps by timing a few real ones, whose
// traces are then removed. The schedule depends on steps only, so a resumed run repeats it.
void Pretraining::prepare_length() {
  interrupt_.emplace();
  schedule_ = options_.schedule_options();
  if (!options_.resume) {
    constexpr double kEnoughSeconds = 10;
    double seconds = std::numeric_limits<double>::infinity(), spent = 0;
    for (int repeat = 0; repeat < 3 && spent < kEnoughSeconds; ++repeat) {
      const double step_seconds = train_step(0).seconds;
      seconds = std::min(seconds, step_seconds);
      spent += step_seconds;
    }
    if (base::interrupted()) base::fail("interrupted before the first step");
    choose_length(options_, seconds);
    schedule_ = options_.schedule_options();
    save_run({options_, config_, corpus_checksum_});
    optimizer_.reset();  // before the new one is made: there may not be memory for two
    optimizer_ = std::make_unique<Optimizer>(config_, options_.optimizer_options());
    first_weights();
    fs::remove(options_.out / "samples.md");  // of a run that never got here
  } else {
    save_run({options_, config_, corpus_checksum_});  // the data may have moved, the run grown
  }
  spdlog::info("run: {} steps of {} tokens ({} x {} x {}), {} with lr {:.3g}, {}", options_.steps,
               options_.tokens_per_step(), options_.batch, options_.seq, options_.grad_accum,
               options_.optimizer, options_.lr, options_.schedule);
}

// 5. Resume: from the newest sound checkpoint, else from the beginning.
void Pretraining::restore() {
  if (options_.resume) {
    if (load_newest_checkpoint(options_.out, {{trained()}}, progress_))
      spdlog::info("resumed at step {} of {}", progress_.step, options_.steps);
    else
      spdlog::info("no checkpoint yet: starting from step 0");
  }
  earlier_seconds_ = progress_.elapsed;
  metrics_ = std::make_unique<MetricsLog>(options_.out / "metrics.jsonl", progress_.step);
}

// 6. The loop.
void Pretraining::train() {
  session_start_ = Clock::now();
  const auto tokens_per_step = static_cast<uint64_t>(options_.tokens_per_step());
  bar_ = std::make_unique<base::Progress>(
      "pretrain", static_cast<uint64_t>(options_.steps) * tokens_per_step, "tokens", quiet_);
  while (progress_.step < options_.steps && !base::interrupted()) {
    const StepReport report = train_step(progress_.step);
    if (std::isinf(report.seconds)) break;  // interrupted before the update
    ++progress_.step;
    progress_.elapsed = earlier_seconds_ + base::seconds_since(session_start_);
    after_step(report);
    bar_->update(static_cast<uint64_t>(progress_.step) * tokens_per_step, progress_line(report));
  }
  bar_->finish();
}

// 7. One update: gradients of grad_accum batches, clipping, the optimiser.
Pretraining::StepReport Pretraining::train_step(int64_t step) {
  const Clock::time_point start = Clock::now();
  // Rows are a function of (seed, row number), which is a function of the step.
  const auto rows = static_cast<uint64_t>(options_.batch);
  const auto accum = static_cast<uint64_t>(options_.grad_accum);
  int64_t targets = 0;
  for (uint64_t i = 0; i < accum; ++i) {
    corpus_->train().fill((static_cast<uint64_t>(step) * accum + i) * rows, batches_[i]);
    targets += batches_[i].counted_targets();
  }
  // Each batch counts by its targets, so that the sum is the mean over all of them.
  double loss = 0;
  for (uint64_t i = 0; i < accum; ++i) {
    if (base::interrupted()) return {0, 0, 0, std::numeric_limits<double>::infinity()};
    const double share = static_cast<double>(batches_[i].counted_targets()) /
                         static_cast<double>(std::max<int64_t>(1, targets));
    loss += share * state_->forward_backward(weights_, grads_, views(batches_[i]), i > 0,
                                             static_cast<float>(share));
  }
  const double factor = schedule_.factor(step);
  const double norm = optimizer_->update(weights_, grads_, step + 1, factor);
  check_converging(options_.out, step + 1, loss, norm, options_.lr);
  return {loss, norm, factor, base::seconds_since(start)};
}

void Pretraining::after_step(const StepReport& report) {
  const int64_t step = progress_.step;
  const bool last = step == options_.steps;
  const auto due = [&](int64_t every) { return last || step % every == 0; };
  step_seconds_.push_back(report.seconds);
  recent_losses_.push_back(report.loss);

  const double rate = static_cast<double>(options_.tokens_per_step()) / report.seconds;
  Json line;
  line["step"] = step;
  line["tokens"] = step * options_.tokens_per_step();
  line["loss"] = report.loss;
  line["lr"] = report.lr_factor * options_.lr;
  line["grad_norm"] = report.grad_norm;
  line["tokens_per_s"] = rate;
  line["share"] = flops_per_second(rate) / peak_flops_;
  // A checkpoint carries its validation loss, by which the best one is kept.
  progress_.val_loss = std::numeric_limits<double>::infinity();
  if (corpus_->held_out() && (due(options_.val_every) || due(options_.checkpoint_every))) {
    const data::TextLoss held_out = measure_held_out(options_.val_tokens);
    if (held_out.targets > 0) {
      progress_.val_loss = held_out.loss();
      line["val_loss"] = held_out.loss();
      line["val_bpb"] = held_out.bits_per_byte();
      say(fmt::format("step {}: loss {:.4f}, validation {:.4f} ({:.4f} bits per byte)", step,
                      report.loss, held_out.loss(), held_out.bits_per_byte()));
    }
  }
  line["time"] = progress_.elapsed;
  metrics_->write(line);

  if (due(options_.sample_every)) {
    const std::string sample = write_samples(
        options_.out / "samples.md", fmt::format("Step {}, loss {:.3f}", step, report.loss),
        config_, weights_, *tokenizer_, corpus_->separator(), options_.seed);
    say("  \"" + sample + "\"");
  }
  if (due(options_.checkpoint_every)) checkpoint();
}

data::TextLoss Pretraining::measure_held_out(int64_t max_tokens,
                                             const std::function<bool()>& give_up) {
  const int64_t rows = max_tokens > 0 ? std::max<int64_t>(1, max_tokens / options_.seq) : 0;
  return data::measure_text_loss(
      *corpus_->held_out(), options_.batch, options_.seq, rows, corpus_->token_bytes(),
      [this](const data::Batch& batch) { return state_->forward_loss(weights_, views(batch)).sum; },
      give_up);
}

void Pretraining::checkpoint() {
  AddFiles add_files;  // a model's template stays with it
  if (!options_.model.empty())
    add_files = [this](const fs::path& directory) {
      data::keep_chat_format(options_.out / "tokenizer", directory);
    };
  save_checkpoint(options_.out, progress_, {{trained()}}, *tokenizer_, add_files);
  prune_checkpoints(options_.out, options_.keep);
}

std::string Pretraining::progress_line(const StepReport& report) const {
  const double rate = static_cast<double>(options_.tokens_per_step()) / report.seconds;
  return fmt::format("step {}  loss {:.3f}  {:.0f}% of peak", progress_.step, report.loss,
                     100 * flops_per_second(rate) / peak_flops_);
}

// 8. The end: the last weights are kept; the best ones become RUN/model.
PretrainResult Pretraining::finish() {
  std::vector<Checkpoint> checkpoints = list_checkpoints(options_.out);
  if (checkpoints.empty() || checkpoints.back().state.step != progress_.step) {
    checkpoint();
    checkpoints = list_checkpoints(options_.out);
  }
  PretrainResult result;
  result.finished = progress_.step == options_.steps;
  result.step = progress_.step;
  result.steps = options_.steps;
  result.tokens = progress_.step * options_.tokens_per_step();
  const auto recent = std::min<std::ptrdiff_t>(100, std::ssize(recent_losses_));
  for (auto it = recent_losses_.end() - recent; it != recent_losses_.end(); ++it)
    result.train_loss += *it / static_cast<double>(recent);
  const double step_seconds = base::median(step_seconds_);
  if (step_seconds > 0)
    result.tokens_per_second = static_cast<double>(options_.tokens_per_step()) / step_seconds;
  result.flops_per_second = flops_per_second(result.tokens_per_second);
  result.peak_flops_per_second = peak_flops_;
  result.seconds = progress_.elapsed;
  result.model = checkpoints.back().path;
  if (!result.finished) return result;

  const Checkpoint* best = best_checkpoint(checkpoints);
  if (!best) best = &checkpoints.back();
  if (best->state.step != progress_.step) {
    spdlog::info("step {} has the lowest validation loss and becomes the model", best->state.step);
    load_checkpoint(*best, {{trained()}});
  }
  result.model = options_.out / "model";
  export_checkpoint(*best, result.model);
  if (corpus_->held_out()) {
    result.held_out = measure_held_out(0, base::interrupted);
    if (base::interrupted()) result.held_out = {};  // a part of the text says nothing
    result.held_out_text = {options_.out / "held_out.jsonl"};
  }
  return result;
}

}  // namespace

PretrainResult pretrain(PretrainOptions options, bool quiet) {
  Pretraining run(std::move(options), quiet);
  run.prepare_options();  // 1
  run.prepare_data();     // 2
  run.prepare_model();    // 3
  run.prepare_length();   // 4
  run.restore();          // 5
  run.train();            // 6 and 7
  return run.finish();    // 8
}

}  // namespace parley::train

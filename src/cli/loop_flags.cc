#include "cli/loop_flags.h"

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"

namespace parley::cli {

void add_loop_flags(CLI::App& c, train::LoopOptions& o) {
  const char* length = "Length and batch";
  auto* epochs = c.add_option("--epochs", o.epochs, "times over the data")
                     ->capture_default_str()
                     ->group(length);
  c.add_option("--steps", o.steps, "updates to make, instead of --epochs")
      ->excludes(epochs)
      ->group(length);
  c.add_option("--batch", o.batch, "examples an update")->capture_default_str()->group(length);
  const char* optimizer = "Optimiser";
  c.add_option("--optimizer", o.optimizer, "adamw, or muon for the matrices of linear layers")
      ->check(CLI::IsMember({"adamw", "muon"}))
      ->capture_default_str()
      ->group(optimizer);
  c.add_option("--lr", o.lr, "peak learning rate")->capture_default_str()->group(optimizer);
  c.add_option("--weight-decay", o.weight_decay, "of matrices")
      ->capture_default_str()
      ->group(optimizer);
  c.add_option("--adam-eps", o.adam_eps, "Adam's epsilon")->capture_default_str()->group(optimizer);
  c.add_option("--clip", o.clip, "longest gradient, as a global norm (0: any)")
      ->capture_default_str()
      ->group(optimizer);
  c.add_option("--schedule", o.schedule, "of the learning rate, after the warm-up")
      ->check(CLI::IsMember({"cosine", "trapezoid"}))
      ->capture_default_str()
      ->group(optimizer);
  c.add_option("--final-share", o.final_share, "where the rate ends, as a share of its peak")
      ->capture_default_str()
      ->group(optimizer);
  c.add_option("--warmup", o.warmup, "updates of warm-up (default: a twentieth of the run)")
      ->group(optimizer);
  const char* run = "Run";
  c.add_option("--out", o.out, "the run directory")->required()->group(run);
  c.add_flag("--resume", o.resume, "go on with the run in --out, with its own options")->group(run);
  c.add_option("--seed", o.seed, "of fresh weights and the order of data")
      ->capture_default_str()
      ->group(run);
  c.add_option("--val-every", o.val_every,
               "updates between validations (default: a tenth of the run)")
      ->group(run);
  c.add_option("--checkpoint-every", o.checkpoint_every,
               "updates between checkpoints (default: as --val-every)")
      ->group(run);
  c.add_option("--keep", o.keep, "checkpoints to keep, besides the best")
      ->capture_default_str()
      ->group(run);
  c.add_flag("!--last", o.best, "the model is the last step's, not the best one's")->group(run);
}

void check_resume_flags(const CLI::App& command, const std::set<std::string>& also) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() > 0 && name != "--out" && name != "--resume" && !also.contains(name))
      throw base::UsageError("--resume goes on with the options the run began with; leave out " +
                             name);
  }
}

void report_loop(const CLI::App& command, const train::LoopResult& result,
                 const train::LoopOptions& options) {
  if (!result.finished)
    base::fail(
        "interrupted at step {} of {}; saved in {}. Continue with: parley {} --resume --out {}",
        result.step, result.steps, result.model.string(), command.get_name(), options.out.string());
  spdlog::info("{} steps in {}", result.step, base::human_duration(result.seconds));
  spdlog::info("model: {}", result.model.string());
}

nlohmann::ordered_json loop_json(const train::LoopResult& result) {
  nlohmann::ordered_json json;
  json["finished"] = result.finished;
  json["model"] = result.model.string();
  json["step"] = result.step;
  json["steps"] = result.steps;
  json["seconds"] = result.seconds;
  json["last"] = result.last;
  return json;
}

}  // namespace parley::cli

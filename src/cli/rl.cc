// parley ppo, parley grpo: learning from rewards.
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/loop_flags.h"
#include "cli/output.h"
#include "train/ppo.h"

namespace parley::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kPpoExamples = R"(Examples:
  parley ppo --model runs/sft/model --reward model:runs/reward/model --prompts prompts.jsonl \
             --ptx-data text.jsonl --out runs/ppo
      {"messages"} or {"prompt"} a line; the gradient of pre-training text is mixed in (PPO-ptx)
  parley ppo --model runs/sft/model --reward "0.5*model:runs/reward/model+0.5*finished" \
             --prompts prompts.jsonl --gold model:runs/judge/model --out runs/ppo
  parley ppo --resume --out runs/ppo
  parley plot runs/ppo
The run directory holds config.json, metrics.jsonl, samples.md, checkpoints/ and in the end model/.
)";

constexpr const char* kGrpoExamples = R"(Examples:
  parley grpo --model runs/sft/model --reward number --prompts gsm8k.jsonl --out runs/grpo
      the last number of the answer must be the record's "answer"
  parley grpo --model runs/code/model --reward tests --prompts tasks.jsonl --group 16 --out runs/grpo
  parley grpo --resume --out runs/grpo
)";

void add_model_flags(CLI::App& c, train::RlOptions& o) {
  const char* group = "Models and data";
  c.add_option("--model", o.model, "directory of the policy to start from; the reference too")
      ->group(group);
  if (o.algorithm == train::RlAlgorithm::kPpo)
    c.add_option("--value-model", o.value_model,
                 "where the value model starts (default: the reward model)")
        ->group(group);
  c.add_option("--prompts", o.prompts, "JSON Lines of {messages} or {prompt}")->group(group);
  c.add_option(
       "--reward", o.reward,
       "model:DIR, regex:PATTERN, exact, number, tests, command:PROGRAM, length:N, finished, "
       "or a weighted sum (0.7*model:DIR+0.3*finished)")
      ->group(group);
  c.add_option("--gold", o.gold, "a reward that is measured beside, never learned from")
      ->group(group);
  c.add_flag("--unsandboxed", o.unsandboxed, "run tests of code without bubblewrap")->group(group);
  c.add_flag("--skip-bad", o.skip_bad, "pass over broken records, with a count")->group(group);
}

void add_rollout_flags(CLI::App& c, train::RlOptions& o) {
  const char* group = "Rollouts";
  c.add_option("--iterations", o.iterations, "rollouts and updates")
      ->capture_default_str()
      ->group(group);
  c.add_option("--episodes", o.episodes, "answers an iteration")
      ->capture_default_str()
      ->group(group);
  c.add_option("--group", o.group, "answers to each prompt")->capture_default_str()->group(group);
  c.add_option("--max-tokens", o.max_tokens, "of an answer")->capture_default_str()->group(group);
  c.add_option("--max-prompt", o.max_prompt, "tokens (default: what the context leaves)")
      ->group(group);
  c.add_option("--temperature", o.temperature, "of sampling and of every log-probability")
      ->capture_default_str()
      ->group(group);
  c.add_option("--eos-penalty", o.eos_penalty,
               "what the score loses when an answer does not end by itself")
      ->capture_default_str()
      ->group(group);
  c.add_flag("--eos-replaces", o.eos_replaces, "its score is minus the penalty instead")
      ->group(group);
}

void add_reward_flags(CLI::App& c, train::RlOptions& o) {
  const char* group = "Rewards";
  c.add_option("--reward-clip", o.reward_clip, "hold the score within plus and minus this (0: any)")
      ->capture_default_str()
      ->group(group);
  c.add_option("--kl", o.kl, "coefficient of the KL from the reference")
      ->capture_default_str()
      ->group(group);
  c.add_option("--kl-target", o.kl_target, "adapt it towards this many nats an answer (0: fixed)")
      ->capture_default_str()
      ->group(group);
  c.add_option("--kl-horizon", o.kl_horizon, "episodes over which it adapts")
      ->capture_default_str()
      ->group(group);
  if (o.algorithm == train::RlAlgorithm::kGrpo) {
    c.add_flag("!--no-std", o.divide_by_std, "do not divide by the group's standard deviation")
        ->group(group);
    return;
  }
  c.add_option("--kl-estimator", o.kl_estimator, "k1 (log-ratio) or k3 (never negative)")
      ->check(CLI::IsMember({"k1", "k3"}))
      ->capture_default_str()
      ->group(group);
  c.add_flag("--whiten-rewards", o.whiten_rewards, "unit variance, the mean kept")->group(group);
  c.add_flag("!--raw-advantages", o.whiten_advantages, "do not whiten advantages")->group(group);
  c.add_option("--gamma", o.gamma, "discount a token")->capture_default_str()->group(group);
  c.add_option("--lambda", o.lambda, "of generalised advantage estimation")
      ->capture_default_str()
      ->group(group);
}

void add_update_flags(CLI::App& c, train::RlOptions& o) {
  const char* group = "Updates";
  c.add_option("--epochs", o.epochs, "over an iteration's answers")
      ->capture_default_str()
      ->group(group);
  c.add_option("--minibatches", o.minibatches, "updates an epoch")
      ->capture_default_str()
      ->group(group);
  c.add_option("--ppo-clip", o.clip, "of the probability ratio")
      ->capture_default_str()
      ->group(group);
  c.add_option("--lr", o.lr, "learning rate of the policy")->capture_default_str()->group(group);
  c.add_option("--adam-eps", o.adam_eps, "Adam's epsilon")->capture_default_str()->group(group);
  c.add_option("--grad-clip", o.grad_clip, "longest gradient, as a global norm (0: any)")
      ->capture_default_str()
      ->group(group);
  c.add_option("--schedule", o.schedule, "of the learning rate: linear (to 0) or constant")
      ->check(CLI::IsMember({"linear", "constant"}))
      ->capture_default_str()
      ->group(group);
  c.add_option("--warmup", o.warmup, "iterations of warm-up")->capture_default_str()->group(group);
  if (o.algorithm == train::RlAlgorithm::kPpo) {
    c.add_option("--value-clip", o.value_clip, "of values")->capture_default_str()->group(group);
    c.add_option("--value-lr", o.value_lr, "learning rate of the value model (default: twice --lr)")
        ->group(group);
    c.add_option("--value-warmup", o.value_warmup, "iterations in which only it learns")
        ->capture_default_str()
        ->group(group);
  }
  c.add_option("--ptx-data", o.ptx_data, "pre-training text whose gradient is mixed in")
      ->group(group);
  c.add_option("--ptx", o.ptx, "its coefficient")->capture_default_str()->group(group);
  c.add_option("--ptx-ratio", o.ptx_ratio, "rows of text for each row of answers")
      ->capture_default_str()
      ->group(group);
  c.add_option("--ema", o.ema, "decay of the averaged policy, which becomes the model (0: none)")
      ->capture_default_str()
      ->group(group);
}

void add_run_flags(CLI::App& c, train::RlOptions& o) {
  const char* group = "Run";
  c.add_option("--out", o.out, "the run directory")->required()->group(group);
  c.add_flag("--resume", o.resume, "go on with the run in --out, with its own options")
      ->group(group);
  c.add_option("--eval-text", o.eval_text, "held-out text whose bits per byte are logged")
      ->group(group);
  c.add_option("--sample-every", o.sample_every, "iterations between samples (default: a tenth)")
      ->group(group);
  c.add_option("--checkpoint-every", o.checkpoint_every,
               "iterations between checkpoints (default: a tenth)")
      ->group(group);
  c.add_option("--keep", o.keep, "checkpoints to keep")->capture_default_str()->group(group);
  c.add_option("--seed", o.seed, "of sampling and orders")->capture_default_str()->group(group);
}

ordered_json to_json(const train::RlResult& r) {
  ordered_json json;
  json["finished"] = r.finished;
  json["model"] = r.model.string();
  json["step"] = r.step;
  json["steps"] = r.steps;
  json["seconds"] = r.seconds;
  json["rollout_seconds"] = r.rollout_seconds;
  json["scoring_seconds"] = r.scoring_seconds;
  json["update_seconds"] = r.update_seconds;
  json["other_seconds"] = r.other_seconds;
  json["rollout_tokens_per_s"] = r.rollout_tokens_per_second;
  json["update_flops_per_s"] = r.update_flops_per_second;
  json["peak_flops_per_s"] = r.peak_flops_per_second;
  json["update_share_of_peak"] = r.update_flops_per_second / r.peak_flops_per_second;
  json["first"] = r.first;
  json["last"] = r.last;
  return json;
}

void run(const CLI::App& command, const train::RlOptions& options, const Common& common) {
  const train::RlResult r = train::train_rl(options);
  if (common.json) write_out(to_json(r).dump() + "\n");
  if (!r.finished)
    base::fail(
        "interrupted at iteration {} of {}; saved in {}. Continue with: parley {} --resume "
        "--out {}",
        r.step, r.steps, r.model.string(), command.get_name(), options.out.string());
  const double total = r.rollout_seconds + r.scoring_seconds + r.update_seconds + r.other_seconds;
  spdlog::info(
      "{} iterations in {}: {:.0f}% rollouts ({:.0f} tokens/s), {:.0f}% scoring, {:.0f}% "
      "updates ({:.0f}% of the GEMM peak), {:.0f}% samples, checkpoints and start",
      r.step, base::human_duration(r.seconds), 100 * r.rollout_seconds / total,
      r.rollout_tokens_per_second, 100 * r.scoring_seconds / total, 100 * r.update_seconds / total,
      100 * r.update_flops_per_second / r.peak_flops_per_second, 100 * r.other_seconds / total);
  spdlog::info("reward {:.3f} -> {:.3f}, KL {:.2f} nats an answer", r.first.value("reward", 0.0),
               r.last.value("reward", 0.0), r.last.value("kl", 0.0));
  spdlog::info("model: {}", r.model.string());
}

void add_command(CLI::App& app, Common& common, const char* name, const char* description,
                 const char* examples, train::RlAlgorithm algorithm) {
  auto options = std::make_shared<train::RlOptions>();
  options->algorithm = algorithm;
  if (algorithm == train::RlAlgorithm::kGrpo) {
    options->group = 8;
    options->epochs = 1;
  }
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(examples);
  add_model_flags(*command, *options);
  add_rollout_flags(*command, *options);
  add_reward_flags(*command, *options);
  add_update_flags(*command, *options);
  add_run_flags(*command, *options);
  command->callback([command, options, &common] {
    if (options->resume) check_resume_flags(*command);
    run(*command, *options, common);
  });
}

}  // namespace

void add_rl(CLI::App& app, Common& common) {
  add_command(app, common, "ppo", "align a model with rewards: PPO with the pre-training mix",
              kPpoExamples, train::RlAlgorithm::kPpo);
  add_command(app, common, "grpo", "align a model with rewards, without a value model",
              kGrpoExamples, train::RlAlgorithm::kGrpo);
}

}  // namespace parley::cli

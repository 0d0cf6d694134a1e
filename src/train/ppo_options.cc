#include "train/ppo_options.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "train/loop.h"

namespace parley::train {
namespace {

template <typename Options, typename Fn>
void for_each_option(Options& o, Fn&& fn) {
  fn("model", o.model);
  fn("value_model", o.value_model);
  fn("prompts", o.prompts);
  fn("reward", o.reward);
  fn("gold", o.gold);
  fn("unsandboxed", o.unsandboxed);
  fn("skip_bad", o.skip_bad);
  fn("iterations", o.iterations);
  fn("episodes", o.episodes);
  fn("group", o.group);
  fn("max_tokens", o.max_tokens);
  fn("max_prompt", o.max_prompt);
  fn("temperature", o.temperature);
  fn("eos_penalty", o.eos_penalty);
  fn("eos_replaces", o.eos_replaces);
  fn("reward_clip", o.reward_clip);
  fn("kl", o.kl);
  fn("kl_target", o.kl_target);
  fn("kl_horizon", o.kl_horizon);
  fn("kl_estimator", o.kl_estimator);
  fn("whiten_rewards", o.whiten_rewards);
  fn("whiten_advantages", o.whiten_advantages);
  fn("gamma", o.gamma);
  fn("lambda", o.lambda);
  fn("divide_by_std", o.divide_by_std);
  fn("epochs", o.epochs);
  fn("minibatches", o.minibatches);
  fn("clip", o.clip);
  fn("value_clip", o.value_clip);
  fn("lr", o.lr);
  fn("value_lr", o.value_lr);
  fn("adam_eps", o.adam_eps);
  fn("grad_clip", o.grad_clip);
  fn("schedule", o.schedule);
  fn("warmup", o.warmup);
  fn("value_warmup", o.value_warmup);
  fn("ptx_data", o.ptx_data);
  fn("ptx", o.ptx);
  fn("ptx_ratio", o.ptx_ratio);
  fn("eval_text", o.eval_text);
  fn("ema", o.ema);
  fn("sample_every", o.sample_every);
  fn("checkpoint_every", o.checkpoint_every);
  fn("keep", o.keep);
  fn("seed", o.seed);
}

std::string_view stage(const RlOptions& options) {
  return options.algorithm == RlAlgorithm::kGrpo ? "grpo" : "ppo";
}

void require(bool good, std::string_view what) {
  if (!good) throw base::UsageError(std::string(what));
}

}  // namespace

void choose(RlOptions& o) {
  for (std::string* path : {&o.model, &o.value_model})
    if (!path->empty()) *path = fs::absolute(*path).string();
  for (auto* paths : {&o.prompts, &o.ptx_data, &o.eval_text})
    for (std::string& path : *paths) path = fs::absolute(path).string();
  if (o.value_lr <= 0) o.value_lr = 2 * o.lr;
  const int64_t tenth = std::max<int64_t>(1, o.iterations / 10);
  if (o.sample_every <= 0) o.sample_every = tenth;
  if (o.checkpoint_every <= 0) o.checkpoint_every = tenth;
}

void validate(const RlOptions& o) {
  const bool grpo = o.algorithm == RlAlgorithm::kGrpo;
  require(!o.model.empty(), "--model must be given: the policy to start from");
  require(!o.prompts.empty(), "--prompts must be given: JSON Lines of messages or prompts");
  require(!o.reward.empty(),
          "--reward must be given: model:DIR, regex:PATTERN, exact, tests, command:PROGRAM, …");
  require(o.iterations > 0 && o.episodes > 0 && o.epochs > 0 && o.minibatches > 0 && o.keep > 0,
          "--iterations, --episodes, --epochs, --minibatches and --keep must be at least 1");
  require(o.group > 0 && o.episodes % o.group == 0,
          "--episodes must be a multiple of --group, the answers to each prompt");
  require(!grpo || o.group > 1,
          "--group must be at least 2: GRPO compares the answers to one prompt");
  require(o.max_tokens > 0, "--max-tokens must be at least 1");
  require(std::isfinite(o.temperature) && o.temperature > 0,
          "--temperature must be above 0: a greedy policy explores nothing");
  require(o.kl >= 0 && std::isfinite(o.kl), "--kl must be 0 or more");
  require(o.kl_target == 0 || (o.kl_target > 0 && o.kl > 0),
          "--kl-target needs a --kl above 0 to adapt");
  require(o.kl_horizon > 0, "--kl-horizon must be above 0");
  require(o.kl_estimator == "k1" || o.kl_estimator == "k3", "--kl-estimator must be k1 or k3");
  require(o.clip > 0 && o.value_clip > 0, "--clip and --value-clip must be above 0");
  require(o.gamma >= 0 && o.gamma <= 1 && o.lambda >= 0 && o.lambda <= 1,
          "--gamma and --lambda must be between 0 and 1");
  require(o.lr > 0 && o.value_lr >= 0 && o.adam_eps > 0, "--lr and --adam-eps must be above 0");
  require(o.schedule == "linear" || o.schedule == "constant",
          "--schedule must be linear or constant");
  require(o.warmup >= 0 && o.value_warmup >= 0, "--warmup must be 0 or more");
  require(o.ptx >= 0 && o.ptx_ratio > 0, "--ptx must be 0 or more, --ptx-ratio above 0");
  require(o.ema >= 0 && o.ema < 1, "--ema must be at least 0 and below 1");
}

void save_rl_options(const RlOptions& options) {
  Json json;
  json["stage"] = stage(options);
  json["parley_version"] = PARLEY_VERSION;
  Json& fields = json["options"];
  for_each_option(options, [&](const char* name, const auto& value) { fields[name] = value; });
  fs::create_directories(options.out);
  base::write_file(options.out / "config.json", json.dump(2) + "\n");
}

void load_rl_options(RlOptions& options) {
  const Json fields = load_stage_options(options.out, stage(options));
  try {
    for_each_option(options, [&](const char* name, auto& value) { fields.at(name).get_to(value); });
  } catch (const nlohmann::json::exception& error) {
    base::fail("{}: not a run's configuration: {}", (options.out / "config.json").string(),
               error.what());
  }
}

}  // namespace parley::train

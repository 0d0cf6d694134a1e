// PPO and GRPO in ten steps; train_rl() at the end of the file names them in order.
#include "train/ppo.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/measure.h"
#include "base/progress.h"
#include "base/random.h"
#include "data/encoder.h"
#include "data/text_loss.h"
#include "kernels/machine.h"
#include "model/hf.h"
#include "train/checkpoint.h"
#include "train/policy.h"
#include "train/ppo_options.h"
#include "train/reward_model_source.h"
#include "train/run_checks.h"
#include "train/samples.h"
#include "train/text_rows.h"

namespace parley::train {
namespace {

using base::Clock;
using base::seconds_since;

// Streams of random numbers: a prompt's order, a batch's order, an answer, a sample.
constexpr uint64_t kPromptStream = uint64_t{3} << 40;
constexpr uint64_t kBatchStream = uint64_t{4} << 40;
constexpr uint64_t kSampleStream = uint64_t{5} << 40;

constexpr size_t kSamplePrompts = 5;

// Tokens run through a model together: enough to keep the matrix products busy.
constexpr int64_t kBatchTokens = 4096;

// A model that learns.
struct Learner {
  model::ModelConfig config;
  model::Weights weights, grads;
  std::unique_ptr<Optimizer> optimizer;

  Learner(model::Model model, double lr, const RlOptions& o)
      : config(model.config), weights(std::move(model.weights)), grads(config) {
    OptimizerOptions options;
    options.lr = lr;
    options.eps = o.adam_eps;
    options.weight_decay = 0;
    options.clip = o.grad_clip;
    optimizer = std::make_unique<Optimizer>(config, options);
  }
};

// What an iteration works on.
struct Experience {
  std::vector<Episode> episodes;
  std::vector<EpisodeBatch> batches;
  std::vector<AnswerTokens> answers;  // by episode
  std::vector<double> scores, gold;   // by episode; gold may be empty
  double entropy = 0, kl = 0;         // of the policy; from the reference, nats an answer
};

class Rl {
 public:
  Rl(RlOptions options, bool quiet) : options_(std::move(options)), quiet_(quiet) {}

  void prepare_options();
  void prepare_prompts();
  void prepare_models();
  void restore();
  void train();
  RlResult finish();

 private:
  bool grpo() const { return options_.algorithm == RlAlgorithm::kGrpo; }
  void prepare_reward();
  void prepare_text();
  Experience collect(int64_t step);
  std::string response_text(const Episode& episode) const;
  std::vector<double> score(const std::vector<Episode>& episodes, RewardSource& source) const;
  void judge(Experience& experience);
  void find_advantages(Experience& experience);
  Json update(int64_t step, Experience& experience);
  double ptx_gradient(int64_t batches);
  void average();
  double rate(int64_t step) const;
  void iterate(int64_t step);
  void log(int64_t step, const Experience& experience, const Json& updates);
  void write_samples(int64_t step);
  double bits_per_byte();
  void checkpoint();
  std::vector<TrainedModel> parts();
  void say(std::string_view line) {
    if (!quiet_) bar_->print_line(line);
  }

  RlOptions options_;
  bool quiet_;
  std::optional<base::InterruptGuard> interrupt_;
  std::optional<tokenizer::Tokenizer> tokenizer_;
  std::vector<RlPrompt> prompts_;

  std::unique_ptr<Learner> policy_, value_;  // value_: PPO
  std::optional<model::Weights> reference_;  // none when nothing asks for the KL
  std::optional<model::Weights> ema_;
  std::unique_ptr<Policy> policy_pass_;
  std::unique_ptr<ValueFunction> value_pass_;
  std::unique_ptr<Rollouts> rollouts_;
  std::unique_ptr<RewardSource> reward_, gold_;
  std::unique_ptr<TextRows> ptx_, eval_text_;

  TrainerState progress_;
  AdaptiveKl kl_;
  int64_t updates_ = 0, ptx_rows_ = 0;  // made so far
  std::unique_ptr<MetricsLog> metrics_;
  std::unique_ptr<base::Progress> bar_;
  Clock::time_point session_start_;
  double earlier_seconds_ = 0;

  // Where the time of this session went.
  double rollout_seconds_ = 0, scoring_seconds_ = 0, update_seconds_ = 0;
  double rollout_tokens_ = 0, update_flops_ = 0, peak_flops_ = 0;
  Json first_, last_;
};

// 1. Options: of this call, or of the run that is resumed.
void Rl::prepare_options() {
  if (options_.out.empty()) throw base::UsageError("--out must be given: the run directory");
  if (options_.resume) {
    load_rl_options(options_);
  } else {
    check_new_run(options_.out);
    choose(options_);
  }
  validate(options_);
  kl_ = {options_.kl, options_.kl_target, options_.kl_horizon};
}

// 2. Prompts, as the policy's template puts them.
void Rl::prepare_prompts() {
  tokenizer_ = tokenizer::Tokenizer::load(options_.model);
  const model::ModelConfig config = model::load_config(options_.model);
  const int64_t room = config.T - options_.max_tokens;
  if (room < 1)
    throw base::UsageError(
        fmt::format("--max-tokens {}: the model's context has {}", options_.max_tokens, config.T));
  if (options_.max_prompt <= 0) options_.max_prompt = room;
  options_.max_prompt = std::min(options_.max_prompt, room);
  PromptReport report;
  prompts_ = load_rl_prompts(options_.prompts, options_.skip_bad, options_.model, *tokenizer_,
                             options_.max_prompt, report);
  spdlog::info("prompts: {}, {} dropped as longer than {} tokens", report.prompts, report.dropped,
               options_.max_prompt);
}

// 3. Models: the policy and its frozen reference; the value model, which starts as the reward
// model (InstructGPT, appendix C.4); rewards; the mix.
void Rl::prepare_models() {
  model::Model model = model::load_model(options_.model);
  if (model.config.score_head)
    base::fail("{}: a reward model cannot be the policy; name the SFT model", options_.model);
  const int64_t T =
      std::min(model.config.T, std::max<int64_t>(256, options_.max_prompt + options_.max_tokens));
  // Not more rows than the iteration's episodes can fill.
  int64_t longest = 1;
  for (const RlPrompt& prompt : prompts_)
    longest = std::max(longest, std::ssize(prompt.ids) + options_.max_tokens);
  const int64_t B =
      std::clamp((options_.episodes * longest + T - 1) / T, int64_t{1}, kBatchTokens / T + 1);
  prepare_reward();

  const bool needs_reference = options_.kl > 0;
  if (needs_reference) {
    reference_.emplace(model.config);
    std::ranges::copy(model.weights.flat(), reference_->flat().begin());
  }
  if (options_.ema > 0) {
    ema_.emplace(model.config);
    std::ranges::copy(model.weights.flat(), ema_->flat().begin());
  }
  if (!grpo()) {
    model::Model start;  // the policy itself when there is no reward model
    if (!options_.value_model.empty()) start = model::load_model(options_.value_model);
    model::Model value = model::with_score_head(options_.value_model.empty() ? model : start,
                                                model::HeadInit::kZero, 0);
    value_pass_ = std::make_unique<ValueFunction>(value.config, B, T);
    value_ = std::make_unique<Learner>(std::move(value), options_.value_lr, options_);
  }
  policy_ = std::make_unique<Learner>(std::move(model), options_.lr, options_);
  policy_pass_ = std::make_unique<Policy>(policy_->config, B, T);
  rollouts_ = std::make_unique<Rollouts>(
      policy_->config, policy_->weights,
      RolloutOptions{.max_tokens = options_.max_tokens,
                     .temperature = static_cast<float>(options_.temperature),
                     .max_sequences = std::min<int64_t>(128, options_.episodes),
                     .seed = options_.seed});
  prepare_text();
  peak_flops_ = kernels::measure_gemm_peak();
  spdlog::info("{}: {:.2f} M parameters, batches of {} x {} tokens; GEMM peak {:.0f} GFLOP/s",
               grpo() ? "grpo" : "ppo",
               static_cast<double>(model::count_parameters(policy_->config)) / 1e6, B, T,
               peak_flops_ / 1e9);
}

void Rl::prepare_reward() {
  const LoadRewardModel load = [this](std::string_view directory) {
    return load_reward_source(directory, *tokenizer_);
  };
  const RewardOptions source{.unsandboxed = options_.unsandboxed};
  reward_ = make_reward_source(options_.reward, load, source);
  if (!options_.gold.empty()) gold_ = make_reward_source(options_.gold, load, source);
  if (options_.value_model.empty())
    for (const RewardPart& part : parse_reward_spec(options_.reward))
      if (part.kind == "model" && options_.value_model.empty())
        options_.value_model = part.argument;
}

void Rl::prepare_text() {
  const fs::path cache = options_.out / "cache";
  if (!options_.ptx_data.empty())
    ptx_ = std::make_unique<TextRows>(options_.ptx_data, *tokenizer_, cache, policy_pass_->T(),
                                      options_.seed, /*endless=*/true);
  if (!options_.eval_text.empty())
    eval_text_ = std::make_unique<TextRows>(options_.eval_text, *tokenizer_, cache,
                                            policy_pass_->T(), options_.seed, /*endless=*/false);
}

// 4. Resume: from the newest sound checkpoint, else from the beginning.
void Rl::restore() {
  interrupt_.emplace();
  if (options_.resume) {
    if (load_newest_checkpoint(options_.out, parts(), progress_)) {
      kl_.beta = progress_.extra.at("beta").get<double>();
      updates_ = progress_.extra.at("updates").get<int64_t>();
      ptx_rows_ = progress_.extra.at("ptx_rows").get<int64_t>();
      spdlog::info("resumed at iteration {} of {}", progress_.step, options_.iterations);
    } else {
      spdlog::info("no checkpoint yet: starting from iteration 0");
    }
  } else {
    save_rl_options(options_);
  }
  if (progress_.step == 0) fs::remove(options_.out / "samples.md");  // of a run that never got here
  earlier_seconds_ = progress_.elapsed;
  metrics_ = std::make_unique<MetricsLog>(options_.out / "metrics.jsonl", progress_.step);
}

std::vector<TrainedModel> Rl::parts() {
  std::vector<TrainedModel> parts = {
      {"", &policy_->config, &policy_->weights, policy_->optimizer.get()}};
  if (value_)
    parts.push_back({"value", &value_->config, &value_->weights, value_->optimizer.get()});
  if (ema_) parts.push_back({"ema", &policy_->config, &*ema_, nullptr});
  return parts;
}

// 5. The loop.
void Rl::train() {
  session_start_ = Clock::now();
  bar_ = std::make_unique<base::Progress>(
      grpo() ? "grpo" : "ppo", static_cast<uint64_t>(options_.iterations), "iterations", quiet_);
  if (progress_.step == 0) write_samples(0);
  while (progress_.step < options_.iterations && !base::interrupted()) iterate(progress_.step);
  bar_->finish();
}

void Rl::iterate(int64_t step) {
  Experience experience = collect(step);
  if (base::interrupted()) return;
  judge(experience);
  find_advantages(experience);
  const Json updates = update(step, experience);
  if (options_.kl_target > 0) kl_.update(experience.kl, std::ssize(experience.episodes));
  ++progress_.step;
  progress_.elapsed = earlier_seconds_ + seconds_since(session_start_);
  log(step, experience, updates);
  const bool last = progress_.step == options_.iterations;
  if (last || progress_.step % options_.sample_every == 0) write_samples(progress_.step);
  if (last || progress_.step % options_.checkpoint_every == 0) checkpoint();
}

// 6. Rollouts: `group` answers to each of the iteration's prompts.
Experience Rl::collect(int64_t step) {
  const int64_t wanted = options_.episodes / options_.group;
  const auto count = static_cast<int64_t>(prompts_.size());
  std::vector<size_t> chosen, order(prompts_.size());
  for (int64_t i = 0, epoch = -1; i < wanted; ++i) {
    const int64_t number = step * wanted + i;  // of all prompts ever asked
    if (number / count != epoch) {
      epoch = number / count;
      std::iota(order.begin(), order.end(), size_t{0});
      base::Philox(options_.seed, kPromptStream + static_cast<uint64_t>(epoch))
          .shuffle(std::span(order));
    }
    chosen.insert(chosen.end(), static_cast<size_t>(options_.group),
                  order[static_cast<size_t>(number % count)]);
  }
  Experience experience;
  experience.episodes =
      rollouts_->sample(prompts_, chosen, static_cast<uint64_t>(step * options_.episodes));
  rollout_seconds_ += rollouts_->seconds();
  rollout_tokens_ += static_cast<double>(rollouts_->tokens());
  return experience;
}

// The answer without its stop token.
std::string Rl::response_text(const Episode& episode) const {
  std::span<const int32_t> answer(episode.tokens);
  answer = answer.subspan(static_cast<size_t>(episode.prompt_tokens));
  return tokenizer_->decode(answer.first(answer.size() - (episode.finished ? 1 : 0)));
}

std::vector<double> Rl::score(const std::vector<Episode>& episodes, RewardSource& source) const {
  std::vector<std::string> responses;
  for (const Episode& episode : episodes) responses.push_back(response_text(episode));
  std::vector<Answer> answers;
  for (size_t i = 0; i < episodes.size(); ++i) {
    const RlPrompt& prompt = prompts_[episodes[i].prompt];
    answers.push_back(
        {prompt.text, responses[i], &prompt.record, episodes[i].finished, episodes[i].tokens});
  }
  return source.score(answers);
}

// 7. Judgement: scores, and log-probabilities and values of the very tokens that were sampled.
void Rl::judge(Experience& e) {
  const Clock::time_point start = Clock::now();
  e.scores = score(e.episodes, *reward_);
  if (gold_) e.gold = score(e.episodes, *gold_);
  e.batches = pack_episodes(e.episodes, policy_pass_->B(), policy_pass_->T());
  e.answers.resize(e.episodes.size());
  std::vector<std::vector<float>> logprobs, ref_logprobs;
  policy_pass_->logprobs(policy_->weights, e.batches, e.episodes, options_.temperature, logprobs,
                         &e.entropy);
  if (reference_)
    policy_pass_->logprobs(*reference_, e.batches, e.episodes, options_.temperature, ref_logprobs);
  else
    ref_logprobs = logprobs;
  for (size_t i = 0; i < e.answers.size(); ++i) {
    AnswerTokens& answer = e.answers[i];
    answer.logprobs = std::move(logprobs[i]);
    answer.ref_logprobs = std::move(ref_logprobs[i]);
    answer.score = e.scores[i];
    if (!e.episodes[i].finished)
      answer.score =
          options_.eos_replaces ? -options_.eos_penalty : answer.score - options_.eos_penalty;
    if (options_.reward_clip > 0)
      answer.score = std::clamp(answer.score, -options_.reward_clip, options_.reward_clip);
    for (size_t t = 0; t < answer.logprobs.size(); ++t)
      e.kl +=
          (static_cast<double>(answer.logprobs[t]) - static_cast<double>(answer.ref_logprobs[t])) /
          static_cast<double>(e.answers.size());
  }
  if (value_) value_pass_->values(value_->weights, e.batches, e.episodes, e.answers);
  scoring_seconds_ += seconds_since(start);
}

// 8. Advantages. PPO: KL penalty and score become rewards a token, GAE tells them apart. GRPO: an
// answer is as good as it is among its group.
void Rl::find_advantages(Experience& e) {
  if (grpo()) {
    for (size_t first = 0; first < e.answers.size(); first += static_cast<size_t>(options_.group)) {
      std::vector<double> scores;
      for (size_t i = 0; i < static_cast<size_t>(options_.group); ++i)
        scores.push_back(e.answers[first + i].score);
      const std::vector<double> advantages = group_advantages(scores, options_.divide_by_std);
      for (size_t i = 0; i < scores.size(); ++i)
        e.answers[first + i].advantages.assign(e.answers[first + i].logprobs.size(),
                                               static_cast<float>(advantages[i]));
    }
    return;
  }
  const KlEstimator estimator = options_.kl_estimator == "k3" ? KlEstimator::kK3 : KlEstimator::kK1;
  std::vector<std::vector<float>*> rewards, advantages;
  for (AnswerTokens& answer : e.answers) {
    answer.rewards =
        token_rewards(answer.logprobs, answer.ref_logprobs, answer.score, kl_.beta, estimator);
    rewards.push_back(&answer.rewards);
    advantages.push_back(&answer.advantages);
  }
  if (options_.whiten_rewards) whiten(rewards, /*shift_mean=*/false);
  for (AnswerTokens& answer : e.answers) gae(answer, options_.gamma, options_.lambda);
  if (options_.whiten_advantages) whiten(advantages, /*shift_mean=*/true);
}

// The share of the learning rate in an iteration.
double Rl::rate(int64_t step) const {
  const auto at = static_cast<double>(step);
  double factor = 1;
  if (options_.schedule == "linear") factor -= at / static_cast<double>(options_.iterations);
  if (step < options_.warmup) factor *= 0.1 + 0.9 * at / static_cast<double>(options_.warmup);
  return factor;
}

// 9. Updates: `epochs` times over the episodes, in `minibatches` parts; the mix; the average.
Json Rl::update(int64_t step, Experience& e) {
  const Clock::time_point start = Clock::now();
  const PolicyUpdate how{.clip = options_.clip,
                         .temperature = options_.temperature,
                         .kl_in_loss = grpo() ? kl_.beta : 0};
  const bool policy_learns = step >= options_.value_warmup;
  const double factor = rate(step);
  Json line;
  double policy_loss = 0, value_loss = 0, ratio = 0, clipped = 0, value_clipped = 0, approx_kl = 0;
  double ptx_loss = 0, policy_norm = 0, value_norm = 0, ratio_max = 0, first_ratio_error = 0;
  int64_t made = 0;
  for (int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
    const auto number = static_cast<uint64_t>(step * options_.epochs + epoch);
    base::Philox(options_.seed, kBatchStream + number).shuffle(std::span(e.batches));
    const auto parts =
        std::min<size_t>(e.batches.size(), static_cast<size_t>(options_.minibatches));
    for (size_t part = 0; part < parts; ++part) {
      const size_t begin = e.batches.size() * part / parts;
      const size_t end = e.batches.size() * (part + 1) / parts;
      const std::span<const EpisodeBatch> batches =
          std::span(e.batches).subspan(begin, end - begin);
      ++updates_, ++made;
      if (policy_learns) {
        const PolicyStats stats = policy_pass_->gradient(policy_->weights, policy_->grads, batches,
                                                         e.episodes, e.answers, how);
        if (made == 1) first_ratio_error = std::abs(stats.ratio_mean - 1);
        policy_loss += stats.loss, ratio += stats.ratio_mean, clipped += stats.clip_fraction;
        approx_kl += stats.approx_kl, ratio_max = std::max(ratio_max, stats.ratio_max);
        update_flops_ += update_flops(policy_->config, batches, e.episodes);
        if (ptx_) ptx_loss += ptx_gradient(std::ssize(batches));
        policy_norm +=
            policy_->optimizer->update(policy_->weights, policy_->grads, updates_, factor);
        if (ema_) average();
      }
      if (value_) {
        const ValueFunction::Stats stats = value_pass_->gradient(
            value_->weights, value_->grads, batches, e.episodes, e.answers, options_.value_clip);
        value_loss += stats.loss, value_clipped += stats.clip_fraction;
        update_flops_ += update_flops(value_->config, batches, e.episodes);
        value_norm += value_->optimizer->update(value_->weights, value_->grads, updates_, factor);
      }
      check_converging(options_.out, step + 1, policy_loss + value_loss, policy_norm + value_norm,
                       options_.lr);
    }
  }
  const auto n = static_cast<double>(std::max<int64_t>(1, made));
  line["policy_loss"] = policy_loss / n;
  if (value_) line["value_loss"] = value_loss / n;
  if (ptx_) line["ptx_loss"] = ptx_loss / n;
  line["ratio_mean"] = ratio / n;
  line["ratio_max"] = ratio_max;
  line["first_ratio_error"] = first_ratio_error;
  line["clip_fraction"] = clipped / n;
  if (value_) line["value_clip_fraction"] = value_clipped / n;
  line["approx_kl"] = approx_kl / n;
  line["lr"] = factor * options_.lr;
  line["grad_norm"] = policy_norm / n;
  if (value_) line["value_grad_norm"] = value_norm / n;
  update_seconds_ += seconds_since(start);
  return line;
}

// Adds the gradient of the pre-training loss (InstructGPT's objective (2)): ptx_ratio rows of text
// for each row of episodes, γ times the mean loss of their tokens.
double Rl::ptx_gradient(int64_t batches) {
  const auto count =
      std::max<int64_t>(1, std::llround(static_cast<double>(batches) * options_.ptx_ratio));
  double loss = 0;
  for (int64_t i = 0; i < count; ++i) {
    const data::Batch& batch = ptx_->fill(ptx_rows_, policy_pass_->B());
    ptx_rows_ += batch.B;
    loss += policy_pass_->add_text_gradient(policy_->weights, policy_->grads, ptx_->views(),
                                            options_.ptx / static_cast<double>(count)) /
            static_cast<double>(count);
    update_flops_ += model::train_flops_per_token(policy_->config, batch.T) *
                     static_cast<double>(batch.B * batch.T);
  }
  return loss;
}

void Rl::average() {
  const auto decay = static_cast<float>(options_.ema);
  const F32 average = ema_->flat(), now = policy_->weights.flat();
  for (int64_t i = 0; i < now.size(); ++i) average[i] = decay * average[i] + (1 - decay) * now[i];
}

// 10. What is written down.
void Rl::log(int64_t step, const Experience& e, const Json& updates) {
  const auto n = static_cast<double>(e.episodes.size());
  double score = 0, gold = 0, tokens = 0, finished = 0, drift = 0;
  for (size_t i = 0; i < e.episodes.size(); ++i) {
    score += e.scores[i] / n;
    if (!e.gold.empty()) gold += e.gold[i] / n;
    tokens += static_cast<double>(e.episodes[i].answer_tokens());
    finished += e.episodes[i].finished ? 1 / n : 0;
    if (options_.temperature == 1)
      for (size_t t = 0; t < e.answers[i].logprobs.size(); ++t)
        drift = std::max(drift, std::abs(static_cast<double>(e.answers[i].logprobs[t]) -
                                         static_cast<double>(e.episodes[i].sampled_logprobs[t])));
  }
  Json line;
  line["step"] = progress_.step;
  line["reward"] = score;
  for (const auto& [name, mean] : reward_->last_means()) line["reward_" + name] = mean;
  if (!e.gold.empty()) line["gold"] = gold;
  line["kl"] = e.kl;
  line["beta"] = kl_.beta;
  line["entropy"] = e.entropy;
  line["answer_tokens"] = tokens / n;
  line["finished"] = finished;
  if (value_) line["explained_variance"] = explained_variance(e.answers);
  for (const auto& [key, value] : updates.items()) line[key] = value;
  if (options_.temperature == 1) line["sampling_drift"] = drift;  // engine against training
  line["rollout_tokens_per_s"] = static_cast<double>(rollouts_->tokens()) / rollouts_->seconds();
  const double total = seconds_since(session_start_);
  line["rollout_share"] = rollout_seconds_ / total;
  line["scoring_share"] = scoring_seconds_ / total;
  line["update_share"] = update_seconds_ / total;
  line["update_of_peak"] =
      update_seconds_ > 0 ? update_flops_ / update_seconds_ / peak_flops_ : 0.0;
  const bool last = progress_.step == options_.iterations;
  if (eval_text_ && (step == 0 || last || progress_.step % options_.sample_every == 0))
    line["bpb"] = bits_per_byte();
  line["time"] = progress_.elapsed;
  metrics_->write(line);
  if (first_.empty()) first_ = line;
  last_ = line;
  bar_->update(static_cast<uint64_t>(progress_.step),
               fmt::format("reward {:.3f}  KL {:.2f}  {:.0f} tokens  {:.0f}% of peak", score, e.kl,
                           tokens / n, 100 * line["update_of_peak"].get<double>()));
}

double Rl::bits_per_byte() {
  return eval_text_
      ->measure(policy_pass_->B(),
                [this](const model::Batch& batch) {
                  return policy_pass_->text_loss(policy_->weights, batch).sum;
                })
      .bits_per_byte();
}

// The same prompts with the same random numbers, so that only the policy differs.
void Rl::write_samples(int64_t step) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < std::min(kSamplePrompts, prompts_.size()); ++i) chosen.push_back(i);
  const std::vector<Episode> episodes = rollouts_->sample(prompts_, chosen, kSampleStream);
  const std::vector<double> scores = score(episodes, *reward_);
  std::vector<SampledAnswer> samples;
  for (size_t i = 0; i < episodes.size(); ++i) {
    samples.push_back({prompts_[chosen[i]].text, response_text(episodes[i]),
                       fmt::format("reward {:.3f}", scores[i])});
  }
  append_samples(options_.out / "samples.md", fmt::format("Iteration {}", step), samples);
  std::string shown = samples.front().answer;
  std::ranges::replace(shown, '\n', ' ');
  say(fmt::format("  iteration {}: \"{}\" → \"{}\" ({})", step, samples.front().prompt, shown,
                  samples.front().note));
}

void Rl::checkpoint() {
  progress_.extra = {{"beta", kl_.beta}, {"updates", updates_}, {"ptx_rows", ptx_rows_}};
  save_checkpoint(options_.out, progress_, parts(), *tokenizer_, [this](const fs::path& directory) {
    data::keep_chat_format(options_.model, directory);
  });
  prune_checkpoints(options_.out, options_.keep);
}

// The end: the policy, or its average, becomes RUN/model.
RlResult Rl::finish() {
  RlResult result;
  result.steps = options_.iterations;
  result.finished = progress_.step == options_.iterations;
  if (!result.finished && progress_.step > 0) checkpoint();
  result.step = progress_.step;
  result.seconds = progress_.elapsed;
  result.rollout_seconds = rollout_seconds_;
  result.scoring_seconds = scoring_seconds_;
  result.update_seconds = update_seconds_;
  result.other_seconds = std::max(
      0.0, seconds_since(session_start_) - rollout_seconds_ - scoring_seconds_ - update_seconds_);
  result.rollout_tokens_per_second = rollout_seconds_ > 0 ? rollout_tokens_ / rollout_seconds_ : 0;
  result.update_flops_per_second = update_seconds_ > 0 ? update_flops_ / update_seconds_ : 0;
  result.peak_flops_per_second = peak_flops_;
  result.first = first_;
  result.last = last_;
  const std::vector<Checkpoint> checkpoints = list_checkpoints(options_.out);
  if (!checkpoints.empty()) result.model = checkpoints.back().path;
  if (result.finished) {
    result.model = options_.out / "model";
    base::AtomicDirectory directory(result.model);
    model::save_model(directory.path(), policy_->config, ema_ ? *ema_ : policy_->weights);
    tokenizer_->save(directory.path());
    data::keep_chat_format(options_.model, directory.path());
    directory.commit();
  }
  return result;
}

}  // namespace

RlResult train_rl(RlOptions options, bool quiet) {
  Rl rl(std::move(options), quiet);
  rl.prepare_options();  // 1
  rl.prepare_prompts();  // 2
  rl.prepare_models();   // 3
  rl.restore();          // 4
  rl.train();            // 5: 6 rollouts, 7 judgement, 8 advantages, 9 updates, 10 log
  return rl.finish();
}

}  // namespace parley::train

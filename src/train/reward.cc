// Reward model training in five steps; train_reward() at the end of the file names them.
#include "train/reward.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "data/token_shard.h"
#include "model/hf.h"
#include "model/token_head.h"
#include "train/reward_report.h"

namespace parley::train {
namespace {

using data::ChatFormat;
using data::Preference;
using tensor::ConstF32;
using tensor::F32;

template <typename Options, typename Fn>
void for_each_option(Options& o, Fn&& fn) {
  fn("model", o.model);
  fn("data", o.data);
  fn("val_data", o.val_data);
  fn("val_fraction", o.val_fraction);
  fn("reference", o.reference);
  fn("skip_bad", o.skip_bad);
  fn("context", o.context);
  fn("max_answers", o.max_answers);
  fn("lm_weight", o.lm_weight);
  for_each_loop_option(o.loop, fn);
}

// What tells one prompt from another.
std::string prompt_key(const std::vector<data::Message>& messages) {
  std::string key;
  for (const data::Message& m : messages) key += m.role + '\x1f' + m.content + '\x1e';
  return key;
}

// One micro-batch: enough tokens to keep the matrix products busy.
constexpr int64_t kBatchTokens = 8192;

int64_t batch_rows(int64_t T) { return std::max<int64_t>(1, (kBatchTokens + T - 1) / T); }

double log_sigmoid(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}

// The answers of one prompt, as they come together from several records.
struct Merged {
  std::vector<int32_t> prompt;
  Comparison comparison;
  std::map<std::string_view, size_t> answers;  // text → number of its sequence
};

class Comparisons {
 public:
  Comparisons(const ChatFormat& format, int64_t context, int64_t max_answers,
              ComparisonReport& report)
      : format_(format), context_(context), max_answers_(max_answers), report_(report) {}

  void add(const Preference& preference) {
    const std::string key = prompt_key(preference.messages);
    auto open = open_.find(key);
    if (open != open_.end() && !has_room(merged_[open->second], preference)) open = open_.end();
    if (open == open_.end()) {
      // Half the context at least is for the answer.
      Merged merged{data::prompt_ids(format_, preference.messages, context_ / 2), {}, {}};
      if (merged.prompt.empty()) {
        ++report_.dropped;
        return;
      }
      open = open_.insert_or_assign(key, merged_.size()).first;
      merged_.push_back(std::move(merged));
    }
    add_pairs(merged_[open->second], preference);
  }

  std::vector<Comparison> take() {
    std::vector<Comparison> out;
    for (Merged& merged : merged_)
      if (!merged.comparison.pairs.empty()) {
        report_.pairs += std::ssize(merged.comparison.pairs);
        out.push_back(std::move(merged.comparison));
      }
    report_.prompts = std::ssize(out);
    return out;
  }

 private:
  bool has_room(const Merged& merged, const Preference& preference) const {
    int64_t more = 0;
    for (const std::string& answer : preference.answers)
      more += merged.answers.contains(answer) ? 0 : 1;
    return std::ssize(merged.comparison.sequences) + more <= max_answers_;
  }

  size_t sequence(Merged& merged, const std::string& answer) {
    const auto known = merged.answers.find(answer);
    if (known != merged.answers.end()) {
      ++report_.duplicates;
      return known->second;
    }
    bool cut = false;
    std::vector<int32_t> ids = data::scored_ids(format_, merged.prompt, answer, context_, cut);
    report_.cut += cut;
    Comparison& c = merged.comparison;
    c.sequences.push_back(std::move(ids));
    c.prompt_tokens.push_back(std::ssize(merged.prompt));
    c.answer_bytes.push_back(std::ssize(answer));
    return merged.answers[answer] = c.sequences.size() - 1;
  }

  void add_pairs(Merged& merged, const Preference& preference) {
    std::vector<size_t> numbers;
    for (const std::string& answer : preference.answers)
      numbers.push_back(sequence(merged, answer));
    for (size_t i = 0; i < numbers.size(); ++i)
      for (size_t j = i + 1; j < numbers.size(); ++j) {
        const double a = preference.ranks[i], b = preference.ranks[j];
        if (a == b || numbers[i] == numbers[j])
          ++report_.ties;
        else if (a < b)
          merged.comparison.pairs.push_back({numbers[i], numbers[j]});
        else
          merged.comparison.pairs.push_back({numbers[j], numbers[i]});
      }
  }

  const ChatFormat& format_;
  int64_t context_, max_answers_;
  ComparisonReport& report_;
  std::vector<Merged> merged_;
  std::map<std::string, size_t> open_;  // prompt → the element that takes more of its answers
};

class RewardTask : public Task {
 public:
  RewardTask(const RewardModelOptions& options, const model::ModelConfig& config,
             const ChatFormat& format)
      : options_(options),
        config_(config),
        T_(options.context),
        B_(std::max(batch_rows(options.context), options.max_answers)),
        state_(config, {.B = B_, .T = T_}),
        scores_(tensor::Shape{B_ * T_}),
        dscores_(tensor::Shape{B_ * T_}),
        dhidden_(tensor::Shape{B_ * T_, config.C}),
        scorer_(config, B_, T_) {
    if (options.lm_weight > 0) head_ = std::make_unique<model::TokenHead>(config, B_ * T_);
    read(format);
  }

  std::string_view stage() const override { return "reward"; }
  int64_t examples() const override { return std::ssize(train_); }
  double flops_per_token() const override { return model::train_flops_per_token(config_, T_); }

  std::string data_checksum() const override;
  void add_files(const fs::path& directory) const override {
    data::keep_chat_format(options_.model, directory);
  }
  Json gradient(int64_t step, std::span<const int64_t> examples, const model::Weights& weights,
                model::Weights& grads) override;
  Json validate(const model::Weights& weights) override;
  void finish(model::ModelConfig& config, model::Weights& weights) override;

  const Json& report() const { return report_; }

 private:
  // The sequences of some comparisons as one list, and which belong together.
  struct Flat {
    std::vector<std::vector<int32_t>> sequences;
    std::vector<model::Group> groups;
  };
  static Flat flatten(std::span<const Comparison* const> comparisons);

  void read(const ChatFormat& format);
  void read_reference(const ChatFormat& format);
  double lm_gradient(const model::PackedBatch& batch, const Flat& flat,
                     std::span<const Comparison* const> comparisons, const model::Weights& weights,
                     model::Weights& grads, ConstF32 hidden, int64_t targets);
  std::vector<ScoredPair> score_pairs(std::span<const Comparison> comparisons,
                                      const model::Weights& weights);

  const RewardModelOptions& options_;
  model::ModelConfig config_;
  int64_t T_, B_;
  std::vector<Comparison> train_, val_;
  std::vector<std::vector<int32_t>> reference_;  // answers that shall score 0 on average
  model::TrainState state_;
  tensor::Tensor<float> scores_, dscores_;  // (N)
  tensor::Tensor<float> dhidden_;           // (N, C)
  model::Scorer scorer_;
  std::unique_ptr<model::TokenHead> head_;
  Json report_;
};

// 1. Data: preferences become groups of sequences; whole prompts are held out.
void RewardTask::read(const ChatFormat& format) {
  data::ReadReport read;
  const auto load = [&](const std::vector<std::string>& files) {
    return data::read_preferences({files.begin(), files.end()}, {.skip_bad = options_.skip_bad},
                                  read);
  };
  std::vector<Preference> train = load(options_.data), val;
  if (!options_.val_data.empty())
    val = load(options_.val_data);
  else
    std::tie(train, val) =
        split_by_prompt(std::move(train), options_.val_fraction, options_.loop.seed);
  ComparisonReport report, val_report;
  train_ = make_comparisons(train, format, T_, options_.max_answers, report);
  val_ = make_comparisons(val, format, T_, options_.max_answers, val_report);
  if (train_.empty())
    base::fail("{}: no pair to learn from ({} records, {} broken, {} ties, {} too long)",
               options_.data.empty() ? "--data" : options_.data.front(), read.records, read.bad,
               report.ties, report.dropped);
  spdlog::info(
      "preferences: {} pairs of {} prompts to learn from, {} pairs of {} prompts held out; {} "
      "broken records passed over, {} ties left out, {} answers cut at {} tokens, {} records "
      "dropped because their prompt leaves no room",
      report.pairs, report.prompts, val_report.pairs, val_report.prompts, read.bad,
      report.ties + val_report.ties, report.cut + val_report.cut, T_,
      report.dropped + val_report.dropped);
  read_reference(format);
}

std::string RewardTask::data_checksum() const {
  std::string bytes;
  for (const std::vector<Comparison>* list : {&train_, &val_})
    for (const Comparison& c : *list) {
      for (const std::vector<int32_t>& ids : c.sequences)
        bytes.append(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(int32_t));
      for (const Comparison::Pair& pair : c.pairs)
        bytes += fmt::format(" {}>{}", pair.better, pair.worse);
    }
  return fmt::format("{:016x}", data::fnv1a(bytes));
}

void RewardTask::read_reference(const ChatFormat& format) {
  constexpr size_t kEnough = 1000;
  if (options_.reference.empty()) {
    for (const Comparison& c : train_)
      if (reference_.size() < kEnough) reference_.push_back(c.sequences[c.pairs.front().better]);
    return;
  }
  data::ReadReport report;
  for (const data::Conversation& conversation :
       data::read_conversations({options_.reference.begin(), options_.reference.end()},
                                {.skip_bad = options_.skip_bad}, report)) {
    if (reference_.size() >= kEnough) break;
    std::vector<data::Message> messages = conversation.messages;
    while (!messages.empty() && messages.back().role != "assistant") messages.pop_back();
    const std::string answer = messages.back().content;
    messages.pop_back();
    std::vector<int32_t> prompt = data::prompt_ids(format, messages, T_ / 2);
    if (prompt.empty()) continue;
    bool cut = false;
    reference_.push_back(data::scored_ids(format, std::move(prompt), answer, T_, cut));
  }
  if (reference_.empty())
    base::fail("{}: no conversation with an answer to compare with", options_.reference.front());
}

RewardTask::Flat RewardTask::flatten(std::span<const Comparison* const> comparisons) {
  Flat flat;
  for (const Comparison* c : comparisons) {
    model::Group group;
    for (const std::vector<int32_t>& sequence : c->sequences) {
      group.push_back(flat.sequences.size());
      flat.sequences.push_back(sequence);
    }
    flat.groups.push_back(std::move(group));
  }
  return flat;
}

// 2. The gradient: all answers to a prompt run side by side, each read at its last token.
Json RewardTask::gradient(int64_t, std::span<const int64_t> examples, const model::Weights& weights,
                          model::Weights& grads) {
  std::vector<const Comparison*> comparisons;
  for (const int64_t example : examples)
    comparisons.push_back(&train_[static_cast<size_t>(example)]);
  const Flat flat = flatten(comparisons);
  std::vector<float> scores(flat.sequences.size()), dscores(flat.sequences.size());
  std::vector<int64_t> group_of(flat.sequences.size());
  for (size_t g = 0; g < flat.groups.size(); ++g)
    for (const size_t i : flat.groups[g]) group_of[i] = static_cast<int64_t>(g);
  int64_t lm_targets = 0;
  for (const Comparison* c : comparisons) {
    const size_t best = c->pairs.front().better;
    lm_targets += std::ssize(c->sequences[best]) - c->prompt_tokens[best];
  }

  double loss = 0, lm_loss = 0;
  int64_t tokens = 0, right = 0, pairs = 0;
  bool accumulate = false;
  const double scale = 1 / static_cast<double>(examples.size());
  for (const model::PackedBatch& batch : model::pack(flat.sequences, B_, T_, flat.groups)) {
    const F32 hidden = state_.forward(weights, batch.views());  // (N, C)
    model::score_forward(scores_, hidden, weights.score, config_.score_bias);
    std::vector<int64_t> groups;
    for (const model::Place& place : batch.places) {
      scores[place.sequence] = scores_[place.begin + place.count - 1];
      groups.push_back(group_of[place.sequence]);
      tokens += place.count;
    }
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    for (const int64_t g : groups) {
      const Comparison& c = *comparisons[static_cast<size_t>(g)];
      const size_t first = flat.groups[static_cast<size_t>(g)].front(), K = c.sequences.size();
      const std::span<const float> group_scores(&scores[first], K);
      loss += scale * pairwise_loss(group_scores, c.pairs, {&dscores[first], K}, scale);
      for (const Comparison::Pair& pair : c.pairs)
        right += group_scores[pair.better] > group_scores[pair.worse];
      pairs += std::ssize(c.pairs);
    }
    std::ranges::fill(dscores_, 0.0f);
    for (const model::Place& place : batch.places)
      dscores_[place.begin + place.count - 1] = dscores[place.sequence];
    model::score_backward(dhidden_, grads.score, dscores_, hidden, weights.score, accumulate);
    if (!accumulate) std::ranges::fill(grads.wte, 0.0f);  // what follows adds to it
    if (head_) lm_loss += lm_gradient(batch, flat, comparisons, weights, grads, hidden, lm_targets);
    state_.backward(dhidden_, weights, grads, batch.views(), accumulate);
    accumulate = true;
  }
  Json line;
  line["loss"] = loss;
  line["train_accuracy"] = static_cast<double>(right) / static_cast<double>(pairs);
  if (head_) line["lm_loss"] = lm_loss;
  line["pairs"] = pairs;
  line["tokens"] = tokens;
  return line;
}

// The regulariser: the preferred answers are also predicted token by token. Adds to dhidden_.
double RewardTask::lm_gradient(const model::PackedBatch& batch, const Flat& flat,
                               std::span<const Comparison* const> comparisons,
                               const model::Weights& weights, model::Weights& grads,
                               ConstF32 hidden, int64_t targets) {
  std::vector<int32_t> wanted(batch.targets.size(), -1);
  for (size_t g = 0; g < comparisons.size(); ++g) {
    const Comparison& c = *comparisons[g];
    const size_t best = c.pairs.front().better;
    for (const model::Place& place : batch.places)
      if (place.sequence == flat.groups[g][best])
        for (int64_t i = c.prompt_tokens[best] - 1; i + 1 < place.count; ++i)
          wanted[static_cast<size_t>(place.begin + i)] =
              batch.targets[static_cast<size_t>(place.begin + i)];
  }
  const int64_t N = B_ * T_;
  tensor::Tensor<float> dlm(tensor::Shape{N, config_.C}), logprobs(tensor::Shape{N});
  const float gradient = -static_cast<float>(options_.lm_weight / static_cast<double>(targets));
  head_->backward(
      logprobs, {}, dlm, grads.lm_head, hidden, weights.lm_head, {wanted.data(), tensor::Shape{N}},
      [&](int64_t, float) { return gradient; },
      /*accumulate=*/true);
  for (int64_t i = 0; i < dlm.size(); ++i) dhidden_[i] += dlm[i];
  double loss = 0;
  for (const float logprob : logprobs) loss -= static_cast<double>(logprob);
  return loss / static_cast<double>(targets);
}

std::vector<ScoredPair> RewardTask::score_pairs(std::span<const Comparison> comparisons,
                                                const model::Weights& weights) {
  std::vector<const Comparison*> list;
  for (const Comparison& c : comparisons) list.push_back(&c);
  const Flat flat = flatten(list);
  const std::vector<float> scores = scorer_.score(weights, flat.sequences);
  std::vector<ScoredPair> pairs;
  for (size_t g = 0; g < list.size(); ++g)
    for (const Comparison::Pair& pair : list[g]->pairs)
      pairs.push_back({static_cast<double>(scores[flat.groups[g][pair.better]]),
                       static_cast<double>(scores[flat.groups[g][pair.worse]]),
                       list[g]->answer_bytes[pair.better], list[g]->answer_bytes[pair.worse]});
  return pairs;
}

// 3. Validation on prompts never learned from.
Json RewardTask::validate(const model::Weights& weights) {
  Json line;
  if (val_.empty()) return Json::object();
  const std::vector<ScoredPair> pairs = score_pairs(val_, weights);
  double loss = 0;
  for (const ScoredPair& pair : pairs) loss -= log_sigmoid(pair.better - pair.worse);
  line["val_loss"] = loss / static_cast<double>(pairs.size());
  line["val_accuracy"] = accuracy(pairs);
  line["val_length_accuracy"] = length_accuracy(pairs);
  return line;
}

// 4. The end: the mean score of the reference answers becomes 0; the report is of these weights.
void RewardTask::finish(model::ModelConfig& config, model::Weights& weights) {
  const std::vector<float> scores = scorer_.score(weights, reference_);
  double mean = 0, square = 0;
  for (const float score : scores) mean += static_cast<double>(score);
  mean /= static_cast<double>(scores.size());
  for (const float score : scores) {
    const double d = static_cast<double>(score) - mean;
    square += d * d;
  }
  // The scorer's own bias was in the scores already.
  config.score_bias -= mean;
  report_ = val_.empty() ? Json::object() : reward_report(score_pairs(val_, weights));
  report_["reference_answers"] = scores.size();
  report_["reference_mean_before"] = mean;
  report_["reference_std"] = std::sqrt(square / static_cast<double>(scores.size()));
}

}  // namespace

double pairwise_loss(std::span<const float> scores, std::span<const Comparison::Pair> pairs,
                     std::span<float> dscores, double scale) {
  double loss = 0;
  const double share = 1 / static_cast<double>(pairs.size());
  for (const Comparison::Pair& pair : pairs) {
    const double margin =
        static_cast<double>(scores[pair.better]) - static_cast<double>(scores[pair.worse]);
    loss -= share * log_sigmoid(margin);
    // d/dm −log σ(m) = −σ(−m)
    const auto gradient = static_cast<float>(-share * scale * std::exp(log_sigmoid(-margin)));
    dscores[pair.better] += gradient;
    dscores[pair.worse] -= gradient;
  }
  return loss;
}

std::vector<Comparison> make_comparisons(std::span<const Preference> preferences,
                                         const ChatFormat& format, int64_t context,
                                         int64_t max_answers, ComparisonReport& report) {
  Comparisons comparisons(format, context, max_answers, report);
  for (const Preference& preference : preferences) comparisons.add(preference);
  return comparisons.take();
}

std::pair<std::vector<Preference>, std::vector<Preference>> split_by_prompt(
    std::vector<Preference> preferences, double fraction, uint64_t seed) {
  std::pair<std::vector<Preference>, std::vector<Preference>> out;
  for (Preference& preference : preferences) {
    const base::Philox random(seed, data::fnv1a(prompt_key(preference.messages)));
    (random.uniform(0) < fraction ? out.second : out.first).push_back(std::move(preference));
  }
  return out;
}

// 5. All of it: options (of this call, or of the run that is resumed), model, the shared loop,
// the report.
RewardResult train_reward(RewardModelOptions options, bool quiet) {
  if (options.loop.resume) {
    const Json saved = load_stage_options(options.loop.out, "reward");
    for_each_option(options, [&](const char* name, auto& value) { saved.at(name).get_to(value); });
  } else {  // kept absolute, so that the run can be resumed from another folder
    options.model = fs::absolute(options.model).string();
    for (auto* names : {&options.data, &options.val_data, &options.reference})
      for (std::string& name : *names) name = fs::absolute(name).string();
  }
  const ChatFormat format = ChatFormat::load(options.model);
  model::Model model = model::with_score_head(model::load_model(options.model),
                                              model::HeadInit::kReward, options.loop.seed);
  if (options.context <= 0) options.context = model.config.T;
  if (options.context > model.config.T)
    throw base::UsageError(fmt::format("--context {}: the model reads at most {} tokens",
                                       options.context, model.config.T));
  RewardTask task(options, model.config, format);
  RewardResult result;
  Json json;
  for_each_option(options, [&](const char* name, const auto& value) { json[name] = value; });
  result.loop = run_loop(task, options.loop, json, model, format.tokenizer, quiet);
  result.report = task.report();
  if (result.loop.finished && !result.report.empty()) {
    base::write_file(options.loop.out / "report.json", result.report.dump(2) + "\n");
    base::write_file(options.loop.out / "report.md", reward_report_markdown(result.report));
  }
  return result;
}

}  // namespace parley::train

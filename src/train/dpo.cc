// Direct preference optimisation in five steps; dpo() at the end of the file names them in order.
#include "train/dpo.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/token_shard.h"
#include "formats/json.h"
#include "model/hf.h"
#include "train/chat_samples.h"
#include "train/micro_batches.h"
#include "train/run_checks.h"

namespace parley::train {
namespace {

using model::PackedBatch;

template <typename Options, typename Fn>
void for_each_option(Options& o, Fn&& fn) {
  fn("model", o.model);
  fn("data", o.data);
  fn("val_data", o.val_data);
  fn("val_fraction", o.val_fraction);
  fn("skip_bad", o.skip_bad);
  fn("context", o.context);
  fn("sample_prompts", o.sample_prompts);
  fn("sample_tokens", o.sample_tokens);
  fn("beta", o.loss.beta);
  fn("label_smoothing", o.loss.label_smoothing);
  fn("length_normalised", o.loss.length_normalised);
  fn("sft_weight", o.loss.sft_weight);
  for_each_loop_option(o.loop, fn);
}

std::vector<fs::path> paths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// An answer behind its prompt.
struct Answer {
  std::vector<int32_t> ids;
  int64_t prompt_tokens = 0;
  int64_t tokens() const { return std::ssize(ids) - prompt_tokens; }
};

// An example: two answers to one prompt, and what the reference thinks of them.
struct Pair {
  Answer chosen, rejected;
  double ref_chosen = 0, ref_rejected = 0;  // log-probabilities, summed over the answer
};

struct Prepared {
  DpoOptions options;
  model::Model model;
  data::ChatFormat format;
  std::vector<Pair> train, val;
  ComparisonReport train_report, val_report;
};

void check(const DpoOptions& o) {
  const auto require = [](bool holds, const char* message) {
    if (!holds) throw base::UsageError(message);
  };
  require(!o.model.empty(), "--model must be given: the SFT model to start from");
  require(!o.data.empty(), "--data must be given: files with preferences");
  require(o.loss.beta > 0 && std::isfinite(o.loss.beta), "--beta must be above 0");
  require(o.loss.label_smoothing >= 0 && o.loss.label_smoothing < 0.5,
          "--label-smoothing must be at least 0 and below 0.5");
  require(o.loss.sft_weight >= 0 && std::isfinite(o.loss.sft_weight),
          "--sft-weight must be at least 0");
  require(o.val_fraction >= 0 && o.val_fraction < 1,
          "--val-fraction must be at least 0 and below 1");
  require(o.context >= 0, "--context must be at least 1");
  require(o.sample_tokens >= 1, "--sample-tokens must be at least 1");
}

// 1. Options: of this call, or of the run that is resumed.
DpoOptions prepare_options(DpoOptions o) {
  if (o.loop.resume) {
    const fs::path out = o.loop.out;
    const Json saved = load_stage_options(out, "dpo");
    try {
      for_each_option(o, [&](const char* name, auto& value) { saved.at(name).get_to(value); });
    } catch (const nlohmann::json::exception& error) {
      base::fail("{}: not a run's configuration: {}", (out / "config.json").string(), error.what());
    }
    check(o);
    return o;
  }
  check(o);
  if (o.loop.out.empty()) throw base::UsageError("--out must be given: the run directory");
  check_new_run(o.loop.out);
  // Kept absolute, so that the run can be resumed from another folder.
  for (auto* names : {&o.data, &o.val_data})
    for (std::string& name : *names) name = fs::absolute(name).string();
  for (std::string* name : {&o.model, &o.sample_prompts})
    if (!name->empty()) *name = fs::absolute(*name).string();
  return o;
}

// 2. The model, which is policy and reference, and the form it talks in.
void prepare_model(Prepared& p) {
  DpoOptions& o = p.options;
  if (p.model.config.score_head)
    base::fail("{}: a reward model, which writes nothing; give a language model as --model",
               o.model);
  if (p.format.tokenizer.vocab_size() > p.model.config.V)
    base::fail("{}: the tokenizer has {} tokens, the model {}; use the model's own tokenizer",
               o.model, p.format.tokenizer.vocab_size(), p.model.config.V);
  if (o.context == 0) o.context = p.model.config.T;
  if (o.context > p.model.config.T)
    throw base::UsageError(
        fmt::format("--context {}: the model's context is {} tokens", o.context, p.model.config.T));
  p.model.config.eos_token = p.format.end_of_turn;
  if (o.loop.lr == 0) {
    // A tenth of what SFT takes: 6e-5 at 10 M parameters, 2e-6 at 10 B.
    const double parameters = static_cast<double>(model::count_matmul_parameters(p.model.config));
    o.loop.lr = std::clamp(6e-5 * std::sqrt(1e7 / parameters), 5e-7, 1e-4);
  }
}

// 3. Preferences as pairs of token sequences.
std::vector<Pair> make_pairs(const std::vector<data::Preference>& preferences, const Prepared& p,
                             ComparisonReport& report) {
  constexpr int64_t kAnswers = 9;  // of one prompt, compared with one another
  std::vector<Pair> pairs;
  for (const Comparison& c :
       make_comparisons(preferences, p.format, p.options.context, kAnswers, report)) {
    const auto answer = [&](size_t i) { return Answer{c.sequences[i], c.prompt_tokens[i]}; };
    for (const Comparison::Pair& pair : c.pairs)
      pairs.push_back({answer(pair.better), answer(pair.worse)});
  }
  return pairs;
}

void prepare_data(Prepared& p) {
  const DpoOptions& o = p.options;
  const data::ReadOptions read{.skip_bad = o.skip_bad};
  data::ReadReport report;
  std::vector<data::Preference> train = read_preferences(paths(o.data), read, report), val;
  if (!o.val_data.empty())
    val = read_preferences(paths(o.val_data), read, report);
  else
    std::tie(train, val) = split_by_prompt(std::move(train), o.val_fraction, o.loop.seed);
  p.train = make_pairs(train, p, p.train_report);
  p.val = make_pairs(val, p, p.val_report);
  for (const auto& [name, r] : {std::pair("train", p.train_report), std::pair("val", p.val_report)})
    spdlog::info("{}: {} pairs of {} prompts; {} ties, {} answers cut, {} records dropped", name,
                 r.pairs, r.prompts, r.ties, r.cut, r.dropped);
  if (p.train.empty())
    base::fail(
        "no pair is left to learn from within a context of {} tokens; use a larger "
        "--context or other data",
        o.context);
}

Prepared prepare(DpoOptions options) {
  options = prepare_options(std::move(options));
  const fs::path directory = options.model;
  Prepared p{std::move(options),
             model::load_model(directory),
             data::ChatFormat::load(directory),
             {},
             {},
             {},
             {}};
  prepare_model(p);
  prepare_data(p);
  return p;
}

// Pairs, packed: sequences 2i and 2i + 1 are the chosen and the rejected answer of pair i.
std::vector<PackedBatch> pack_pairs(std::span<const Pair* const> pairs, int64_t max_rows,
                                    int64_t T) {
  std::vector<std::vector<int32_t>> sequences;
  std::vector<model::Group> groups;
  for (const Pair* pair : pairs) {
    groups.push_back({sequences.size(), sequences.size() + 1});
    sequences.push_back(pair->chosen.ids);
    sequences.push_back(pair->rejected.ids);
  }
  std::vector<PackedBatch> batches = pack_groups(sequences, groups, max_rows, T);
  for (PackedBatch& batch : batches)
    for (const model::Place& place : batch.places) {
      const Pair& pair = *pairs[place.sequence / 2];
      const Answer& answer = place.sequence % 2 == 0 ? pair.chosen : pair.rejected;
      // A prompt's own tokens are not predicted.
      std::fill_n(batch.targets.begin() + place.begin, answer.prompt_tokens - 1, -1);
    }
  return batches;
}

// The log-probabilities of a batch's answers, summed, into sums[sequence].
void sum_answers(tensor::ConstF32 logprobs, const PackedBatch& batch, std::vector<double>& sums) {
  for (const model::Place& place : batch.places) {
    double sum = 0;
    for (int64_t n = place.begin; n < place.begin + place.count; ++n)
      sum += static_cast<double>(logprobs[n]);
    sums[place.sequence] = sum;
  }
}

// Means over pairs.
struct DpoStats {
  double loss = 0, correct = 0, chosen_reward = 0, rejected_reward = 0;
  double chosen_logprob = 0, rejected_logprob = 0;
  int64_t pairs = 0;

  void add(const DpoPair& pair, const DpoLoss& l) {
    loss += l.loss;
    // A draw is half right: an untrained policy has an accuracy of one half.
    correct += l.chosen_reward > l.rejected_reward    ? 1
               : l.chosen_reward == l.rejected_reward ? 0.5
                                                      : 0;
    chosen_reward += l.chosen_reward;
    rejected_reward += l.rejected_reward;
    chosen_logprob += pair.chosen;
    rejected_logprob += pair.rejected;
    ++pairs;
  }
  Json json(const std::string& prefix) const {
    const double n = static_cast<double>(std::max<int64_t>(1, pairs));
    Json out;
    out[prefix + "loss"] = loss / n;
    out[prefix + "accuracy"] = correct / n;
    out[prefix + "margin"] = (chosen_reward - rejected_reward) / n;
    out[prefix + "chosen_reward"] = chosen_reward / n;
    out[prefix + "rejected_reward"] = rejected_reward / n;
    out[prefix + "chosen_logprob"] = chosen_logprob / n;
    out[prefix + "rejected_logprob"] = rejected_logprob / n;
    return out;
  }
};

class DpoTask : public Task {
 public:
  DpoTask(Prepared& p, bool quiet)
      : p_(p),
        T_(p.options.context),
        max_rows_(std::max<int64_t>(2, micro_batch_rows(p.model.config, T_))),
        passes_(p.model.config, T_),
        samples_(p.options.loop.out, p.options.sample_prompts, p.format, p.model.config,
                 p.options.sample_tokens, p.options.loop.seed),
        checksum_(make_checksum()) {
    prepare_reference(quiet);
  }

  std::string_view stage() const override { return "dpo"; }
  int64_t examples() const override { return std::ssize(p_.train); }
  std::string data_checksum() const override { return checksum_; }
  double flops_per_token() const override {
    return model::train_flops_per_token(p_.model.config, T_);
  }

  Json gradient(int64_t step, std::span<const int64_t> examples, const model::Weights& weights,
                model::Weights& grads) override;
  Json validate(const model::Weights& weights) override;
  std::string sample(int64_t step, const model::Weights& weights) override {
    return samples_.write(step, weights);
  }
  void add_files(const fs::path& directory) const override {
    tokenizer::save_chat_template(directory, p_.format.chat_template, p_.format.tokenizer,
                                  p_.format.end_of_turn);
  }

 private:
  std::string make_checksum() const;
  void prepare_reference(bool quiet);
  bool load_reference(const fs::path& file);
  void compute_reference(std::vector<Pair>& pairs, base::Progress& bar, uint64_t& done);
  DpoPair measured(const Pair& pair, const std::vector<double>& sums, size_t i) const {
    return {sums[2 * i],       sums[2 * i + 1],      pair.ref_chosen,
            pair.ref_rejected, pair.chosen.tokens(), pair.rejected.tokens()};
  }

  Prepared& p_;
  int64_t T_, max_rows_;
  PackedPasses passes_;
  ChatSamples samples_;
  std::string checksum_;
};

// Of the reference's weights and all pairs: what reference.json belongs to.
std::string DpoTask::make_checksum() const {
  const tensor::F32 w = p_.model.weights.flat();
  uint64_t sum = data::fnv1a(
      {reinterpret_cast<const char*>(w.data()), static_cast<size_t>(w.size()) * sizeof(float)});
  for (const std::vector<Pair>* pairs : {&p_.train, &p_.val})
    for (const Pair& pair : *pairs)
      for (const Answer* a : {&pair.chosen, &pair.rejected}) {
        const auto* bytes = reinterpret_cast<const char*>(a->ids.data());
        sum = sum * 1099511628211u ^ data::fnv1a({bytes, a->ids.size() * sizeof(int32_t)});
        sum += static_cast<uint64_t>(a->prompt_tokens);
      }
  return fmt::format("{:016x}", sum);
}

// 4. The reference's log-probabilities: read back by a resumed run, else computed once.
void DpoTask::prepare_reference(bool quiet) {
  const fs::path file = p_.options.loop.out / "reference.json";
  if (p_.options.loop.resume && load_reference(file)) return;
  base::Progress bar("reference", p_.train.size() + p_.val.size(), "pairs", quiet);
  uint64_t done = 0;
  Json json;
  json["checksum"] = checksum_;
  for (auto& [name, pairs] : {std::pair("train", &p_.train), std::pair("val", &p_.val)}) {
    compute_reference(*pairs, bar, done);
    Json& list = json[name] = Json::array();
    for (const Pair& pair : *pairs) list.push_back({pair.ref_chosen, pair.ref_rejected});
  }
  bar.finish();
  base::write_file(file, json.dump() + "\n");
}

// False when there is none, or it is of other data.
bool DpoTask::load_reference(const fs::path& file) {
  if (!fs::exists(file)) return false;
  const formats::Json json = formats::parse_json(base::read_file(file), file.string());
  const formats::JsonFields fields(json, file.string());
  if (fields.string_or("checksum", "") != checksum_) return false;
  for (auto& [name, pairs] : {std::pair("train", &p_.train), std::pair("val", &p_.val)}) {
    const formats::Json* list = fields.find(name);
    if (!list || list->size() != pairs->size()) return false;
    for (size_t i = 0; i < pairs->size(); ++i) {
      const formats::Json& pair = list->at(i);
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
        return false;
      pair[0].get_to((*pairs)[i].ref_chosen);
      pair[1].get_to((*pairs)[i].ref_rejected);
    }
  }
  return true;
}

void DpoTask::compute_reference(std::vector<Pair>& pairs, base::Progress& bar, uint64_t& done) {
  constexpr size_t kWindow = 256;  // pairs packed together
  for (size_t first = 0; first < pairs.size(); first += kWindow) {
    std::vector<const Pair*> window;
    for (size_t i = first; i < std::min(pairs.size(), first + kWindow); ++i)
      window.push_back(&pairs[i]);
    std::vector<double> sums(2 * window.size());
    for (const PackedBatch& batch : pack_pairs(window, max_rows_, T_)) {
      sum_answers(passes_.logprobs(p_.model.weights, batch), batch, sums);
      bar.update(done += batch.places.size() / 2);
    }
    for (size_t i = 0; i < window.size(); ++i) {
      pairs[first + i].ref_chosen = sums[2 * i];
      pairs[first + i].ref_rejected = sums[2 * i + 1];
    }
  }
}

// 5. One update's gradient: the mean over its pairs.
Json DpoTask::gradient(int64_t step, std::span<const int64_t> examples,
                       const model::Weights& weights, model::Weights& grads) {
  (void)step;
  std::vector<const Pair*> pairs;
  for (const int64_t e : examples) pairs.push_back(&p_.train[static_cast<size_t>(e)]);
  DpoStats stats;
  std::vector<double> sums(2 * pairs.size());
  int64_t tokens = 0;
  double flops = 0;
  bool accumulate = false;
  for (const PackedBatch& batch : pack_pairs(pairs, max_rows_, T_)) {
    std::vector<float> dlogprob(static_cast<size_t>(batch.B * T_));  // of each token
    const auto make = [&](tensor::ConstF32 logprobs) -> model::TokenHead::Gradient {
      sum_answers(logprobs, batch, sums);
      for (const model::Place& place : batch.places) {
        const size_t i = place.sequence / 2;
        const DpoPair pair = measured(*pairs[i], sums, i);
        const DpoLoss loss = dpo_loss(pair, p_.options.loss);
        const bool chosen = place.sequence % 2 == 0;
        if (chosen) stats.add(pair, loss);
        const double d =
            (chosen ? loss.dchosen : loss.drejected) / static_cast<double>(pairs.size());
        std::fill_n(dlogprob.begin() + place.begin, place.count, static_cast<float>(d));
      }
      return [&](int64_t n, float) { return dlogprob[static_cast<size_t>(n)]; };
    };
    passes_.gradient_of_all(weights, grads, batch, make, accumulate);
    accumulate = true;
    tokens += batch.used();
    flops += training_flops(p_.model.config, batch);
  }
  Json metrics = stats.json("");
  metrics["tokens"] = tokens;
  metrics["flops"] = flops;
  return metrics;
}

Json DpoTask::validate(const model::Weights& weights) {
  if (p_.val.empty()) return Json::object();
  std::vector<const Pair*> pairs;
  for (const Pair& pair : p_.val) pairs.push_back(&pair);
  std::vector<double> sums(2 * pairs.size());
  for (const PackedBatch& batch : pack_pairs(pairs, max_rows_, T_))
    sum_answers(passes_.logprobs(weights, batch), batch, sums);
  DpoStats stats;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const DpoPair pair = measured(*pairs[i], sums, i);
    stats.add(pair, dpo_loss(pair, p_.options.loss));
  }
  return stats.json("val_");
}

}  // namespace

DpoResult dpo(DpoOptions options, bool quiet) {
  Prepared p = prepare(std::move(options));  // 1, 2, 3
  DpoTask task(p, quiet);                    // 4
  Json saved;
  for_each_option(p.options, [&](const char* name, const auto& value) { saved[name] = value; });
  DpoResult result;
  result.train = p.train_report;
  result.val = p.val_report;
  result.loop =  // 5: updates, validation, checkpoints, the best model
      run_loop(task, p.options.loop, saved, p.model, p.format.tokenizer, quiet);
  return result;
}

}  // namespace parley::train

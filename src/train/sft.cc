// Supervised fine-tuning in five steps; sft() at the end of the file names them in order.
#include "train/sft.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "model/hf.h"
#include "train/chat_samples.h"
#include "train/micro_batches.h"
#include "train/run_checks.h"
#include "train/text_rows.h"

namespace parley::train {
namespace {

using model::PackedBatch;

// Adapters begin at nothing and take larger steps (Schulman et al. 2025, "LoRA Without Regret").
constexpr double kLoraPerFullLr = 10;
// A training pass without the gradients of the weights.
constexpr double kLoraFlops = 2.0 / 3;

template <typename Options, typename Fn>
void for_each_option(Options& o, Fn&& fn) {
  fn("model", o.model);
  fn("data", o.data);
  fn("val_data", o.val_data);
  fn("val_fraction", o.val_fraction);
  fn("skip_bad", o.skip_bad);
  fn("context", o.context);
  fn("pretrain_data", o.pretrain_data);
  fn("pretrain_share", o.pretrain_share);
  fn("cache", o.cache);
  fn("sample_prompts", o.sample_prompts);
  fn("sample_tokens", o.sample_tokens);
  fn("lora_rank", o.lora_rank);
  fn("lora_alpha", o.lora_alpha);
  fn("lora_targets", o.lora_targets);
  for_each_loop_option(o.loop, fn);
}

std::vector<fs::path> paths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// What the stage learns from, and the model it teaches.
struct Prepared {
  SftOptions options;
  model::Model model;
  data::ChatFormat format;
  std::vector<TrainingSequence> train, val;
  SftDataReport train_report, val_report;
};

// 1. Options: of this call, or of the run that is resumed.
SftOptions prepare_options(SftOptions o) {
  if (o.loop.resume) {
    const fs::path out = o.loop.out;
    const Json saved = load_stage_options(out, "sft");
    try {
      for_each_option(o, [&](const char* name, auto& value) { saved.at(name).get_to(value); });
    } catch (const nlohmann::json::exception& error) {
      base::fail("{}: not a run's configuration: {}", (out / "config.json").string(), error.what());
    }
    return o;
  }
  if (o.model.empty()) throw base::UsageError("--model must be given: the model to start from");
  if (o.data.empty()) throw base::UsageError("--data must be given: files with conversations");
  if (!(o.val_fraction >= 0 && o.val_fraction < 1))
    throw base::UsageError("--val-fraction must be at least 0 and below 1");
  if (!(o.pretrain_share >= 0 && o.pretrain_share < 1))
    throw base::UsageError("--pretrain-share must be at least 0 and below 1");
  if (o.pretrain_data.empty() != (o.pretrain_share == 0))
    throw base::UsageError("--pretrain-data and --pretrain-share go together");
  if (o.context < 0) throw base::UsageError("--context must be at least 1");
  if (o.sample_tokens < 1) throw base::UsageError("--sample-tokens must be at least 1");
  if (o.lora_rank < 0) throw base::UsageError("--lora-rank must be at least 1");
  if (o.lora_rank == 0 && (o.lora_alpha != 0 || !o.lora_targets.empty()))
    throw base::UsageError("--lora-alpha and --lora-targets need --lora-rank");
  if (o.lora_rank > 0 && o.lora_alpha == 0) o.lora_alpha = 2 * static_cast<double>(o.lora_rank);
  // Kept absolute, so that the run can be resumed from another folder.
  const auto absolute = [](std::string& name) {
    if (!name.empty()) name = fs::absolute(name).string();
  };
  for (auto* names : {&o.data, &o.val_data, &o.pretrain_data})
    for (std::string& name : *names) absolute(name);
  for (std::string* name : {&o.model, &o.cache, &o.sample_prompts}) absolute(*name);
  return o;
}

// 2. The model and the form it talks in. What ends a turn ends generation from now on.
void prepare_model(Prepared& p) {
  SftOptions& o = p.options;
  if (p.model.config.score_head)
    base::fail("{}: a reward model, which writes nothing; give a language model as --model",
               o.model);
  if (o.context == 0) o.context = p.model.config.T;
  if (o.context > p.model.config.T)
    throw base::UsageError(
        fmt::format("--context {}: the model's context is {} tokens", o.context, p.model.config.T));
  p.model.config.eos_token = p.format.end_of_turn;
  if (o.loop.lr == 0) {
    // Falls with the square root of the size: 6e-4 at 10 M parameters, 2e-5 at 10 B.
    const double parameters = static_cast<double>(model::count_matmul_parameters(p.model.config));
    o.loop.lr = std::clamp(6e-4 * std::sqrt(1e7 / parameters), 1e-5, 1e-3);
    if (o.lora_rank > 0) o.loop.lr *= kLoraPerFullLr;
  }
}

// 3. Conversations as tokens, and which of them are learned.
void prepare_data(Prepared& p) {
  const SftOptions& o = p.options;
  const data::ReadOptions read{.skip_bad = o.skip_bad};
  data::ReadReport report;
  std::vector<data::Conversation> train = read_conversations(paths(o.data), read, report), val;
  if (!o.val_data.empty())
    val = read_conversations(paths(o.val_data), read, report);
  else
    std::tie(train, val) = split_conversations(std::move(train), o.val_fraction, o.loop.seed);
  const auto encode = [&](const std::vector<data::Conversation>& all, SftDataReport& to) {
    return encode_conversations(all, p.format, o.context, p.model.config.V, to);
  };
  p.train = encode(train, p.train_report);
  if (!val.empty()) p.val = encode(val, p.val_report);
  for (const auto& [name, r] : {std::pair("train", p.train_report), std::pair("val", p.val_report)})
    spdlog::info(
        "{}: {} conversations, {:.1f} k tokens, {:.1f} k of them learned; {} cut, {} dropped", name,
        r.conversations, static_cast<double>(r.tokens) / 1e3,
        static_cast<double>(r.trained_tokens) / 1e3, r.cut, r.dropped);
}

Prepared prepare(SftOptions options) {
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

// The sequences of an update, packed, with targets only where something is learned.
std::vector<PackedBatch> pack_masked(const std::vector<const TrainingSequence*>& sequences,
                                     int64_t max_rows, int64_t T) {
  std::vector<std::vector<int32_t>> ids;
  for (const TrainingSequence* s : sequences) ids.push_back(s->ids);
  std::vector<PackedBatch> batches = pack_rows(ids, max_rows, T);
  for (PackedBatch& batch : batches) mask_targets(batch, sequences);
  return batches;
}

int64_t count_targets(std::span<const PackedBatch> batches) {
  int64_t targets = 0;
  for (const PackedBatch& batch : batches)
    targets += std::ranges::count_if(batch.targets, [](int32_t t) { return t >= 0; });
  return targets;
}

int64_t count_tokens(std::span<const PackedBatch> batches) {
  int64_t tokens = 0;
  for (const PackedBatch& batch : batches) tokens += batch.used();
  return tokens;
}

double sum_of(tensor::ConstF32 values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum;
}

class SftTask : public Task {
 public:
  explicit SftTask(const Prepared& p)
      : p_(p),
        T_(p.options.context),
        max_rows_(micro_batch_rows(p.model.config, T_)),
        passes_(p.model.config, T_),
        samples_(p.options.loop.out, p.options.sample_prompts, p.format, p.model.config,
                 p.options.sample_tokens, p.options.loop.seed) {
    const SftOptions& o = p.options;
    if (o.lora_rank > 0) {
      const model::LoraOptions lora{
          .rank = o.lora_rank, .alpha = o.lora_alpha, .targets = o.lora_targets};
      lora_ = std::make_unique<LoraTraining>(p.model.config, lora, o.loop.seed);
      lora_->base_model = o.model;
    }
    pack_held_out();
    prepare_text();
  }

  std::string_view stage() const override { return "sft"; }
  int64_t examples() const override { return std::ssize(p_.train); }
  std::string data_checksum() const override {
    return fmt::format("{:016x}", checksum(p_.val, checksum(p_.train)) ^ text_checksum_);
  }
  double flops_per_token() const override {
    return model::train_flops_per_token(p_.model.config, T_);
  }
  LoraTraining* lora() override { return lora_.get(); }

  Json gradient(int64_t step, std::span<const int64_t> examples, const model::Weights& weights,
                model::Weights& grads) override;
  Json validate(const model::Weights& weights) override;
  std::string sample(int64_t step, const model::Weights& weights) override {
    if (!lora_) return samples_.write(step, weights);
    // Generation knows no adapters: a merged copy, for as long as it takes.
    model::Weights merged(p_.model.config);
    std::copy(weights.flat().begin(), weights.flat().end(), merged.flat().begin());
    model::merge_lora(merged, lora_->weights);
    return samples_.write(step, merged);
  }
  void add_files(const fs::path& directory) const override {
    tokenizer::save_chat_template(directory, p_.format.chat_template, p_.format.tokenizer,
                                  p_.format.end_of_turn);
  }

 private:
  void pack_held_out();
  void prepare_text();
  std::vector<PackedBatch> text_batches(int64_t step);
  // Adds the gradient of −weight · Σ log p of the batches' targets; returns Σ log p.
  double add_gradient(std::span<const PackedBatch> batches, double weight,
                      const model::Weights& weights, model::Weights& grads, bool& accumulate);

  const Prepared& p_;
  int64_t T_, max_rows_;
  PackedPasses passes_;
  ChatSamples samples_;
  std::vector<PackedBatch> val_;
  std::unique_ptr<LoraTraining> lora_;  // null: the weights are trained
  std::unique_ptr<TextRows> text_;      // null: none
  int64_t text_rows_ = 0;               // of an update
  uint64_t text_checksum_ = 0;
};

// Some conversations at a time, longest first: the search for room grows with their square.
void SftTask::pack_held_out() {
  constexpr size_t kWindow = 1024;
  for (size_t first = 0; first < p_.val.size(); first += kWindow) {
    std::vector<const TrainingSequence*> window;
    for (size_t i = first; i < std::min(p_.val.size(), first + kWindow); ++i)
      window.push_back(&p_.val[i]);
    for (PackedBatch& batch : pack_masked(window, max_rows_, T_)) val_.push_back(std::move(batch));
  }
}

// Pre-training text: about `share` of the rows of an update, at least one.
void SftTask::prepare_text() {
  const SftOptions& o = p_.options;
  if (o.pretrain_data.empty()) return;
  const fs::path cache = o.cache.empty() ? o.loop.out / "cache" : fs::path(o.cache);
  text_ = std::make_unique<TextRows>(o.pretrain_data, p_.format.tokenizer, cache, T_, o.loop.seed,
                                     /*endless=*/true);
  const double rows = static_cast<double>(p_.train_report.tokens) /
                      static_cast<double>(examples()) * static_cast<double>(o.loop.batch) /
                      static_cast<double>(T_);
  text_rows_ = std::max<int64_t>(1, std::llround(rows * o.pretrain_share / (1 - o.pretrain_share)));
  const std::vector<int32_t>& first = text_->fill(0, 1).tokens;
  text_checksum_ =
      data::fnv1a({reinterpret_cast<const char*>(first.data()), first.size() * sizeof(int32_t)});
}

std::vector<PackedBatch> SftTask::text_batches(int64_t step) {
  std::vector<PackedBatch> batches;
  for (int64_t row = 0; row < text_rows_;) {
    const int64_t left = text_rows_ - row;
    int64_t rows = max_rows_;
    while (rows > left) rows /= 2;
    const data::Batch& text = text_->fill(step * text_rows_ + row, rows);
    PackedBatch batch(rows, T_);
    batch.tokens = text.tokens;
    batch.targets = text.targets;
    batch.positions = text.positions;
    batch.first_key = text.first_key;
    for (int64_t b = 0; b < rows; ++b) batch.places.push_back({0, b * T_, T_});
    batches.push_back(std::move(batch));
    row += rows;
  }
  return batches;
}

double SftTask::add_gradient(std::span<const PackedBatch> batches, double weight,
                             const model::Weights& weights, model::Weights& grads,
                             bool& accumulate) {
  double sum = 0;
  const auto dlogprob = static_cast<float>(-weight);
  for (const PackedBatch& batch : batches) {
    const auto gradient = [dlogprob](int64_t, float) { return dlogprob; };
    sum += sum_of(lora_ ? passes_.gradient_lora(weights, lora_->weights, lora_->grads, batch,
                                                gradient, accumulate)
                        : passes_.gradient(weights, grads, batch, gradient, accumulate));
    accumulate = true;
  }
  return sum;
}

// 4. One update's gradient: the mean over its answers' tokens, however they are packed.
Json SftTask::gradient(int64_t step, std::span<const int64_t> examples,
                       const model::Weights& weights, model::Weights& grads) {
  std::vector<const TrainingSequence*> sequences;
  for (const int64_t e : examples) sequences.push_back(&p_.train[static_cast<size_t>(e)]);
  const std::vector<PackedBatch> chat = pack_masked(sequences, max_rows_, T_);
  const double share = text_ ? p_.options.pretrain_share : 0;
  const auto chat_targets = static_cast<double>(std::max<int64_t>(1, count_targets(chat)));
  bool accumulate = false;
  const double chat_sum =
      add_gradient(chat, (1 - share) / chat_targets, weights, grads, accumulate);

  int64_t tokens = count_tokens(chat), rows = 0;
  double flops = 0;
  for (const PackedBatch& batch : chat) {
    flops += training_flops(p_.model.config, batch);
    rows += batch.B;
  }
  Json metrics;
  metrics["loss"] = -chat_sum / chat_targets;
  metrics["trained_tokens"] = static_cast<int64_t>(chat_targets);
  metrics["padding"] = 1 - static_cast<double>(tokens) / static_cast<double>(rows * T_);
  if (text_) {
    const std::vector<PackedBatch> text = text_batches(step);
    const auto targets = static_cast<double>(std::max<int64_t>(1, count_targets(text)));
    metrics["text_loss"] =
        -add_gradient(text, share / targets, weights, grads, accumulate) / targets;
    tokens += count_tokens(text);
    for (const PackedBatch& batch : text) flops += training_flops(p_.model.config, batch);
  }
  metrics["tokens"] = tokens;
  metrics["flops"] = lora_ ? kLoraFlops * flops : flops;
  return metrics;
}

Json SftTask::validate(const model::Weights& weights) {
  if (val_.empty()) return Json::object();
  double sum = 0;
  for (const PackedBatch& batch : val_)
    sum += sum_of(passes_.logprobs(weights, batch, lora_ ? &lora_->weights : nullptr));
  return {{"val_loss", -sum / static_cast<double>(std::max<int64_t>(1, count_targets(val_)))}};
}

// Control characters would act on a terminal.
std::string visible(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\t')
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

// One sequence, runs of tokens with the same mark together.
std::string show_sequence(const TrainingSequence& s, const tokenizer::Tokenizer& tokenizer,
                          bool colour) {
  std::string out;
  for (size_t begin = 0; begin < s.ids.size();) {
    size_t end = begin;
    tokenizer::StreamDecoder decoder(tokenizer, begin == 0);
    std::string text;
    for (; end < s.ids.size() && s.trained[end] == s.trained[begin]; ++end)
      text += decoder.push(s.ids[end]);
    text = visible(text + decoder.finish());
    if (s.trained[begin])
      out += (colour ? "\x1b[32m" : "[[") + text + (colour ? "\x1b[0m" : "]]");
    else
      out += text;
    begin = end;
  }
  return out;
}

}  // namespace

SftResult sft(SftOptions options, bool quiet) {
  if (options.loop.out.empty()) throw base::UsageError("--out must be given: the run directory");
  if (!options.loop.resume) check_new_run(options.loop.out);
  Prepared p = prepare(std::move(options));  // 1, 2, 3
  SftTask task(p);
  Json saved;
  for_each_option(p.options, [&](const char* name, const auto& value) { saved[name] = value; });
  SftResult result;
  result.train = p.train_report;
  result.val = p.val_report;
  result.loop =  // 4 and 5: updates, validation, checkpoints, the best model
      run_loop(task, p.options.loop, saved, p.model, p.format.tokenizer, quiet);
  return result;
}

std::string show_batch(SftOptions options, bool colour) {
  const Prepared p = prepare(std::move(options));
  std::vector<const TrainingSequence*> sequences;
  for (const int64_t e : examples_of_update(std::ssize(p.train), p.options.loop.batch,
                                            p.options.loop.seed, /*step=*/0))
    sequences.push_back(&p.train[static_cast<size_t>(e)]);
  const int64_t T = p.options.context;
  const std::vector<PackedBatch> batches =
      pack_masked(sequences, micro_batch_rows(p.model.config, T), T);
  std::string out;
  int64_t rows = 0;
  for (const PackedBatch& batch : batches) {
    for (int64_t b = 0; b < batch.B; ++b) {
      int64_t used = 0;
      std::string text;
      for (const model::Place& place : batch.places) {
        if (place.begin / T != b) continue;
        const TrainingSequence& s = *sequences[place.sequence];
        text += fmt::format("--- {}: {} tokens, {} learned\n{}\n", s.where, s.ids.size(),
                            s.trained_tokens(), show_sequence(s, p.format.tokenizer, colour));
        used += place.count;
      }
      out += fmt::format("=== row {}: {} of {} tokens\n{}", ++rows, used, T, text);
    }
  }
  const int64_t tokens = count_tokens(batches), targets = count_targets(batches);
  out += fmt::format(
      "{} conversations in {} rows of {} tokens, {} micro-batches: {} tokens, {} of them learned "
      "({:.1f}%), {:.1f}% padding\n",
      sequences.size(), rows, T, batches.size(), tokens, targets,
      100 * static_cast<double>(targets) / static_cast<double>(tokens),
      100 * (1 - static_cast<double>(tokens) / static_cast<double>(rows * T)));
  return out;
}

}  // namespace parley::train

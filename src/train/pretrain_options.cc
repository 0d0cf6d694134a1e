#include "train/pretrain_options.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <type_traits>

#include "base/error.h"
#include "formats/json.h"
#include "model/hf.h"

namespace parley::train {
namespace {

using Json = nlohmann::ordered_json;

// Names every option that config.json keeps. `f` gets a name and a reference.
template <typename Options, typename F>
void for_each_option(Options& o, F&& f) {
  f("data", o.data);
  f("val_data", o.val_data);
  f("val_fraction", o.val_fraction);
  f("text_field", o.text_field);
  f("skip_bad", o.skip_bad);
  f("cache", o.cache);
  f("document_mask", o.document_mask);
  f("fim_rate", o.fim_rate);
  f("model", o.model);
  f("preset", o.preset);
  f("tokenizer", o.tokenizer);
  f("vocab_size", o.vocab_size);
  f("steps", o.steps);
  f("tokens", o.tokens);
  f("minutes", o.minutes);
  f("batch", o.batch);
  f("seq", o.seq);
  f("grad_accum", o.grad_accum);
  f("recompute", o.recompute);
  f("optimizer", o.optimizer);
  f("lr", o.lr);
  f("muon_lr", o.muon_lr);
  f("weight_decay", o.weight_decay);
  f("clip", o.clip);
  f("schedule", o.schedule);
  f("warmup", o.warmup);
  f("val_every", o.val_every);
  f("val_tokens", o.val_tokens);
  f("sample_every", o.sample_every);
  f("checkpoint_every", o.checkpoint_every);
  f("keep", o.keep);
  f("seed", o.seed);
}

fs::path config_file(const fs::path& run) { return run / "config.json"; }

}  // namespace

OptimizerOptions PretrainOptions::optimizer_options() const {
  OptimizerOptions o;
  o.kind = parse_optimizer(optimizer);
  o.lr = lr;
  o.muon_lr = muon_lr;
  o.weight_decay = weight_decay;
  o.clip = clip;
  return o;
}

Schedule PretrainOptions::schedule_options() const {
  Schedule s;
  s.kind = parse_schedule(schedule);
  s.steps = steps;
  s.warmup = warmup;
  s.final_share = s.kind == ScheduleKind::kCosine ? 0.1 : 0.0;
  return s;
}

void PretrainOptions::make_paths_absolute() {
  for (auto* names : {&data, &val_data})
    for (std::string& name : *names) name = fs::absolute(name).string();
  for (std::string* name : {&cache, &model})
    if (!name->empty()) *name = fs::absolute(*name).string();
}

void PretrainOptions::continue_as(const PretrainOptions& now) {
  if (!now.data.empty()) data = now.data;
  if (!now.val_data.empty()) val_data = now.val_data;
  if (!now.cache.empty()) cache = now.cache;
  make_paths_absolute();
  const int64_t longer =
      now.steps > 0 ? now.steps : (now.tokens + tokens_per_step() - 1) / tokens_per_step();
  if (longer == 0) return;
  if (longer < steps)
    throw base::UsageError(
        fmt::format("the run in {} has {} steps of {} tokens; it can be made longer, not shorter",
                    out.string(), steps, tokens_per_step()));
  steps = longer;
  tokens = now.tokens;
}

void validate(const PretrainOptions& o) {
  constexpr int64_t kMost = 1'000'000'000'000;
  const auto require = [](bool good, const char* flag, const char* what) {
    if (!good) throw base::UsageError(fmt::format("--{} must be {}", flag, what));
  };
  // NaN fails every comparison.
  require(!o.data.empty(), "data", "given: files or folders of text");
  require(o.val_fraction >= 0 && o.val_fraction <= 0.5, "val-fraction", "between 0 and 0.5");
  require(o.fim_rate >= 0 && o.fim_rate <= 1, "fim-rate", "between 0 and 1");
  require(o.vocab_size == 0 || (o.vocab_size >= 300 && o.vocab_size <= 1'000'000), "vocab-size",
          "between 300 and 1000000");
  require(o.steps >= 0 && o.steps <= kMost, "steps", "between 1 and 10^12");
  require(o.tokens >= 0 && o.tokens <= kMost * 1000, "tokens", "between 1 and 10^15");
  require(o.minutes >= 0 && o.minutes <= 1e7, "minutes", "at least 0");
  require(o.batch >= 0 && o.batch <= 65536, "batch", "between 1 and 65536");
  require(o.seq >= 0 && o.seq <= (1 << 20), "seq", "between 1 and 1048576");
  require(o.grad_accum >= 0 && o.grad_accum <= 65536, "grad-accum", "between 1 and 65536");
  require(o.lr >= 0 && std::isfinite(o.lr), "lr", "a positive number");
  require(o.muon_lr > 0 && std::isfinite(o.muon_lr), "muon-lr", "a positive number");
  require(o.weight_decay >= 0 && std::isfinite(o.weight_decay), "weight-decay", "at least 0");
  require(o.clip >= 0, "clip", "at least 0 (0: no clipping)");
  require(o.warmup >= -1, "warmup", "at least 0");
  require(o.val_tokens > 0, "val-tokens", "at least 1");
  require(o.val_every >= 0, "val-every", "at least 0");
  require(o.sample_every >= 0, "sample-every", "at least 0");
  require(o.checkpoint_every >= 0, "checkpoint-every", "at least 0");
  require(o.keep >= 1, "keep", "at least 1");
  parse_optimizer(o.optimizer);
  parse_schedule(o.schedule);
}

void choose_sizes(PretrainOptions& o, const model::ModelConfig& preset) {
  const double parameters = static_cast<double>(model::count_matmul_parameters(preset));
  const bool small = parameters < 5e7;
  if (o.seq == 0) o.seq = std::min<int64_t>(preset.T, small ? 256 : 1024);
  if (o.batch == 0) o.batch = std::max<int64_t>(1, (small ? 4096 : 2048) / o.seq);
  if (o.grad_accum == 0) o.grad_accum = small ? 1 : std::max<int64_t>(1, 16384 / (o.batch * o.seq));
  // Kaplan et al. 2020 (arXiv 2001.08361), equation D.1; in the range it was fitted for.
  if (o.lr == 0) o.lr = 0.003239 - 0.0001395 * std::log(std::clamp(parameters, 1e6, 1e9));
}

void choose_length(PretrainOptions& o, double seconds_per_step) {
  constexpr double kOverhead = 1.08;  // validation, samples, checkpoints
  constexpr double kCheckpointSeconds = 1800;
  if (o.steps == 0 && o.tokens > 0)
    o.steps = (o.tokens + o.tokens_per_step() - 1) / o.tokens_per_step();
  if (o.steps == 0) {
    const double minutes = o.minutes > 0 ? o.minutes : PretrainOptions::kDefaultMinutes;
    o.steps =
        std::max<int64_t>(1, static_cast<int64_t>(minutes * 60 / (seconds_per_step * kOverhead)));
  }
  if (static_cast<double>(o.steps) * static_cast<double>(o.tokens_per_step()) > 1e18)
    throw base::UsageError("--steps: more tokens than can be counted; make the run shorter");
  if (o.warmup < 0) o.warmup = o.steps / 50;
  const auto half_hour =
      static_cast<int64_t>(kCheckpointSeconds / std::max(1e-6, seconds_per_step));
  if (o.val_every == 0) o.val_every = std::max<int64_t>(1, std::min(o.steps / 10, half_hour));
  if (o.sample_every == 0) o.sample_every = o.val_every;
  if (o.checkpoint_every == 0) o.checkpoint_every = o.val_every;
}

void save_run(const SavedRun& run) {
  Json json;
  json["stage"] = "pretrain";
  json["parley_version"] = PARLEY_VERSION;
  json["corpus"] = run.corpus;
  Json& fields = json["options"];
  for_each_option(run.options, [&](const char* name, const auto& value) { fields[name] = value; });
  json["model"] = model::config_json(run.model, tensor::DType::kF32);
  base::write_file(config_file(run.options.out), json.dump(2) + "\n");
}

SavedRun load_run(const fs::path& directory) {
  const fs::path file = config_file(directory);
  if (!fs::exists(file))
    base::fail("{}: there is no run to resume here; leave out --resume to begin one",
               file.string());
  const formats::Json json =
      formats::parse_json(base::read_file(file, uint64_t{1} << 20), file.string());
  SavedRun run;
  PretrainOptions& o = run.options;
  o.out = directory;
  o.resume = true;
  try {
    if (json.at("stage") != "pretrain")
      base::fail("{}: the run directory of another stage", file.string());
    json.at("corpus").get_to(run.corpus);
    const formats::Json& fields = json.at("options");
    for_each_option(o, [&](const char* name, auto& value) {
      if (const std::string_view only_new = "model"; name == only_new && !fields.contains(name))
        return;  // runs begun before there was --model
      fields.at(name).get_to(value);
    });
    run.model = model::parse_config(json.at("model").dump(), file.string());
  } catch (const nlohmann::json::exception& error) {
    base::fail("{}: not a run's configuration: {}", file.string(), error.what());
  }
  validate(o);
  if (o.steps < 1 || o.tokens_per_step() < 1 || o.val_every < 1 || o.sample_every < 1 ||
      o.checkpoint_every < 1 || o.warmup < 0)
    base::fail("{}: not a run's configuration: a value that must be positive is not",
               file.string());
  return run;
}

model::ModelConfig find_preset(const std::string& name_or_file) {
  if (name_or_file.ends_with(".json")) return model::load_config(name_or_file);
  return model::preset(name_or_file);
}

fs::path cache_folder(const PretrainOptions& options) {
  if (!options.cache.empty()) return options.cache;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return fs::path(cache) / "parley";
  if (const char* home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".cache" / "parley";
  return options.out / "cache";
}

}  // namespace parley::train

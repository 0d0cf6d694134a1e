#include "server/served_model.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "data/token_shard.h"

namespace parley::server {
namespace {

namespace fs = std::filesystem;

class GrammarConstraint final : public infer::Constraint {
 public:
  template <typename... Args>
  explicit GrammarConstraint(Args&&... args) : matcher_(std::forward<Args>(args)...) {}

  std::span<const uint64_t> allowed() override { return matcher_.allowed(); }
  void accept(int32_t token) override { matcher_.accept(token); }
  bool finished() const override { return matcher_.finished(); }

 private:
  grammar::Matcher matcher_;
};

ModelOptions completed(ModelOptions options) {
  if (options.path.empty()) base::fail("a model without a path");
  options.path = fs::absolute(options.path).lexically_normal();
  if (!options.path.has_filename()) options.path = options.path.parent_path();
  if (options.id.empty()) options.id = options.path.filename().string();
  // runs/x/model is known as "x".
  if (options.id == "model" && options.path.has_parent_path())
    options.id = options.path.parent_path().filename().string();
  return options;
}

// Of the files in a model directory: their names, sizes and times, none of their contents.
uint64_t state_of(const fs::path& directory) {
  std::vector<std::string> lines;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (entry.is_regular_file())
      lines.push_back(fmt::format("{} {} {}", entry.path().filename().string(), entry.file_size(),
                                  entry.last_write_time().time_since_epoch().count()));
  std::ranges::sort(lines);
  return data::fnv1a(fmt::format("{}\n", fmt::join(lines, "\n")));
}

std::string fingerprint_of(const fs::path& directory) {
  return fmt::format("fp_{:010x}", state_of(directory) >> 24);
}

int64_t changed_at(const fs::path& directory) {
  std::error_code ignored;
  const auto time = fs::last_write_time(directory / "config.json", ignored);
  if (ignored) return 0;
  const auto seconds = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(seconds).count();
}

infer::EngineOptions engine_options(const ModelOptions& options, const text::LoadedModel& model,
                                    const text::LoadedModel* draft) {
  infer::EngineOptions engine;
  engine.max_sequences = options.max_sequences;
  engine.max_waiting = options.max_waiting;
  engine.kv_bytes = static_cast<size_t>(options.kv_mb) << 20;
  engine.kv_format = options.storage.kv_format(model.infer.precision());
  engine.speculative.ngram = options.lookup;
  engine.speculative.tokens = options.draft_tokens;
  if (draft) {
    engine.speculative.draft_config = &draft->config;
    engine.speculative.draft_weights = &draft->infer;
  }
  return engine;
}

}  // namespace

ServedModel::ServedModel(ModelOptions options)
    : options_(completed(std::move(options))),
      model_(text::load(options_.path, options_.storage)),
      draft_(options_.draft.empty() ? nullptr
                                    : std::make_unique<text::LoadedModel>(
                                          text::load(options_.draft, options_.storage))),
      chat_format_(text::chat_format(model_)),
      created_(changed_at(options_.path)),
      fingerprint_(fingerprint_of(options_.path)),
      tokens_(std::make_shared<grammar::TokenTable>(model_.tokenizer, model_.config.V)),
      engine_(model_.config, model_.infer, engine_options(options_, model_, draft_.get()),
              [wakes = wakes_] { wakes->flush(); }) {}

std::shared_ptr<infer::Constraint> ServedModel::constrain(grammar::GrammarPtr grammar,
                                                          std::vector<int32_t> stop_ids,
                                                          int64_t max_tokens) const {
  return std::make_shared<GrammarConstraint>(std::move(grammar), tokens_, std::move(stop_ids),
                                             max_tokens);
}

ModelRegistry::ModelRegistry(const std::vector<ModelOptions>& options)
    : models_(load(options, {})) {}

ModelRegistry::Models ModelRegistry::load(const std::vector<ModelOptions>& options,
                                          const Models& old) const {
  if (options.empty())
    base::fail("no model to serve: give --model DIR, or [[models]] in the configuration");
  std::set<std::string> names;
  std::vector<ModelOptions> wanted;
  for (const ModelOptions& given : options) {
    wanted.push_back(completed(given));
    std::vector<std::string> own = wanted.back().aliases;
    own.push_back(wanted.back().id);
    for (const std::string& name : own)
      if (!names.insert(name).second) base::fail("two models are called '{}'", name);
  }
  Models models;
  for (const ModelOptions& option : wanted) {
    const auto same = std::ranges::find_if(old, [&](const auto& model) {
      return model->options() == option && model->fingerprint() == fingerprint_of(option.path);
    });
    models.push_back(same != old.end() ? *same : std::make_shared<ServedModel>(option));
    if (same == old.end()) spdlog::info("model {}: {}", models.back()->id(), option.path.string());
  }
  return models;
}

std::shared_ptr<ServedModel> ModelRegistry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& model : models_)
    if (model->id() == name ||
        std::ranges::find(model->options().aliases, name) != model->options().aliases.end())
      return model;
  return nullptr;
}

std::vector<std::shared_ptr<ServedModel>> ModelRegistry::all() const {
  const std::lock_guard lock(mutex_);
  return models_;
}

std::vector<std::string> ModelRegistry::names() const {
  std::vector<std::string> names;
  for (const auto& model : all()) names.push_back(model->id());
  return names;
}

void ModelRegistry::reload(const std::vector<ModelOptions>& options) {
  Models fresh = load(options, all());  // seconds: not under the lock
  const std::lock_guard lock(mutex_);
  models_.swap(fresh);
  // What nobody uses any more ends in the destructor of `fresh`.
}

void ModelRegistry::drain() {
  for (const auto& model : all()) model->engine().drain();
}

}  // namespace parley::server

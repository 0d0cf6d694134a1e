// A model that answers requests: loaded, with an engine on a thread of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/matcher.h"
#include "infer/engine_thread.h"
#include "server/wake_list.h"
#include "text/chat_prompt.h"
#include "text/loaded_model.h"

namespace parley::server {

struct ModelOptions {
  std::string id{};  // the name requests use; empty: the directory's
  std::filesystem::path path{};
  std::vector<std::string> aliases{};  // other names: "gpt-3.5-turbo"
  text::Storage storage{};
  int64_t max_sequences = 16;
  int64_t max_waiting = 64;
  int64_t kv_mb = 0;              // 0: the engine's own choice
  std::filesystem::path draft{};  // a smaller model that guesses ahead
  int64_t lookup = 0;             // guess what followed the last N tokens before
  int64_t draft_tokens = 4;

  bool operator==(const ModelOptions&) const = default;
};

class ServedModel {
 public:
  // Loads the model and starts its engine. Error when it cannot be loaded.
  explicit ServedModel(ModelOptions options);

  const ModelOptions& options() const { return options_; }
  const std::string& id() const { return options_.id; }
  int64_t created() const { return created_; }  // Unix time of the weights' last change
  const text::LoadedModel& model() const { return model_; }
  text::ChatFormat chat_format() const { return chat_format_; }
  int64_t context() const { return model_.config.T; }
  // Changes when the weights do: "fp_" and ten hexadecimal digits.
  const std::string& fingerprint() const { return fingerprint_; }
  infer::EngineThread& engine() { return engine_; }
  // For what the engine's callbacks give to connections.
  const std::shared_ptr<WakeList>& wakes() const { return wakes_; }

  // Follows an answer with `grammar`; at most `max_tokens` tokens, ended by one of `stop_ids`.
  std::shared_ptr<infer::Constraint> constrain(grammar::GrammarPtr grammar,
                                               std::vector<int32_t> stop_ids,
                                               int64_t max_tokens) const;

 private:
  ModelOptions options_;
  text::LoadedModel model_;
  std::unique_ptr<text::LoadedModel> draft_;
  text::ChatFormat chat_format_;
  int64_t created_ = 0;
  std::string fingerprint_;
  std::shared_ptr<const grammar::TokenTable> tokens_;
  std::shared_ptr<WakeList> wakes_ = std::make_shared<WakeList>();
  infer::EngineThread engine_;  // last: it uses all of the above
};

// The models by their names. Thread-safe.
class ModelRegistry {
 public:
  // Loads all. Error when two have one name, or one cannot be loaded.
  explicit ModelRegistry(const std::vector<ModelOptions>& options);

  // nullptr when there is none of that name or alias. Whoever holds a model keeps it alive.
  std::shared_ptr<ServedModel> find(std::string_view name) const;
  std::vector<std::shared_ptr<ServedModel>> all() const;
  // Ids, without aliases.
  std::vector<std::string> names() const;

  // Loads what changed (options, or the files of a model); answers under way end with the model
  // they began with. Error when something cannot be loaded: then nothing changes.
  void reload(const std::vector<ModelOptions>& options);
  // Takes no more requests, and waits for those under way.
  void drain();

 private:
  using Models = std::vector<std::shared_ptr<ServedModel>>;
  Models load(const std::vector<ModelOptions>& options, const Models& old) const;

  mutable std::mutex mutex_;
  Models models_;
};

}  // namespace parley::server

#include "cli/engine_flags.h"

#include "base/error.h"

namespace parley::cli {
namespace {

constexpr model::KvFormat kFormats[] = {model::KvFormat::kF32, model::KvFormat::kBf16,
                                        model::KvFormat::kInt8};

model::KvFormat parse_kv(std::string_view name) {
  for (const model::KvFormat format : kFormats)
    if (kernels::kv_format_name(format) == name) return format;
  throw base::UsageError(fmt::format("--kv '{}': write f32, bf16 or int8", name));
}

}  // namespace

void add_engine_flags(CLI::App& command, EngineFlags& flags) {
  const std::string group = "Engine";
  command.add_option("--kv", flags.kv, "how keys and values are kept: f32, bf16 or int8")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--draft", flags.draft,
                  "a smaller model with the same tokenizer that guesses tokens ahead; the answer "
                  "is the same, sooner")
      ->group(group);
  command
      .add_option("--lookup", flags.lookup,
                  "guess what followed the last N or fewer tokens before (0: off)")
      ->check(CLI::Range(0, 64))
      ->capture_default_str()
      ->group(group);
  command.add_option("--draft-tokens", flags.draft_tokens, "tokens guessed at once, at most")
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
}

LoadedEngine::LoadedEngine(const LoadedModel& model, const EngineFlags& flags,
                           infer::EngineOptions options)
    : weights_(model.config, model.weights) {
  options.kv_format = parse_kv(flags.kv);
  options.speculative.ngram = flags.lookup;
  options.speculative.tokens = flags.draft_tokens;
  if (!flags.draft.empty()) {
    draft_ = std::make_unique<LoadedModel>(load(flags.draft));
    draft_weights_ = model::InferWeights(draft_->config, draft_->weights);
    options.speculative.draft_config = &draft_->config;
    options.speculative.draft_weights = &draft_weights_;
  }
  engine_ = std::make_unique<infer::Engine>(model.config, weights_, std::move(options));
}

}  // namespace parley::cli

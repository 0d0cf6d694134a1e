#include "cli/engine_flags.h"

namespace parley::cli {
void add_engine_flags(CLI::App& command, EngineFlags& flags) {
  const std::string group = "Engine";
  add_precision_flags(command, flags.precision);
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

LoadedEngine::LoadedEngine(const text::LoadedModel& model, const EngineFlags& flags,
                           infer::EngineOptions options) {
  options.kv_format = flags.precision.kv_format(model.infer.precision());
  options.speculative.ngram = flags.lookup;
  options.speculative.tokens = flags.draft_tokens;
  if (!flags.draft.empty()) {
    draft_ = std::make_unique<text::LoadedModel>(text::load(flags.draft, flags.precision));
    options.speculative.draft_config = &draft_->config;
    options.speculative.draft_weights = &draft_->infer;
  }
  engine_ = std::make_unique<infer::Engine>(model.config, model.infer, std::move(options));
}

}  // namespace parley::cli

#include "train/rollouts.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/interrupt.h"
#include "data/encoder.h"
#include "infer/generate.h"

namespace parley::train {
namespace {

// The last thing a user said.
std::string last_user_text(const data::Prompt& prompt) {
  for (size_t i = prompt.messages.size(); i-- > 0;)
    if (prompt.messages[i].role == "user") return prompt.messages[i].content;
  return prompt.text;
}

}  // namespace

std::vector<RlPrompt> load_rl_prompts(const std::vector<std::string>& files, bool skip_bad,
                                      const fs::path& model, const tokenizer::Tokenizer& tokenizer,
                                      int64_t limit, PromptReport& report) {
  data::ReadReport read;
  std::vector<RlPrompt> prompts;
  std::optional<data::ChatFormat> format;
  for (data::Prompt& prompt :
       data::read_prompts({files.begin(), files.end()}, {.skip_bad = skip_bad}, read)) {
    RlPrompt out;
    if (prompt.messages.empty()) {
      out.stop = data::document_separator(tokenizer);
      out.ids = {out.stop};
      tokenizer.encode_append(prompt.text, out.ids);
      if (std::ssize(out.ids) > limit) out.ids.clear();
    } else {
      if (!format) format = data::ChatFormat::load(model);
      out.stop = format->end_of_turn;
      out.ids = data::prompt_ids(*format, prompt.messages, limit);
    }
    if (out.ids.empty()) {
      ++report.dropped;
      continue;
    }
    out.text = last_user_text(prompt);
    out.record = std::move(prompt.record);
    prompts.push_back(std::move(out));
  }
  report.prompts = std::ssize(prompts);
  if (prompts.empty())
    base::fail("{}: no prompt to answer ({} records, {} longer than {} tokens)",
               files.empty() ? "--prompts" : files.front(), read.records, report.dropped, limit);
  return prompts;
}

Rollouts::Rollouts(const model::ModelConfig& config, const model::Weights& weights,
                   const RolloutOptions& options)
    : config_(config), options_(options), weights_(config, weights) {
  // Chunks that depend on the clock would change f32's last bits from run to run.
  engine_ =
      std::make_unique<infer::Engine>(config_, weights_,
                                      infer::EngineOptions{.max_sequences = options.max_sequences,
                                                           .max_waiting = int64_t{1} << 20,
                                                           .step_tokens = 1024,
                                                           .adaptive_steps = false});
}

std::vector<Episode> Rollouts::sample(std::span<const RlPrompt> prompts,
                                      std::span<const size_t> chosen, uint64_t first_stream) {
  const auto start = std::chrono::steady_clock::now();
  engine_->forget_cache();  // the weights have changed
  std::vector<infer::Request> requests;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const RlPrompt& prompt = prompts[chosen[i]];
    infer::Request request;
    request.prompt = prompt.ids;
    request.sampling.temperature = options_.temperature;
    request.sampling.seed = options_.seed;
    request.sampling.max_tokens = std::min(options_.max_tokens, config_.T - std::ssize(prompt.ids));
    request.sampling.stop_ids = {prompt.stop};
    request.stream = first_stream + i;
    requests.push_back(std::move(request));
  }
  std::vector<Episode> episodes;
  tokens_ = 0;
  const std::vector<infer::Completion> completions = infer::generate(*engine_, requests);
  for (size_t i = 0; i < chosen.size(); ++i) {
    Episode episode;
    episode.prompt = chosen[i];
    episode.tokens = std::move(requests[i].prompt);
    episode.prompt_tokens = std::ssize(episode.tokens);
    for (const infer::Sample& sample : completions[i].samples) {
      episode.tokens.push_back(sample.token);
      episode.sampled_logprobs.push_back(sample.logprob);
    }
    episode.finished = completions[i].stopped_by_token;
    tokens_ += episode.answer_tokens();
    episodes.push_back(std::move(episode));
  }
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return episodes;
}

}  // namespace parley::train

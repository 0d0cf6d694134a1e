// Rollouts: the policy answers prompts, by the inference engine, all of them together.
#pragma once

#include <memory>
#include <vector>

#include "data/chat_ids.h"
#include "data/conversations.h"
#include "infer/engine.h"
#include "model/model.h"

namespace parley::train {

namespace fs = std::filesystem;

// A prompt as ids, and what its record says.
struct RlPrompt {
  std::vector<int32_t> ids;
  std::string text;       // of the last user's turn, or the raw prompt
  nlohmann::json record;  // for rules
  int32_t stop = -1;      // the token that ends its answer
};

struct PromptReport {
  int64_t prompts = 0;
  int64_t dropped = 0;  // no room for an answer
};

// Chat prompts by the model's template, raw ones behind the token that begins a document.
// A prompt keeps at most `limit` tokens: a chat loses its oldest turns, and when that is not
// enough the prompt is dropped and counted. Error when nothing is left.
std::vector<RlPrompt> load_rl_prompts(const std::vector<std::string>& files, bool skip_bad,
                                      const fs::path& model, const tokenizer::Tokenizer& tokenizer,
                                      int64_t limit, PromptReport& report);

// One sampled answer.
struct Episode {
  size_t prompt = 0;            // its number in the list
  std::vector<int32_t> tokens;  // prompt and answer; the stop token included
  int64_t prompt_tokens = 0;
  bool finished = false;                // ended by its stop token
  std::vector<float> sampled_logprobs;  // (answer) as the engine told them, at temperature 1
  int64_t answer_tokens() const { return std::ssize(tokens) - prompt_tokens; }
};

struct RolloutOptions {
  int64_t max_tokens = 64;  // of an answer
  float temperature = 1;    // top-k and top-p are off: training must know the whole distribution
  int64_t max_sequences = 64;
  uint64_t seed = 0;
};

// Keeps a reference to the weights: every call sees them as they are then.
class Rollouts {
 public:
  Rollouts(const model::ModelConfig& config, const model::Weights& weights,
           const RolloutOptions& options);

  // One answer to each of the prompts named. Answer i is a function of (weights, prompt, seed,
  // first_stream + i), whatever else is sampled beside it.
  std::vector<Episode> sample(std::span<const RlPrompt> prompts, std::span<const size_t> chosen,
                              uint64_t first_stream);

  // Answer tokens of the last call, and seconds it took.
  int64_t tokens() const { return tokens_; }
  double seconds() const { return seconds_; }

 private:
  const model::ModelConfig& config_;
  RolloutOptions options_;
  model::InferWeights weights_;
  std::unique_ptr<infer::Engine> engine_;
  int64_t tokens_ = 0;
  double seconds_ = 0;
};

}  // namespace parley::train

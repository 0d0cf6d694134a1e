// PPO on answers (InstructGPT's RLHF, with the pre-training mix), and GRPO, which is the same
// without a value model.
#pragma once

#include <string>
#include <vector>

#include "data/packing.h"
#include "train/run_log.h"

namespace parley::train {

enum class RlAlgorithm { kPpo, kGrpo };

// 0 or an empty text means "choose for me" where a comment says so.
struct RlOptions {
  RlAlgorithm algorithm = RlAlgorithm::kPpo;
  fs::path out;         // the run directory
  bool resume = false;  // go on where RUN stopped; all else comes from RUN/config.json

  // Models and data.
  std::string model;                 // the policy to start from, and the reference
  std::string value_model;           // PPO: where the value model starts; empty: the first reward
                                     // model of --reward, else the policy with a zero head
  std::vector<std::string> prompts;  // to answer
  std::string reward;        // as make_reward_source reads it: "model:DIR", "regex:…", …
  std::string gold;          // measured beside, never learned from; empty: none
  bool unsandboxed = false;  // of tests of code
  bool skip_bad = false;

  // Rollouts.
  int64_t iterations = 100;
  int64_t episodes = 128;     // answers an iteration
  int64_t group = 1;          // answers to each prompt; GRPO: 8 unless told
  int64_t max_tokens = 64;    // of an answer
  int64_t max_prompt = 0;     // tokens; 0: what the context leaves beside max_tokens
  double temperature = 1;     // of every log-probability too
  double eos_penalty = 1;     // what the score loses when the answer did not end by itself
  bool eos_replaces = false;  // then the score is −eos_penalty instead

  // Rewards.
  double reward_clip = 0;  // the score is held within ±this; 0: any
  double kl = 0.05;        // β
  double kl_target = 0;    // adaptive β towards this many nats an answer; 0: fixed
  double kl_horizon = 10000;
  std::string kl_estimator = "k1";  // of the penalty; k1 or k3
  bool whiten_rewards = false;
  bool whiten_advantages = true;
  double gamma = 1, lambda = 0.95;
  bool divide_by_std = true;  // GRPO

  // Updates.
  int64_t epochs = 4;       // over an iteration's episodes
  int64_t minibatches = 1;  // an epoch
  double clip = 0.2, value_clip = 0.2;
  double lr = 1e-5, value_lr = 0;  // 0: twice lr
  double adam_eps = 1e-5;
  double grad_clip = 1;
  std::string schedule = "linear";  // to 0, or "constant"
  int64_t warmup = 10;              // iterations, from a tenth of the rate
  int64_t value_warmup = 0;         // iterations in which only the value model learns

  // The pre-training mix.
  std::vector<std::string> ptx_data;  // text; empty: none
  double ptx = 27.8;                  // its coefficient (InstructGPT, appendix C.4)
  double ptx_ratio = 1;  // rows of pre-training text an update, for each row of episodes
  std::vector<std::string> eval_text;  // held-out text whose bits per byte are logged
  double ema = 0;                      // decay of the averaged policy, 0.992 in the paper; 0: none

  // Watching.
  int64_t sample_every = 0;      // iterations; 0: ten times a run
  int64_t checkpoint_every = 0;  // 0: ten times a run
  int64_t keep = 1;
  uint64_t seed = 0;
};

struct RlResult {
  bool finished = false;  // false: interrupted, can be resumed
  int64_t step = 0, steps = 0;
  double seconds = 0;
  // Of all of it, this session: where the time went, and how well the updates used the machine.
  double rollout_seconds = 0, scoring_seconds = 0, update_seconds = 0, other_seconds = 0;
  double rollout_tokens_per_second = 0;
  double update_flops_per_second = 0, peak_flops_per_second = 0;
  Json first, last;  // metrics of the first and the last iteration
  fs::path model;    // RUN/model, or the last checkpoint when interrupted
};

// Runs (or resumes) the training. Writes to the run directory
//   config.json    the options       metrics.jsonl   one line an iteration
//   samples.md     the same prompts answered over time
//   checkpoints/   policy, value/, ema/ with their optimisers
//   model/         the finished policy (its average when there is one)
// A run killed at any moment and resumed ends in the same weights, bit for bit.
RlResult train_rl(RlOptions options, bool quiet = false);

// Error naming the flag and what it may be when a value makes no sense.
void validate(const RlOptions& options);

}  // namespace parley::train

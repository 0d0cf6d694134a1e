// Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): a policy learns from
// preferences without a reward model.
#pragma once

#include <string>
#include <vector>

#include "train/loop.h"
#include "train/reward.h"

namespace parley::train {

struct DpoLossOptions {
  double beta = 0.1;  // how dear it is to leave the reference
  // The share of preferences that are taken to be the wrong way round (cDPO, Mitchell 2023).
  double label_smoothing = 0;
  // Log-probabilities are means over an answer's tokens, not sums, so that length does not count.
  bool length_normalised = false;
  // Weight of −log π(chosen) per token, added to the loss (RPO, Pang et al. 2024, arXiv
  // 2404.19733): keeps the chosen answers from becoming less likely.
  double sft_weight = 0;
};

// Log-probabilities of a pair's answers, summed over their tokens.
struct DpoPair {
  double chosen, rejected;          // of the policy
  double ref_chosen, ref_rejected;  // of the reference
  int64_t chosen_tokens, rejected_tokens;
};

// The loss of one pair in nats, with its gradient:
//   h = r_chosen − r_rejected,  r = β (log π − log π_ref)
//   loss = −(1 − ε) log σ(h) − ε log σ(−h) − sft_weight · log π(chosen) / tokens
struct DpoLoss {
  double loss;
  double dchosen, drejected;              // with respect to the policy's sums
  double chosen_reward, rejected_reward;  // r, the implicit rewards
};
DpoLoss dpo_loss(const DpoPair& pair, const DpoLossOptions& options);

// 0 or an empty text means "choose for me" where a comment says so.
struct DpoOptions {
  DpoOptions() { loop.lr = 0; }

  LoopOptions loop;  // lr 0: by model size
  DpoLossOptions loss;
  std::string model;              // the model directory to start from: an SFT model
  std::vector<std::string> data;  // preferences
  std::vector<std::string> val_data;
  double val_fraction = 0.05;  // of the prompts of `data`, when there is no val_data
  bool skip_bad = false;
  int64_t context = 0;         // longest prompt and answer, tokens; 0: the model's context
  std::string sample_prompts;  // more prompts for samples.md
  int64_t sample_tokens = 96;  // of an answer there
};

struct DpoResult {
  LoopResult loop;
  ComparisonReport train, val;
};

// Runs (or resumes) the training; writes the run directory of loop.h, and samples.md and
// reference.json in it. The reference is the model the run starts from; its log-probabilities are
// computed once, before the first update, and kept in reference.json. A ranking gives all its
// pairs; an example is one pair. Error when data or model cannot be read, or nothing is left to
// learn.
DpoResult dpo(DpoOptions options, bool quiet = false);

}  // namespace parley::train

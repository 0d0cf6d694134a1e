// Supervised fine-tuning: a base model learns to answer from conversations (InstructGPT, Ouyang
// et al. 2022, section 3.5).
#pragma once

#include <string>
#include <vector>

#include "train/loop.h"
#include "train/sft_data.h"

namespace parley::train {

// 0 or an empty text means "choose for me" where a comment says so.
struct SftOptions {
  SftOptions() {
    loop.epochs = 2;
    loop.lr = 0;
  }

  LoopOptions loop;               // lr 0: by model size
  std::string model;              // the model directory to start from
  std::vector<std::string> data;  // conversations
  std::vector<std::string> val_data;
  double val_fraction = 0.02;  // of the questions of `data`, when there is no val_data
  bool skip_bad = false;
  int64_t context = 0;                     // longest conversation, tokens; 0: the model's context
  std::vector<std::string> pretrain_data;  // text of pre-training to learn beside
  double pretrain_share = 0;               // of the loss
  std::string cache;                       // folder of tokenised text; empty: in the run directory
  std::string sample_prompts;              // more prompts for samples.md
  int64_t sample_tokens = 96;              // of an answer there
  // Low-rank adapters are trained instead of the weights (docs/lora.md). 0: no.
  int64_t lora_rank = 0;
  double lora_alpha = 0;                  // 0: twice the rank
  std::vector<std::string> lora_targets;  // as of model::LoraOptions; empty: all linear layers
};

struct SftResult {
  LoopResult loop;
  SftDataReport train, val;
};

// Runs (or resumes) the training; writes the run directory of loop.h, and samples.md and
// samples.jsonl in it. The loss is the mean over the answers' tokens (their end included) of an
// update; with pre-training text, (1 − share) of that and share of the mean over the text. The
// saved model ends its generation with the template's end of turn. Error when data or model cannot
// be read, or nothing is left to learn.
SftResult sft(SftOptions options, bool quiet = false);

// The first update's rows as text, its trained tokens in green or, without `colour`, in [[ ]],
// and what the packing is worth.
std::string show_batch(SftOptions options, bool colour);

}  // namespace parley::train

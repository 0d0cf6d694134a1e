// Pre-training: a corpus becomes a model that predicts its next token.
#pragma once

#include "data/text_loss.h"
#include "train/pretrain_options.h"

namespace parley::train {

struct PretrainResult {
  bool finished = false;  // false: interrupted, the run can be resumed
  int64_t step = 0, steps = 0;
  int64_t tokens = 0;       // trained on, in all
  double train_loss = 0;    // mean over the last steps (at most 100)
  data::TextLoss held_out;  // of the model below on all held-out text; targets 0: none
  double tokens_per_second = 0, flops_per_second = 0;  // median step of this session
  double peak_flops_per_second = 0;                    // the machine's, measured at the start
  double seconds = 0;                                  // of training, all sessions
  fs::path model;                       // RUN/model, or the last checkpoint when interrupted
  std::vector<fs::path> held_out_text;  // what `held_out` was measured on
};

// Runs (or resumes) pre-training as the options say. Writes to the run directory
//   config.json    the options      metrics.jsonl   one line a step
//   tokenizer/     the tokenizer    samples.md      what the model writes, over time
//   held_out.jsonl the text held out for validation
//   checkpoints/   the last ones and the best      model/  the finished model
// A run killed at any moment and resumed ends in the same weights, bit for bit, as one
// that never stopped. Error when the data cannot be read, memory or disk does not
// suffice, or the loss stops being a number; the last good checkpoint stays.
PretrainResult pretrain(PretrainOptions options, bool quiet = false);

}  // namespace parley::train

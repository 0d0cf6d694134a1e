// What a pre-training run is told: flags of `parley pretrain`, kept in RUN/config.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/config.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace parley::train {

namespace fs = base::fs;

// A number of 0 or an empty text means "choose for me" where a comment says so.
struct PretrainOptions {
  fs::path out;         // the run directory
  bool resume = false;  // go on where RUN stopped; all else comes from RUN/config.json

  // Data.
  std::vector<std::string> data;      // files and folders
  std::vector<std::string> val_data;  // empty: hold out a part of the data
  double val_fraction = 0.005;
  std::string text_field = "text";
  bool skip_bad = false;
  std::string cache;  // folder of token shards; empty: the user's cache folder
  bool document_mask = true;
  double fim_rate = 0;

  // Model.
  std::string model;            // directory of a model to go on from; empty: fresh weights
  std::string preset = "mini";  // or the path of a config.json
  std::string tokenizer;        // empty: train one on the data
  int64_t vocab_size = 0;       // of a tokenizer to train; 0: the preset's

  // Length: the first of these that is not 0. All 0: kDefaultMinutes.
  int64_t steps = 0, tokens = 0;
  double minutes = 0;
  static constexpr double kDefaultMinutes = 20;

  // Batch.
  int64_t batch = 0;       // sequences run through the model together; 0: by model size
  int64_t seq = 0;         // tokens a sequence; 0: by model size
  int64_t grad_accum = 0;  // batches an update; 0: by model size
  bool recompute = false;  // activations are computed again in backward: less memory

  // Optimiser.
  std::string optimizer = "muon";
  double lr = 0;  // 0: by model size
  double muon_lr = 0.02;
  double weight_decay = 0.1;
  double clip = 1.0;
  std::string schedule = "cosine";
  int64_t warmup = -1;  // steps; −1: a fiftieth of the run

  // Watching.
  int64_t val_every = 0;         // steps; 0: ten times a run, and each half hour
  int64_t val_tokens = 16384;    // read each time (all of them at the end)
  int64_t sample_every = 0;      // 0: as val_every
  int64_t checkpoint_every = 0;  // 0: as val_every
  int64_t keep = 2;              // checkpoints, and the best one besides

  uint64_t seed = 0;

  OptimizerOptions optimizer_options() const;
  Schedule schedule_options() const;
  int64_t tokens_per_step() const { return batch * seq * grad_accum; }

  // So that the run can be resumed from another folder.
  void make_paths_absolute();
  // Takes from `now` where the data is and how long the run shall be, where it says so. UsageError
  // when the run would be shorter than it was.
  void continue_as(const PretrainOptions& now);
};

// Error naming the flag and what it may be when a value makes no sense.
void validate(const PretrainOptions& options);

// Fills in batch, seq, grad_accum and lr where they are 0.
void choose_sizes(PretrainOptions& options, const model::ModelConfig& preset);

// Fills in steps, warmup and the *_every, knowing how long one step takes.
void choose_length(PretrainOptions& options, double seconds_per_step);

// RUN/config.json: everything a run must know to go on as it began.
struct SavedRun {
  PretrainOptions options;  // with the chosen values
  model::ModelConfig model;
  std::string corpus;  // Corpus::checksum(): whether the data is still the same
};
void save_run(const SavedRun& run);
// Reads RUN/config.json. Error when there is none or it is not a run's.
SavedRun load_run(const fs::path& directory);

// The model the run trains: a preset, or the shape in a Hugging Face config.json.
model::ModelConfig find_preset(const std::string& name_or_file);

// The folder for token shards: options.cache, else $XDG_CACHE_HOME/parley, else
// ~/.cache/parley, else a folder in the run directory.
fs::path cache_folder(const PretrainOptions& options);

}  // namespace parley::train

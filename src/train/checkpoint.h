// Checkpoints: RUN/checkpoints/step-N/, each a model directory (so that every command
// can use it) with two files more:
//   optimizer.safetensors   the optimiser's state, f32
//   trainer_state.json      the step, and what is needed to go on
// Further models that are trained together (PPO's value model) lie in folders of it, each a model
// directory with its optimiser's state.
// A checkpoint appears whole or not at all. Since data order and random numbers are
// functions of (seed, step), the step is all the position there is to keep.
#pragma once

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "formats/json.h"
#include "model/weights.h"
#include "tokenizer/tokenizer.h"
#include "train/lora_optimizer.h"
#include "train/optimizer.h"

namespace parley::train {

namespace fs = base::fs;

struct TrainerState {
  int64_t step = 0;  // updates done
  // Validation loss at this step; infinite: not measured.
  double val_loss = std::numeric_limits<double>::infinity();
  double elapsed = 0;  // seconds of training so far
  // What else a stage has to keep: numbers and texts by name.
  nlohmann::ordered_json extra = nlohmann::ordered_json::object();
};

// A model a checkpoint keeps.
struct TrainedModel {
  std::string name;  // its folder in the checkpoint; empty: the checkpoint itself
  const model::ModelConfig* config;
  model::Weights* weights;
  Optimizer* optimizer;  // null: none
  // Instead of the weights and their optimiser: adapters of them, which are all that is written,
  // as an adapter directory (model/lora.h) and optimizer.safetensors.
  LoraTraining* lora = nullptr;
  LoraOptimizer* lora_optimizer = nullptr;
};

struct Checkpoint {
  fs::path path;
  TrainerState state;
};

// Adds what a stage keeps in a model directory beside model and tokenizer: its chat template.
using AddFiles = std::function<void(const fs::path& directory)>;

// Writes RUN/checkpoints/step-N with these models, one of them without a name. Error (with what
// was there before intact) when the disk is full or a weight is not finite.
Checkpoint save_checkpoint(const fs::path& run, const TrainerState& state,
                           std::span<const TrainedModel> models,
                           const tokenizer::Tokenizer& tokenizer, const AddFiles& add_files = {});

// The checkpoints of a run, by step; directories without a readable trainer_state.json are
// passed over with a warning.
std::vector<Checkpoint> list_checkpoints(const fs::path& run);

// Fills weights and optimisers. Error (with nothing changed) when a file is missing, damaged or
// of another model.
void load_checkpoint(const Checkpoint& checkpoint, std::span<const TrainedModel> models);

// Loads the newest sound checkpoint (a damaged one is passed over with a warning);
// false when there is none.
bool load_newest_checkpoint(const fs::path& run, std::span<const TrainedModel> models,
                            TrainerState& state);

// Removes all but the last `keep` and the one with the lowest validation loss, and what
// killed processes left half-written.
void prune_checkpoints(const fs::path& run, int64_t keep);

// The checkpoint with the lowest validation loss; null when none has any.
const Checkpoint* best_checkpoint(const std::vector<Checkpoint>& checkpoints);

// Copies the model directory of a checkpoint, without the training state and the further models,
// to `target`.
void export_checkpoint(const Checkpoint& checkpoint, const fs::path& target);

}  // namespace parley::train

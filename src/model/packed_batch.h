// Sequences of different lengths, several to a row: what SFT, reward models, DPO and PPO run
// through a TrainState. No sequence sees another (attention and positions restart), and
// little of the batch is padding.
#pragma once

#include <span>
#include <vector>

#include "model/train_step.h"

namespace parley::model {

// Where a sequence lies: tokens [begin, begin + count) of the batch read as one list of B·T.
struct Place {
  size_t sequence;
  int64_t begin, count;
};

struct PackedBatch {
  int64_t B = 0, T = 0;
  std::vector<int32_t> tokens;     // (B, T)
  std::vector<int32_t> targets;    // (B, T): the next token; −1 at a sequence's end, in padding
  std::vector<int32_t> positions;  // (B, T)
  std::vector<int32_t> first_key;  // (B, T)
  std::vector<Place> places;       // its sequences

  PackedBatch(int64_t rows, int64_t row_tokens);  // padding only
  Batch views() const;
  int64_t used() const;  // tokens that are not padding
};

// Sequences that have to be in one batch, such as all answers to one prompt.
using Group = std::vector<size_t>;

// Fills batches of B rows of T tokens with the sequences, the longest of each group first
// (first fit), groups in their order; a group is never split. Every batch has the same shape.
// Error naming the sequence when one is longer than T or a group does not fit into B·T;
// programs check lengths with fits() before. `groups` empty: each sequence is one.
std::vector<PackedBatch> pack(std::span<const std::vector<int32_t>> sequences, int64_t B, int64_t T,
                              std::span<const Group> groups = {});

// Whether sequences of these lengths go into one batch of B rows of T tokens (first fit).
bool fits(std::vector<int64_t> lengths, int64_t B, int64_t T);

}  // namespace parley::model

// Rows of pre-training text beside another stage: for PPO's mix and for bits per byte.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/packing.h"
#include "data/text_loss.h"
#include "model/train_step.h"
#include "tokenizer/tokenizer.h"

namespace parley::train {

namespace fs = std::filesystem;

// A batch as the model reads it.
model::Batch views(const data::Batch& batch);

class TextRows {
 public:
  // Tokenises the files (or finds them in `cache`). `endless`: rows in a shuffled order, epoch
  // after epoch; else one epoch in order. Error when there is no text.
  TextRows(const std::vector<std::string>& files, const tokenizer::Tokenizer& tokenizer,
           const fs::path& cache, int64_t T, uint64_t seed, bool endless);

  // Rows first_row, first_row + 1, … (B of them); valid until the next call.
  const data::Batch& fill(int64_t first_row, int64_t B);
  // Those rows, as the model reads them.
  model::Batch views() const { return train::views(batch_); }

  // The loss on the whole epoch; `loss_sum` gives the nats of one batch of B rows.
  data::TextLoss measure(int64_t B, const std::function<double(const model::Batch&)>& loss_sum);

 private:
  data::TokenShard shard_;
  std::vector<int32_t> token_bytes_;
  std::unique_ptr<data::Packer> packer_;
  data::Batch batch_;
  int64_t T_;
};

}  // namespace parley::train

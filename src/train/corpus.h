// The data of a pre-training run: tokenizer, token shards, packed rows, held-out text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/packing.h"
#include "data/text_loss.h"
#include "tokenizer/tokenizer.h"
#include "train/pretrain_options.h"

namespace parley::train {

// The tokenizer of the run: a resumed run's own, RUN/tokenizer; else that of the model to go on
// from or the one the options name or, when they name none, one trained on the data; it is kept in
// RUN/tokenizer, with the model's chat template.
tokenizer::Tokenizer prepare_tokenizer(const PretrainOptions& options, int64_t preset_vocab,
                                       bool quiet);

class Corpus {
 public:
  // Tokenises (or finds in the cache) the data; splits off what is held out. Error when
  // nothing is left to train on.
  Corpus(const PretrainOptions& options, const tokenizer::Tokenizer& tokenizer, bool quiet);

  // Training rows, endless and shuffled.
  data::Packer& train() { return *train_; }
  // Held-out rows, one epoch; null when there are none.
  data::Packer* held_out() { return held_out_.get(); }
  int32_t separator() const { return separator_; }
  const std::vector<int32_t>& token_bytes() const { return token_bytes_; }
  // Names the tokens the run trains on: another value, another corpus.
  std::string checksum() const;

  // The held-out documents as JSON Lines in `file`, so that other programs can be
  // measured on the same text. Nothing when there are none.
  void write_held_out(const tokenizer::Tokenizer& tokenizer, const fs::path& file) const;

 private:
  data::TokenShard shard_, val_shard_;  // val_shard_ only with --val-data
  std::vector<int64_t> held_out_documents_;
  bool separate_val_ = false;
  std::unique_ptr<data::Packer> train_, held_out_;
  int32_t separator_ = -1;
  std::vector<int32_t> token_bytes_;
};

}  // namespace parley::train

// Packing: documents of a shard, one behind another, cut into rows of T tokens.
//
// An epoch's stream is  <|endoftext|> d1 <|endoftext|> d2 … <|endoftext|>  in an order
// shuffled by (seed, epoch). Row r holds the inputs stream[rT, rT + T) and, as targets,
// the same one further, so an epoch predicts each token of each document once, and one
// end a document; only its last row may be padded. The rows of an epoch are shuffled
// again, so that one long document does not fill a batch. All of it is a function of
// (seed, row number): a resumed run needs to know its step, nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "data/token_shard.h"

namespace parley::data {

// What a training step reads. All (B, T), row-major.
struct Batch {
  int64_t B = 0, T = 0;
  std::vector<int32_t> tokens;
  std::vector<int32_t> targets;    // −1: not counted
  std::vector<int32_t> positions;  // within the document (document_mask) or the row
  std::vector<int32_t> first_key;  // first position attention may look at

  Batch() = default;
  Batch(int64_t rows, int64_t row_tokens);
  int64_t counted_targets() const;
};

struct PackOptions {
  int64_t T = 0;  // tokens a row
  uint64_t seed = 0;
  bool shuffle = true;        // false: documents and rows in order
  bool endless = true;        // false: one epoch, behind it only empty rows
  bool document_mask = true;  // attention stays inside a document
};

class Packer {
 public:
  // `documents` are indices into the shard, which must outlive the packer;
  // `separator` is the id of <|endoftext|>.
  Packer(const TokenShard& shard, std::vector<int64_t> documents, int32_t separator,
         const PackOptions& options);

  int64_t rows_per_epoch() const { return rows_; }
  int64_t targets_per_epoch() const { return stream_tokens_ - 1; }
  // Bytes of the documents' text: what the targets of an epoch say.
  int64_t text_bytes() const { return text_bytes_; }

  // Rows first_row, first_row + 1, … (batch.B of them) of the endless sequence of
  // epochs. Rows behind a single epoch (not endless) have no targets.
  void fill(uint64_t first_row, Batch& batch);

 private:
  void start_epoch(uint64_t epoch);
  void fill_row(uint64_t row, Batch& batch, int64_t b);

  const TokenShard& shard_;
  std::vector<int64_t> documents_;
  int32_t separator_;
  PackOptions options_;
  int64_t stream_tokens_ = 0, rows_ = 0, text_bytes_ = 0;

  // The current epoch.
  uint64_t epoch_;
  std::vector<int64_t> order_;      // (D) indices into the shard
  std::vector<int64_t> starts_;     // (D + 1) where each document's separator stands in the stream
  std::vector<int64_t> row_order_;  // (rows)
};

}  // namespace parley::data

// Bits per byte: how well a model, and common compressors, predict a text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "data/text_loss.h"
#include "infer/engine.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace parley::eval {

namespace fs = base::fs;

struct BpbOptions {
  std::vector<fs::path> data;  // text, JSON Lines, folders
  std::string text_field = "text";
  bool skip_bad = false;
  int64_t seq = 0;    // tokens a row; 0: the model's context, at most kLongestRow
  int64_t batch = 8;  // rows at a time
  static constexpr int64_t kLongestRow = 1024;
};

// The loss of the model on all the text: documents packed into rows, attention inside
// each document, every token predicted once from what stands before it in its row.
data::TextLoss measure_bpb(const model::Model& model, const tokenizer::Tokenizer& tokenizer,
                           const BpbOptions& options, bool quiet = false);
// The same predictions by an idle engine: in its weights' precision, through its cache.
data::TextLoss measure_bpb(infer::Engine& engine, const tokenizer::Tokenizer& tokenizer,
                           const BpbOptions& options, bool quiet = false);

// Bits per byte of each compressor on the same text, all documents as one stream; by name.
std::vector<std::pair<std::string, double>> compressor_bpb(const BpbOptions& options);

}  // namespace parley::eval

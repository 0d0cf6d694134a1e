// A model's loss on text, in the unit that can be compared across tokenizers: bits per byte.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "data/packing.h"

namespace parley::data {

struct TextLoss {
  double nats = 0;  // summed over the targets
  int64_t targets = 0;
  int64_t bytes = 0;  // of the text the targets say

  // Mean nats a token.
  double loss() const;
  // nats / (bytes · ln 2). The ends of documents cost bits but are no bytes.
  double bits_per_byte() const;
};

// Sums the loss over the first max_rows rows of the packer's epoch (0: all), batch_rows
// at a time. `loss_sum` gives the summed nats of one batch; `token_bytes[id]` is the
// length of a token's text, used when only some rows are read: over a whole epoch the
// documents' own lengths count. `give_up` is asked before each batch; when it says
// true, what was summed so far is returned.
TextLoss measure_text_loss(Packer& packer, int64_t batch_rows, int64_t T, int64_t max_rows,
                           std::span<const int32_t> token_bytes,
                           const std::function<double(const Batch&)>& loss_sum,
                           const std::function<bool()>& give_up = {});

}  // namespace parley::data

#include "data/text_loss.h"

#include <algorithm>
#include <numbers>

namespace parley::data {

double TextLoss::loss() const { return targets > 0 ? nats / static_cast<double>(targets) : 0; }

double TextLoss::bits_per_byte() const {
  return bytes > 0 ? nats / std::numbers::ln2 / static_cast<double>(bytes) : 0;
}

TextLoss measure_text_loss(Packer& packer, int64_t batch_rows, int64_t T, int64_t max_rows,
                           std::span<const int32_t> token_bytes,
                           const std::function<double(const Batch&)>& loss_sum,
                           const std::function<bool()>& give_up) {
  const int64_t epoch_rows = packer.rows_per_epoch();
  const int64_t rows = max_rows > 0 ? std::min(max_rows, epoch_rows) : epoch_rows;
  TextLoss total;
  Batch batch(batch_rows, T);
  int64_t row = 0;
  for (; row < rows && !(give_up && give_up()); row += batch_rows) {
    packer.fill(static_cast<uint64_t>(row), batch);
    // The last batch may reach beyond the rows wanted.
    const int64_t wanted = std::min(batch_rows, rows - row) * T;
    std::fill(batch.targets.begin() + wanted, batch.targets.end(), -1);
    total.nats += loss_sum(batch);
    for (const int32_t target : batch.targets) {
      if (target < 0) continue;
      ++total.targets;
      total.bytes += token_bytes[static_cast<size_t>(target)];
    }
  }
  if (row >= epoch_rows) total.bytes = packer.text_bytes();
  return total;
}

}  // namespace parley::data

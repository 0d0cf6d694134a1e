#include "data/packing.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace parley::data {
namespace {

constexpr uint64_t kNoEpoch = std::numeric_limits<uint64_t>::max();
// Streams of random numbers: two an epoch.
constexpr uint64_t kOrderStream = uint64_t{1} << 40;
constexpr uint64_t kRowStream = uint64_t{2} << 40;

}  // namespace

Batch::Batch(int64_t rows, int64_t row_tokens) : B(rows), T(row_tokens) {
  const auto n = static_cast<size_t>(B * T);
  for (auto* field : {&tokens, &targets, &positions, &first_key}) field->resize(n);
}

int64_t Batch::counted_targets() const {
  return std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
}

Packer::Packer(const TokenShard& shard, std::vector<int64_t> documents, int32_t separator,
               const PackOptions& options)
    : shard_(shard),
      documents_(std::move(documents)),
      separator_(separator),
      options_(options),
      epoch_(kNoEpoch) {
  PARLEY_CHECK(options.T > 0 && separator >= 0, "T {} separator {}", options.T, separator);
  PARLEY_CHECK(!documents_.empty(), "no documents to pack");
  stream_tokens_ = 1;
  for (const int64_t d : documents_) {
    stream_tokens_ += shard_.length(d) + 1;
    text_bytes_ += shard_.text_bytes(d);
  }
  rows_ = (stream_tokens_ - 1 + options.T - 1) / options.T;
}

void Packer::start_epoch(uint64_t epoch) {
  if (epoch == epoch_) return;
  epoch_ = epoch;
  order_ = documents_;
  row_order_.resize(static_cast<size_t>(rows_));
  std::iota(row_order_.begin(), row_order_.end(), 0);
  if (options_.shuffle) {
    base::Philox(options_.seed, kOrderStream + epoch).shuffle(std::span(order_));
    base::Philox(options_.seed, kRowStream + epoch).shuffle(std::span(row_order_));
  }
  starts_.assign(1, 0);
  for (const int64_t d : order_) starts_.push_back(starts_.back() + shard_.length(d) + 1);
}

void Packer::fill(uint64_t first_row, Batch& batch) {
  PARLEY_CHECK(batch.T == options_.T, "batch of T {}, packer of T {}", batch.T, options_.T);
  for (int64_t b = 0; b < batch.B; ++b) fill_row(first_row + static_cast<uint64_t>(b), batch, b);
}

void Packer::fill_row(uint64_t row, Batch& batch, int64_t b) {
  const int64_t T = options_.T;
  const auto rows = static_cast<uint64_t>(rows_);
  start_epoch(options_.endless ? row / rows : 0);
  // Where the row begins in the stream; behind the end for rows that do not exist.
  int64_t position = stream_tokens_;
  if (options_.endless || row < rows) position = row_order_[row % rows] * T;

  const auto out = static_cast<size_t>(b * T);
  std::fill_n(&batch.tokens[out], T, separator_);
  std::fill_n(&batch.targets[out], T, -1);
  for (int64_t t = 0; t < T; ++t) {  // padding: each token sees itself
    batch.positions[out + static_cast<size_t>(t)] = 0;
    batch.first_key[out + static_cast<size_t>(t)] = static_cast<int32_t>(t);
  }

  // Tokens [t, t + n) of the row are part of the document at `d` in the order. Its
  // separator opens it, the separator of the next one is its last target.
  auto d = std::upper_bound(starts_.begin(), starts_.end(), position) - starts_.begin() - 1;
  int64_t t = 0;
  const int64_t row_tokens = std::min(T, stream_tokens_ - 1 - position);
  while (t < row_tokens) {
    const int64_t offset = position + t - starts_[static_cast<size_t>(d)];  // in the document
    const int64_t length = shard_.length(order_[static_cast<size_t>(d)]);
    const int64_t n = std::min(length + 1 - offset, row_tokens - t);
    const int64_t begin = shard_.begin(order_[static_cast<size_t>(d)]);
    const size_t at = out + static_cast<size_t>(t);
    // inputs: separator, token 0, …, token length − 1, from `offset` on
    const int64_t opens = offset == 0 ? 1 : 0;
    shard_.copy(begin + offset - 1 + opens, n - opens, &batch.tokens[at] + opens);
    // targets: token 0, …, token length − 1, separator
    const int64_t closes = offset + n == length + 1 ? 1 : 0;
    shard_.copy(begin + offset, n - closes, &batch.targets[at]);
    if (closes) batch.targets[at + static_cast<size_t>(n) - 1] = separator_;
    for (int64_t i = 0; i < n; ++i) {
      const size_t j = at + static_cast<size_t>(i);
      batch.positions[j] = static_cast<int32_t>(options_.document_mask ? i : t + i);
      batch.first_key[j] = static_cast<int32_t>(options_.document_mask ? t : 0);
    }
    t += n;
    ++d;
  }
}

}  // namespace parley::data

#include "train/text_rows.h"

#include <numeric>

#include "base/error.h"
#include "data/encoder.h"

namespace parley::train {

model::Batch views(const data::Batch& batch) {
  const tensor::Shape shape{batch.B, batch.T};
  return {{batch.tokens.data(), shape},
          {batch.targets.data(), shape},
          {batch.positions.data(), shape},
          {batch.first_key.data(), shape}};
}

TextRows::TextRows(const std::vector<std::string>& files, const tokenizer::Tokenizer& tokenizer,
                   const fs::path& cache, int64_t T, uint64_t seed, bool endless)
    : T_(T) {
  data::ShardSpec spec;
  spec.paths.assign(files.begin(), files.end());
  shard_ = data::open_or_build_shard(spec, data::make_encoder(tokenizer), cache);
  if (shard_.documents() == 0) base::fail("{}: no text", files.front());
  token_bytes_ = data::token_byte_lengths(tokenizer);
  std::vector<int64_t> documents(static_cast<size_t>(shard_.documents()));
  std::iota(documents.begin(), documents.end(), int64_t{0});
  packer_ = std::make_unique<data::Packer>(
      shard_, documents, data::document_separator(tokenizer),
      data::PackOptions{.T = T, .seed = seed, .shuffle = endless, .endless = endless});
}

const data::Batch& TextRows::fill(int64_t first_row, int64_t B) {
  if (batch_.B != B) batch_ = data::Batch(B, T_);
  packer_->fill(static_cast<uint64_t>(first_row), batch_);
  return batch_;
}

data::TextLoss TextRows::measure(int64_t B,
                                 const std::function<double(const model::Batch&)>& loss_sum) {
  return data::measure_text_loss(
      *packer_, B, T_, /*max_rows=*/0, token_bytes_,
      [&](const data::Batch& batch) { return loss_sum(train::views(batch)); });
}

}  // namespace parley::train

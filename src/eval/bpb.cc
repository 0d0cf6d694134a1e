#include "eval/bpb.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "data/encoder.h"
#include "data/text_source.h"
#include "eval/compressors.h"
#include "model/train_step.h"

namespace parley::eval {
namespace {

// A folder that is gone at the end of a scope.
struct ScratchFolder {
  fs::path path;
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "parley-eval-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) base::fail("{}: cannot create", name);
    path = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

data::TextLoss measure_bpb(const model::Model& model, const tokenizer::Tokenizer& tokenizer,
                           const BpbOptions& options, bool quiet) {
  const int64_t context = std::min(model.config.T, BpbOptions::kLongestRow);
  const int64_t seq = options.seq > 0 ? options.seq : context;
  if (seq > model.config.T)
    base::fail("--seq {}: the model's context holds {} tokens", seq, model.config.T);
  if (tokenizer.vocab_size() > model.config.V)
    base::fail("the tokenizer has {} tokens, the model only {}; they do not belong together",
               tokenizer.vocab_size(), model.config.V);

  const ScratchFolder scratch;
  data::ShardSpec spec;
  spec.paths = options.data;
  spec.text_field = options.text_field;
  spec.skip_bad = options.skip_bad;
  const data::TokenShard shard =
      data::open_or_build_shard(spec, data::make_encoder(tokenizer), scratch.path, quiet);
  std::vector<int64_t> documents(static_cast<size_t>(shard.documents()));
  std::iota(documents.begin(), documents.end(), 0);
  data::Packer packer(shard, std::move(documents), data::document_separator(tokenizer),
                      {.T = seq, .shuffle = false, .endless = false});

  const int64_t batch_rows = std::min(options.batch, packer.rows_per_epoch());
  model::TrainState state(model.config, model::TrainOptions{batch_rows, seq, true});
  base::Progress progress("bits per byte", static_cast<uint64_t>(packer.targets_per_epoch()),
                          "tokens", quiet);
  uint64_t done = 0;
  const base::InterruptGuard guard;
  const auto loss_sum = [&](const data::Batch& batch) {
    const tensor::Shape shape{batch.B, batch.T};
    const auto result = state.forward_loss(model.weights, {{batch.tokens.data(), shape},
                                                           {batch.targets.data(), shape},
                                                           {batch.positions.data(), shape},
                                                           {batch.first_key.data(), shape}});
    progress.update(done += static_cast<uint64_t>(result.count));
    return result.sum;
  };
  const auto loss = data::measure_text_loss(
      packer, batch_rows, seq, 0, data::token_byte_lengths(tokenizer), loss_sum, base::interrupted);
  if (base::interrupted()) base::fail("interrupted");
  return loss;
}

std::vector<std::pair<std::string, double>> compressor_bpb(const BpbOptions& options) {
  data::TextSource source(options.data, options.text_field);
  source.set_skip_bad(options.skip_bad);
  auto compressors = make_compressors();
  double bytes = 0;
  for (std::string document; source.next(document);) {
    for (const auto& compressor : compressors) compressor->add(document);
    bytes += static_cast<double>(document.size());
  }
  if (bytes == 0) base::fail("the data holds no document with text; check --data");
  std::vector<std::pair<std::string, double>> result;
  for (const auto& compressor : compressors)
    result.emplace_back(compressor->name(), 8 * static_cast<double>(compressor->finish()) / bytes);
  return result;
}

}  // namespace parley::eval

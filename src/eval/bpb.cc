#include "eval/bpb.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "data/encoder.h"
#include "data/text_source.h"
#include "eval/compressors.h"
#include "infer/score.h"
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

// The summed nats of a batch, and how many tokens that were.
struct BatchLoss {
  double nats = 0;
  int64_t targets = 0;
};
using LossOf = std::function<BatchLoss(const data::Batch&)>;

// `make_loss` is told the size (B, T) of the batches to come.
data::TextLoss measure(const model::ModelConfig& config, const tokenizer::Tokenizer& tokenizer,
                       const BpbOptions& options, bool quiet,
                       const std::function<LossOf(int64_t, int64_t)>& make_loss) {
  const int64_t context = std::min(config.T, BpbOptions::kLongestRow);
  const int64_t seq = options.seq > 0 ? options.seq : context;
  if (seq > config.T) base::fail("--seq {}: the model's context holds {} tokens", seq, config.T);
  if (tokenizer.vocab_size() > config.V)
    base::fail("the tokenizer has {} tokens, the model only {}; they do not belong together",
               tokenizer.vocab_size(), config.V);

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
  const LossOf loss_of = make_loss(batch_rows, seq);
  base::Progress progress("bits per byte", static_cast<uint64_t>(packer.targets_per_epoch()),
                          "tokens", quiet);
  uint64_t done = 0;
  const base::InterruptGuard guard;
  const auto loss_sum = [&](const data::Batch& batch) {
    const BatchLoss loss = loss_of(batch);
    progress.update(done += static_cast<uint64_t>(loss.targets));
    return loss.nats;
  };
  const auto loss = data::measure_text_loss(
      packer, batch_rows, seq, 0, data::token_byte_lengths(tokenizer), loss_sum, base::interrupted);
  if (base::interrupted()) base::fail("interrupted");
  return loss;
}

// The stretches of a batch that attend to one another, as requests: each begins where
// first_key says, and its last target ends it.
std::vector<infer::ScoreRequest> stretches(const data::Batch& batch) {
  std::vector<infer::ScoreRequest> requests;
  for (int64_t row = 0; row < batch.B; ++row)
    for (int64_t t = 0; t < batch.T; ++t) {
      const auto i = static_cast<size_t>(row * batch.T + t);
      if (batch.targets[i] < 0) continue;
      if (batch.first_key[i] == t) requests.push_back({{batch.tokens[i]}, 1});
      requests.back().tokens.push_back(batch.targets[i]);
    }
  return requests;
}

}  // namespace

data::TextLoss measure_bpb(const model::Model& model, const tokenizer::Tokenizer& tokenizer,
                           const BpbOptions& options, bool quiet) {
  return measure(model.config, tokenizer, options, quiet, [&](int64_t B, int64_t T) -> LossOf {
    auto state = std::make_shared<model::TrainState>(model.config, model::TrainOptions{B, T, true});
    return [state, &model](const data::Batch& batch) -> BatchLoss {
      const tensor::Shape shape{batch.B, batch.T};
      const auto result = state->forward_loss(model.weights, {{batch.tokens.data(), shape},
                                                              {batch.targets.data(), shape},
                                                              {batch.positions.data(), shape},
                                                              {batch.first_key.data(), shape}});
      return {result.sum, result.count};
    };
  });
}

data::TextLoss measure_bpb(infer::Engine& engine, const tokenizer::Tokenizer& tokenizer,
                           const BpbOptions& options, bool quiet) {
  return measure(engine.config(), tokenizer, options, quiet, [&](int64_t, int64_t) -> LossOf {
    return [&engine](const data::Batch& batch) -> BatchLoss {
      BatchLoss loss;
      for (const infer::ScoreResult& result : infer::score(engine, stretches(batch))) {
        loss.nats -= result.sum();
        loss.targets += std::ssize(result.logprobs);
      }
      return loss;
    };
  });
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

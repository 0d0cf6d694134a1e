#include "train/corpus.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/chat_ids.h"
#include "data/encoder.h"
#include "data/text_source.h"
#include "tokenizer/train.h"

namespace parley::train {
namespace {

std::vector<fs::path> to_paths(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

tokenizer::Tokenizer train_tokenizer(const PretrainOptions& options, int64_t vocab_size,
                                     bool quiet) {
  data::TextSource source(to_paths(options.data), options.text_field);
  source.set_skip_bad(options.skip_bad);
  tokenizer::TrainOptions train;
  train.vocab_size = static_cast<int32_t>(vocab_size);
  train.quiet = quiet;
  base::Progress reading("counting words", source.total_bytes(), "B", quiet);
  return tokenizer::train(train, [&](std::string& document) {
    const bool more = source.next(document);
    reading.update(source.bytes_read());
    if (!more) reading.finish();
    return more;
  });
}

// One document in 1 / fraction is held out; at least one when there are two.
int64_t hold_out_every(const PretrainOptions& options) {
  if (!options.val_data.empty() || options.val_fraction == 0) return 0;
  return std::max<int64_t>(2, std::llround(1 / options.val_fraction));
}

}  // namespace

tokenizer::Tokenizer prepare_tokenizer(const PretrainOptions& options, int64_t preset_vocab,
                                       bool quiet) {
  const fs::path kept = options.out / "tokenizer";
  if (options.resume) return tokenizer::Tokenizer::load(kept);
  const auto tokenizer =
      !options.model.empty() ? tokenizer::Tokenizer::load(options.model)
      : options.tokenizer.empty()
          ? train_tokenizer(options, options.vocab_size > 0 ? options.vocab_size : preset_vocab,
                            quiet)
          : tokenizer::Tokenizer::load(options.tokenizer);
  base::AtomicDirectory directory(kept);
  tokenizer.save(directory.path());
  if (!options.model.empty()) data::keep_chat_format(options.model, directory.path());
  directory.commit();
  return tokenizer;
}

Corpus::Corpus(const PretrainOptions& options, const tokenizer::Tokenizer& tokenizer, bool quiet) {
  separator_ = data::document_separator(tokenizer);
  token_bytes_ = data::token_byte_lengths(tokenizer);
  const data::TextEncoder encoder =
      data::make_encoder(tokenizer, data::find_chat_template(options.out / "tokenizer", tokenizer));
  const fs::path cache = cache_folder(options);

  data::ShardSpec spec;
  spec.paths = to_paths(options.data);
  spec.text_field = options.text_field;
  spec.skip_bad = options.skip_bad;
  spec.fim = data::make_fim_options(tokenizer, options.fim_rate, options.seed);
  spec.hold_out_every = hold_out_every(options);
  shard_ = data::open_or_build_shard(spec, encoder, cache, quiet);

  std::vector<int64_t> train_documents;
  for (int64_t d = 0; d < shard_.documents(); ++d) {
    const bool held_out = data::is_held_out(d, spec.hold_out_every) && shard_.documents() > 1;
    (held_out ? held_out_documents_ : train_documents).push_back(d);
  }
  const data::PackOptions pack{
      .T = options.seq, .seed = options.seed, .document_mask = options.document_mask};
  train_ = std::make_unique<data::Packer>(shard_, std::move(train_documents), separator_, pack);

  if (!options.val_data.empty()) {
    data::ShardSpec val;
    val.paths = to_paths(options.val_data);
    val.text_field = options.text_field;
    val.skip_bad = options.skip_bad;
    val_shard_ = data::open_or_build_shard(val, encoder, cache, quiet);
    separate_val_ = true;
    held_out_documents_.resize(static_cast<size_t>(val_shard_.documents()));
    std::iota(held_out_documents_.begin(), held_out_documents_.end(), 0);
  }
  if (held_out_documents_.empty()) {
    spdlog::warn("nothing is held out: no validation loss (see --val-fraction, --val-data)");
    return;
  }
  // Rows in a random but always the same order, so that the first few are a fair sample.
  data::PackOptions val_pack = pack;
  val_pack.seed = 0;
  val_pack.endless = false;
  held_out_ = std::make_unique<data::Packer>(separate_val_ ? val_shard_ : shard_,
                                             held_out_documents_, separator_, val_pack);
}

std::string Corpus::checksum() const { return fmt::format("{:016x}", shard_.checksum()); }

void Corpus::write_held_out(const tokenizer::Tokenizer& tokenizer, const fs::path& file) const {
  if (!held_out_) return;
  const data::TokenShard& shard = separate_val_ ? val_shard_ : shard_;
  base::AtomicFile out(file);
  std::vector<int32_t> tokens;
  for (const int64_t d : held_out_documents_) {
    tokens.resize(static_cast<size_t>(shard.length(d)));
    shard.copy(shard.begin(d), shard.length(d), tokens.data());
    const nlohmann::json record = {{"text", tokenizer.decode(tokens)}};
    out.write(record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  out.commit();
}

}  // namespace parley::train

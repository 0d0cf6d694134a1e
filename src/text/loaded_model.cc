#include "text/loaded_model.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "model/model_files.h"

namespace parley::text {

int32_t LoadedModel::start_token() const {
  if (tokenizer.bos() >= 0) return tokenizer.bos();
  // A chat model's EOS ends its answers, not its texts.
  if (const auto end_of_text = tokenizer.special("<|endoftext|>")) return *end_of_text;
  if (tokenizer.eos() >= 0) return tokenizer.eos();
  base::fail(
      "an empty prompt needs a BOS or EOS token, and this tokenizer has neither; "
      "give some text");
}

std::vector<int32_t> LoadedModel::encode_prompt(std::string_view text, bool special) const {
  if (text.empty()) return {start_token()};
  std::vector<int32_t> ids = special ? tokenizer.encode_with_special(text) : tokenizer.encode(text);
  if (tokenizer.adds_bos() && (ids.empty() || ids.front() != tokenizer.bos()))
    ids.insert(ids.begin(), tokenizer.bos());
  return ids;
}

std::vector<int32_t> LoadedModel::stop_ids() const {
  std::vector<int32_t> ids;
  const int32_t end = chat_template ? chat_template->end_of_turn(tokenizer) : -1;
  for (const int32_t id :
       {config.eos_token, tokenizer.eos(), tokenizer.special("<|im_end|>").value_or(-1), end})
    if (id >= 0 && id < config.V && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  return ids;
}

void LoadedModel::forbid_unused_ids(infer::SamplingParams& params) const {
  for (int32_t id = tokenizer.vocab_size(); id < config.V; ++id)
    params.logit_bias[id] = -std::numeric_limits<float>::infinity();
}

LoadedModel load(const base::fs::path& directory, const Storage& storage) {
  const auto start = std::chrono::steady_clock::now();
  const model::ModelFiles files(directory);
  LoadedModel loaded{{files.config(), {}}, tokenizer::Tokenizer::load(directory), {}, {}};
  try {
    loaded.chat_template = tokenizer::ChatTemplate::load(directory, loaded.tokenizer);
  } catch (const base::Error& error) {
    spdlog::debug("{}", error.what());  // a matter only for who wants to chat
  }
  const model::Precision precision = storage.precision(files.quantization().precision);
  if (precision == model::Precision::kF32) {
    loaded.weights = files.read();
    loaded.infer = model::InferWeights(loaded.config, loaded.weights);
  } else {
    loaded.infer = files.read_packed(precision, storage.group);
  }
  if (loaded.tokenizer.vocab_size() > loaded.config.V)
    base::fail("{}: the tokenizer has {} tokens, the model {}; they do not belong together",
               directory.string(), loaded.tokenizer.vocab_size(), loaded.config.V);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  spdlog::debug(
      "{}: {:.1f} million parameters in {}, {} a step, loaded in {:.2f} s", directory.string(),
      static_cast<double>(model::count_parameters(loaded.config)) * 1e-6,
      model::precision_name(precision),
      base::human_bytes(static_cast<double>(loaded.infer.bytes_per_step())), seconds.count());
  return loaded;
}

}  // namespace parley::text

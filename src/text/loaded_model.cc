#include "text/loaded_model.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "formats/json.h"
#include "model/model_files.h"

namespace parley::text {
namespace {

// A value that makes no sense is passed over: the file is others' as often as ours.
SamplingDefaults read_sampling_defaults(const base::fs::path& file) {
  SamplingDefaults defaults;
  if (!base::fs::exists(file)) return defaults;
  const formats::Json json = formats::parse_json(base::read_file(file, 1 << 20), file.string());
  const auto read = [&](const char* name, auto& value, double low, double high) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number()) return;
    const auto number = found->template get<double>();
    if (number >= low && number <= high)
      value = static_cast<typename std::decay_t<decltype(value)>::value_type>(number);
  };
  read("temperature", defaults.temperature, 0, 2);
  read("top_p", defaults.top_p, 0, 1);
  read("min_p", defaults.min_p, 0, 1);
  read("repetition_penalty", defaults.repetition_penalty, 0.01, 100);
  read("top_k", defaults.top_k, 0, 1e9);
  return defaults;
}

}  // namespace

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

void SamplingDefaults::apply(infer::SamplingParams& params) const {
  params.temperature = temperature.value_or(params.temperature);
  params.top_p = top_p.value_or(params.top_p);
  params.min_p = min_p.value_or(params.min_p);
  params.repetition_penalty = repetition_penalty.value_or(params.repetition_penalty);
  params.top_k = top_k.value_or(params.top_k);
}

LoadedModel load(const base::fs::path& directory, const Storage& storage) {
  const auto start = std::chrono::steady_clock::now();
  const model::ModelFiles files(directory);
  LoadedModel loaded{{files.config(), {}}, tokenizer::Tokenizer::load(directory), {}, {}, {}};
  loaded.sampling = read_sampling_defaults(directory / "generation_config.json");
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

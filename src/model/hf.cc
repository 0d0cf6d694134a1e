#include "model/hf.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "formats/safetensors.h"

namespace parley::model {
namespace {

using base::fail;
using formats::SafeTensors;
using formats::StoredTensor;

constexpr uint64_t kMaxConfigBytes = 16 << 20;

// The base model's prefix, which files saved without a head lack.
std::string_view prefix(Family family) {
  return family == Family::kGpt1 || family == Family::kGpt2 ? "transformer." : "model.";
}

// Collects HfTensors: names of one layer or of the whole model, with its parameter's.
class TensorList {
 public:
  // The names that follow begin with `hf` there and with `param` here.
  void enter(std::string hf, std::string param) {
    hf_ = std::move(hf);
    param_ = std::move(param);
  }
  void add(std::string_view hf, std::vector<int64_t> shape, std::string_view param,
           int64_t first_row = 0, bool transposed = false) {
    tensors_.push_back({hf_ + std::string(hf), std::move(shape), param_ + std::string(param),
                        first_row, transposed});
  }
  // A norm's weight and, for a LayerNorm, bias.
  void add_norm(const std::string& hf, int64_t channels, const std::string& param, bool bias) {
    add(hf + ".weight", {channels}, param + "_w");
    if (bias) add(hf + ".bias", {channels}, param + "_b");
  }
  // A linear layer stored (out, in); it makes rows first_row… of ours.
  void add_linear(const std::string& hf, int64_t out, int64_t in, const std::string& param,
                  bool bias, int64_t first_row = 0) {
    add(hf + ".weight", {out, in}, param + "_w", first_row);
    if (bias) add(hf + ".bias", {out}, param + "_b", first_row);
  }
  // A linear layer stored (in, out), which transformers calls Conv1D.
  void add_conv1d(const std::string& hf, int64_t out, int64_t in, const std::string& param) {
    add(hf + ".weight", {in, out}, param + "_w", 0, /*transposed=*/true);
    add(hf + ".bias", {out}, param + "_b");
  }
  std::vector<HfTensor> take() { return std::move(tensors_); }

 private:
  std::string hf_, param_;
  std::vector<HfTensor> tensors_;
};

std::vector<HfTensor> gpt_tensors(const ModelConfig& c) {
  const bool gpt1 = c.family == Family::kGpt1;
  TensorList list;
  list.enter("transformer.", "");
  list.add(gpt1 ? "tokens_embed.weight" : "wte.weight", {c.V, c.C}, "wte");
  list.add(gpt1 ? "positions_embed.weight" : "wpe.weight", {c.T, c.C}, "wpe");
  for (int64_t l = 0; l < c.L; ++l) {
    list.enter(fmt::format("transformer.h.{}.", l), fmt::format("layers.{}.", l));
    // GPT-1's ln_1 follows the attention instead of preceding it; our norm1 does too.
    list.add_norm("ln_1", c.C, "norm1", true);
    list.add_conv1d("attn.c_attn", c.qkv_width(), c.C, "qkv");
    list.add_conv1d("attn.c_proj", c.C, c.NH * c.HS, "att");
    list.add_norm("ln_2", c.C, "norm2", true);
    list.add_conv1d("mlp.c_fc", c.F, c.C, "fc");
    list.add_conv1d("mlp.c_proj", c.C, c.F, "proj");
  }
  list.enter("", "");
  if (!gpt1) list.add_norm("transformer.ln_f", c.C, "norm_f", true);
  if (!c.tied_embeddings) list.add("lm_head.weight", {c.V, c.C}, "lm_head");
  return list.take();
}

std::vector<HfTensor> llama_tensors(const ModelConfig& c) {
  const int64_t Q = c.NH * c.HS, KV = c.NKV * c.HS;
  TensorList list;
  list.enter("", "");
  list.add("model.embed_tokens.weight", {c.V, c.C}, "wte");
  for (int64_t l = 0; l < c.L; ++l) {
    list.enter(fmt::format("model.layers.{}.", l), fmt::format("layers.{}.", l));
    list.add_norm("input_layernorm", c.C, "norm1", false);
    list.add_linear("self_attn.q_proj", Q, c.C, "qkv", c.qkv_bias);
    list.add_linear("self_attn.k_proj", KV, c.C, "qkv", c.qkv_bias, Q);
    list.add_linear("self_attn.v_proj", KV, c.C, "qkv", c.qkv_bias, Q + KV);
    if (c.qk_norm) {
      list.add_norm("self_attn.q_norm", c.HS, "q_norm", false);
      list.add_norm("self_attn.k_norm", c.HS, "k_norm", false);
    }
    list.add_linear("self_attn.o_proj", c.C, Q, "att", c.linear_bias);
    list.add_norm("post_attention_layernorm", c.C, "norm2", false);
    list.add_linear("mlp.gate_proj", c.F, c.C, "fc", c.linear_bias);
    list.add_linear("mlp.up_proj", c.F, c.C, "fc", c.linear_bias, c.F);
    list.add_linear("mlp.down_proj", c.C, c.F, "proj", c.linear_bias);
  }
  list.enter("", "");
  list.add_norm("model.norm", c.C, "norm_f", false);
  if (!c.tied_embeddings) list.add("lm_head.weight", {c.V, c.C}, "lm_head");
  return list.take();
}

// The rows of a parameter that each tensor means, in the order of `tensors`. Checks that
// together they are all parameters, once each.
std::vector<F32> param_rows(const std::vector<HfTensor>& tensors, const Weights& weights) {
  std::unordered_map<std::string_view, const ParamInfo*> params;
  int64_t expected = 0, bound = 0;
  for (const ParamInfo& info : weights.params()) {
    params[info.name] = &info;
    expected += info.shape.size();
  }
  std::vector<F32> views;
  for (const HfTensor& t : tensors) {
    const auto it = params.find(t.param);
    PARLEY_CHECK(it != params.end(), "{} has no parameter {}", t.name, t.param);
    const F32 param = weights.view(*it->second);
    const int64_t rows = t.transposed ? t.shape[1] : t.shape[0];
    const F32 view = param.rows(t.first_row, t.first_row + rows);
    int64_t size = 1;
    for (const int64_t dim : t.shape) size *= dim;
    PARLEY_CHECK(view.size() == size, "{} {} as rows of {} {}", t.name,
                 formats::shape_string(t.shape), t.param, param.shape().str());
    bound += size;
    views.push_back(view);
  }
  PARLEY_CHECK(bound == expected, "{} of {} parameters have a tensor", bound, expected);
  return views;
}

const StoredTensor* find_stored(const SafeTensors& files, std::string_view name, Family family) {
  const StoredTensor* stored = files.find(name);
  if (!stored && name.starts_with(prefix(family)))
    stored = files.find(name.substr(prefix(family).size()));
  return stored;
}

// Constants that some versions of transformers stored beside the weights.
bool is_buffer(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq") || name.ends_with("position_ids");
}

// A tied model needs no lm_head; one that is there must be the embedding.
void check_tied_head(const SafeTensors& files, const StoredTensor& embedding) {
  const StoredTensor* head = files.find("lm_head.weight");
  if (head && (head->dtype != embedding.dtype || !std::ranges::equal(head->bytes, embedding.bytes)))
    fail(
        "{}: lm_head.weight differs from {}, but config.json says the embeddings are tied. Set "
        "\"tie_word_embeddings\": false there to use it, or remove the tensor.",
        head->file, embedding.name);
}

void warn_of_unused(const SafeTensors& files, const std::set<std::string>& used) {
  std::vector<std::string> unused;
  for (const auto& [name, stored] : files.tensors())
    if (!used.contains(name) && !is_buffer(name) && name != "lm_head.weight")
      unused.push_back(name);
  if (unused.empty()) return;
  const std::string& file = files.at(unused.front()).file;
  const size_t count = unused.size();
  unused.resize(std::min<size_t>(count, 5));
  spdlog::warn("{}: {} tensors are not part of the model and were ignored: {}{}", file, count,
               fmt::join(unused, ", "), count > unused.size() ? ", ..." : "");
}

// The stored tensor of each of `tensors`, found and of the right shape. Done before any
// memory is allocated, so a config.json that promises too much costs nothing.
std::vector<const StoredTensor*> match(const std::vector<HfTensor>& tensors,
                                       const SafeTensors& files, const ModelConfig& c,
                                       const fs::path& directory) {
  std::vector<const StoredTensor*> matched;
  std::set<std::string> used;
  for (const HfTensor& t : tensors) {
    const StoredTensor* stored = find_stored(files, t.name, c.family);
    if (!stored)
      fail("{}: the tensor \"{}\" of shape {} is missing{}", directory.string(), t.name,
           formats::shape_string(t.shape),
           t.param == "lm_head" ? "; if the model shares it with the token embedding, set "
                                  "\"tie_word_embeddings\": true in config.json"
                                : "; config.json and the weights do not belong together, or the "
                                  "download is incomplete");
    if (stored->shape != t.shape)
      fail("{}: tensor \"{}\" has shape {}, but config.json asks for {}", stored->file,
           stored->name, formats::shape_string(stored->shape), formats::shape_string(t.shape));
    matched.push_back(stored);
    used.insert(stored->name);
  }
  if (c.tied_embeddings) check_tied_head(files, *matched.front());
  warn_of_unused(files, used);
  return matched;
}

}  // namespace

std::vector<HfTensor> hf_tensors(const ModelConfig& c) {
  const bool gpt = c.family == Family::kGpt1 || c.family == Family::kGpt2;
  return gpt ? gpt_tensors(c) : llama_tensors(c);
}

ModelConfig load_config(const fs::path& directory) {
  if (!fs::exists(directory)) fail("{}: no such model directory", directory.string());
  const fs::path path = fs::is_directory(directory) ? directory / "config.json" : directory;
  if (!fs::exists(path))
    fail("{}: not there; expected a Hugging Face model directory", path.string());
  return parse_config(base::read_file(path, kMaxConfigBytes), path.string());
}

Model load_model(const fs::path& directory) {
  const ModelConfig config = load_config(directory);
  const SafeTensors files = SafeTensors::open(directory);
  const std::vector<HfTensor> tensors = hf_tensors(config);
  const std::vector<const StoredTensor*> stored = match(tensors, files, config, directory);

  Model model{config, Weights(config)};
  const std::vector<F32> views = param_rows(tensors, model.weights);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::span<float> out(views[i].data(), static_cast<size_t>(views[i].size()));
    if (tensors[i].transposed)
      formats::read_f32_transposed(*stored[i], out);
    else
      formats::read_f32(*stored[i], out);
  }
  return model;
}

void save_model(const fs::path& directory, const ModelConfig& config, const Weights& weights,
                const SaveOptions& options) {
  const nlohmann::ordered_json json = config_json(config, options.dtype);
  const std::vector<HfTensor> tensors = hf_tensors(config);
  const std::vector<F32> views = param_rows(tensors, weights);
  std::vector<formats::TensorToSave> to_save;
  for (size_t i = 0; i < tensors.size(); ++i)
    to_save.push_back({tensors[i].name, tensors[i].shape, views[i].data(), tensors[i].transposed});
  formats::save_sharded(directory, to_save, options.dtype, options.max_shard_bytes);

  nlohmann::ordered_json generation;
  generation["_from_model_config"] = true;
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"})
    if (!json[key].is_null()) generation[key] = json[key];
  base::write_file(directory / "generation_config.json", generation.dump(2) + "\n");
  // Last: a directory with a config.json is a whole model.
  base::write_file(directory / "config.json", json.dump(2) + "\n");
}

}  // namespace parley::model

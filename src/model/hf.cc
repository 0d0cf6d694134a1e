#include "model/hf.h"

#include <fmt/format.h>

#include "model/model_files.h"

namespace parley::model {
namespace {

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
  void add_heads(const ModelConfig& c) {
    if (!c.tied_embeddings) add("lm_head.weight", {c.V, c.C}, "lm_head");
    if (c.score_head) add("score.weight", {1, c.C}, "score");
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
  list.add_heads(c);
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
  list.add_heads(c);
  return list.take();
}

}  // namespace

std::vector<HfTensor> hf_tensors(const ModelConfig& c) {
  const bool gpt = c.family == Family::kGpt1 || c.family == Family::kGpt2;
  return gpt ? gpt_tensors(c) : llama_tensors(c);
}

ModelConfig load_config(const fs::path& directory) {
  const ConfigFile file = read_config(directory);
  return parse_config(file.text, file.path);
}

Model load_model(const fs::path& directory) {
  const ModelFiles files(directory);
  return {files.config(), files.read()};
}

void save_model(const fs::path& directory, const ModelConfig& config, const Weights& weights,
                const SaveOptions& options) {
  const std::vector<HfTensor> tensors = hf_tensors(config);
  const std::vector<F32> views = param_rows(tensors, weights);
  std::vector<formats::TensorToSave> to_save;
  for (size_t i = 0; i < tensors.size(); ++i)
    to_save.push_back({tensors[i].name, tensors[i].shape, views[i].data(), tensors[i].transposed});
  write_model(directory, config_json(config, options.dtype), to_save, options.dtype,
              options.max_shard_bytes);
}

}  // namespace parley::model

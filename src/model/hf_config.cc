// config.json <-> ModelConfig.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "formats/json.h"
#include "model/hf.h"
#include "model/quantized.h"

namespace parley::model {
namespace {

using base::fail;
using formats::Json;
using formats::JsonFields;
using OrderedJson = nlohmann::ordered_json;

constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();  // validate() is stricter

struct FamilyName {
  Family family;
  std::string_view model_type, architecture, scorer;  // scorer: with a score head
};
constexpr FamilyName kFamilies[] = {
    {Family::kGpt2, "gpt2", "GPT2LMHeadModel", "GPT2ForSequenceClassification"},
    {Family::kGpt1, "openai-gpt", "OpenAIGPTLMHeadModel", "OpenAIGPTForSequenceClassification"},
    {Family::kLlama, "llama", "LlamaForCausalLM", "LlamaForSequenceClassification"},
    {Family::kQwen2, "qwen2", "Qwen2ForCausalLM", "Qwen2ForSequenceClassification"},
    {Family::kQwen3, "qwen3", "Qwen3ForCausalLM", "Qwen3ForSequenceClassification"},
};

// transformers' names of activations. The first of each is the one we write.
struct ActivationName {
  Activation activation;
  std::string_view name;
};
constexpr ActivationName kActivations[] = {
    {Activation::kGeluTanh, "gelu_new"},  {Activation::kGeluTanh, "gelu_pytorch_tanh"},
    {Activation::kGeluTanh, "gelu_fast"}, {Activation::kGeluErf, "gelu"},
    {Activation::kRelu, "relu"},          {Activation::kRelu2, "relu2"},
    {Activation::kSilu, "silu"},          {Activation::kSilu, "swish"},
};
// openai-gpt has a table of its own, in which "gelu" is the tanh form.
constexpr ActivationName kGpt1Activations[] = {
    {Activation::kGeluTanh, "gelu"},
    {Activation::kRelu, "relu"},
    {Activation::kSilu, "silu"},
    {Activation::kSilu, "swish"},
};

std::span<const ActivationName> activation_names(Family family) {
  if (family == Family::kGpt1) return kGpt1Activations;
  return kActivations;
}

bool is_gpt(Family family) { return family == Family::kGpt1 || family == Family::kGpt2; }

const FamilyName& family_name(Family family) {
  return *std::find_if(std::begin(kFamilies), std::end(kFamilies),
                       [&](const FamilyName& f) { return f.family == family; });
}

Family read_family(const JsonFields& json) {
  const std::string model_type = json.string_or("model_type", "");
  std::vector<std::string_view> supported;
  for (const FamilyName& f : kFamilies) {
    if (model_type == f.model_type) return f.family;
    supported.push_back(f.model_type);
  }
  fail("{}: model_type \"{}\" is not supported; supported are {}", json.where(), model_type,
       fmt::join(supported, ", "));
}

Activation read_activation(const JsonFields& json, Family family, std::string_view key,
                           std::string_view fallback) {
  const std::string name = json.string_or(key, fallback);
  std::vector<std::string_view> supported;
  for (const ActivationName& a : activation_names(family)) {
    if (name == a.name) return a.activation;
    supported.push_back(a.name);
  }
  fail("{}: {} \"{}\" is not supported; supported are {}", json.where(), key, name,
       fmt::join(supported, ", "));
}

// Refuses a switch whose other position we do not compute.
void require(const JsonFields& json, std::string_view key, bool expected) {
  if (json.boolean_or(key, expected) != expected)
    fail("{}: \"{}\": {} is not supported", json.where(), key, !expected);
}

// The epsilon as a float, from the double the file's decimal text means.
float read_epsilon(const JsonFields& json, std::string_view key, double fallback) {
  return static_cast<float>(json.number_or(key, fallback));
}

// One id, or the first of a list (Llama-3 ends a turn with any of several); −1 for none and
// for ids outside the vocabulary, which no token can have (tiny test models keep the defaults
// of large ones).
int32_t read_token(const JsonFields& json, std::string_view key, int64_t V) {
  const Json* value = json.find(key);
  if (value && value->is_array()) value = value->empty() ? nullptr : &value->front();
  if (!value) return -1;
  if (!value->is_number_integer())
    fail("{}: \"{}\" is not a token id or a list of them", json.where(), key);
  const bool inside = value->is_number_unsigned() &&
                      value->get<uint64_t>() < static_cast<uint64_t>(std::max<int64_t>(V, 0));
  if (!inside) {
    if (*value != -1)
      spdlog::warn("{}: {} is outside the vocabulary of {} and ignored", json.where(), key, V);
    return -1;
  }
  return static_cast<int32_t>(value->get<int64_t>());
}

// Our own keys, for what transformers has no type for.
void read_parley_keys(const JsonFields& json, ModelConfig& c) {
  const Json* own = json.find("parley");
  if (!own) return;
  const JsonFields fields(*own, json.where() + ": parley");
  c.window = fields.integer_or("window", 0, 0, kMaxSize);
  c.alternate_window = fields.boolean_or("alternate_window", false);
  c.score_bias = fields.number_or("score_bias", 0);
}

// A reward model is what transformers calls a sequence classifier of one label.
void read_score_head(const JsonFields& json, ModelConfig& c) {
  const Json* names = json.find("architectures");
  if (!names || !names->is_array() || names->empty() || !names->front().is_string()) return;
  const std::string architecture = names->front().get<std::string>();
  if (!architecture.ends_with("ForSequenceClassification")) return;
  // transformers writes no "num_labels", but a name for each label; two when nobody chose.
  const Json* labels = json.find("id2label");
  const int64_t count = labels && labels->is_object() ? std::ssize(*labels) : 2;
  if (json.integer_or("num_labels", count, 1, kMaxSize) != 1)
    fail("{}: {} with {} labels is not supported, only with one (a reward model)", json.where(),
         architecture, json.integer_or("num_labels", count, 1, kMaxSize));
  c.score_head = true;
  c.tied_embeddings = true;  // it has no output matrix
}

ModelConfig read_gpt(const JsonFields& json, Family family) {
  ModelConfig c;
  c.family = family;
  c.V = json.integer("vocab_size", 1, kMaxSize);
  // Older files call the context n_ctx too; n_positions is the size of the table.
  c.T = json.integer("n_positions", 1, kMaxSize);
  c.C = json.integer("n_embd", 1, kMaxSize);
  c.L = json.integer("n_layer", 1, kMaxSize);
  c.NH = c.NKV = json.integer("n_head", 1, kMaxSize);
  if (c.C % c.NH != 0)
    fail("{}: n_embd {} is not a multiple of n_head {}", json.where(), c.C, c.NH);
  c.HS = c.C / c.NH;
  c.F = 4 * c.C;
  c.norm_eps = read_epsilon(json, "layer_norm_epsilon", 1e-5);
  c.tied_embeddings = json.boolean_or("tie_word_embeddings", true);
  if (family == Family::kGpt1) {
    c.norm_place = NormPlace::kPost;
    c.activation = read_activation(json, family, "afn", "gelu");
  } else {
    c.F = json.integer_or("n_inner", c.F, 1, kMaxSize);
    c.activation = read_activation(json, family, "activation_function", "gelu_new");
    require(json, "scale_attn_weights", true);
    require(json, "scale_attn_by_inverse_layer_idx", false);
    require(json, "add_cross_attention", false);
  }
  return c;
}

// transformers 5 keeps rope_theta and the scaling in "rope_parameters", 4 in "rope_theta" and
// "rope_scaling".
double read_rope_base(const JsonFields& json) {
  double base = json.number_or("rope_theta", 10000.0);
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    const Json* value = json.find(key);
    if (!value) continue;
    const JsonFields rope(*value, json.where() + ": " + key);
    const std::string type = rope.string_or("rope_type", rope.string_or("type", "default"));
    if (type != "default")
      fail("{}: rope_type \"{}\" is not supported, only \"default\"", rope.where(), type);
    if (rope.number_or("partial_rotary_factor", 1.0) != 1.0)
      fail("{}: partial_rotary_factor is not supported", rope.where());
    base = rope.number_or("rope_theta", base);
  }
  if (json.number_or("partial_rotary_factor", 1.0) != 1.0)
    fail("{}: partial_rotary_factor is not supported", json.where());
  return base;
}

// Qwen's sliding layers. We compute all of them dense, all banded, or the odd ones banded.
void read_sliding_window(const JsonFields& json, ModelConfig& c) {
  if (!json.boolean_or("use_sliding_window", false) || !json.has("sliding_window")) return;
  const int64_t window = json.integer("sliding_window", 1, kMaxSize);
  std::vector<bool> banded;
  if (const Json* types = json.find("layer_types")) {
    if (!types->is_array() || std::ssize(*types) != c.L)
      fail("{}: \"layer_types\" is not a list of {} strings", json.where(), c.L);
    for (const Json& type : *types) {
      if (type != "sliding_attention" && type != "full_attention")
        fail("{}: layer type {} is not supported", json.where(), type.dump());
      banded.push_back(type == "sliding_attention");
    }
  } else {
    const int64_t first = json.integer_or("max_window_layers", 28, 0, kMaxSize);
    for (int64_t l = 0; l < c.L; ++l) banded.push_back(l >= first);
  }
  ModelConfig with_window = c;
  with_window.window = window;
  const auto fits = [&](bool alternate) {
    with_window.alternate_window = alternate;
    for (int64_t l = 0; l < c.L; ++l)
      if (banded[static_cast<size_t>(l)] != (with_window.layer_window(l) > 0)) return false;
    return true;
  };
  if (std::find(banded.begin(), banded.end(), true) == banded.end()) return;
  if (!fits(false) && !fits(true))
    fail("{}: sliding windows are supported in all layers or in every second one, not in others",
         json.where());
  c = with_window;
}

ModelConfig read_llama(const JsonFields& json, Family family) {
  ModelConfig c;
  c.family = family;
  c.norm = NormKind::kRmsNorm;
  c.positions = PositionKind::kRope;
  c.gated = true;
  c.qkv_bias = family == Family::kQwen2;
  c.linear_bias = false;
  c.qk_norm = family == Family::kQwen3;
  c.V = json.integer("vocab_size", 1, kMaxSize);
  c.T = json.integer_or("max_position_embeddings", family == Family::kLlama ? 2048 : 32768, 1,
                        kMaxSize);
  c.C = json.integer("hidden_size", 1, kMaxSize);
  c.L = json.integer("num_hidden_layers", 1, kMaxSize);
  c.NH = json.integer("num_attention_heads", 1, kMaxSize);
  c.NKV = json.integer_or("num_key_value_heads", c.NH, 1, kMaxSize);
  c.F = json.integer("intermediate_size", 1, kMaxSize);
  if (family == Family::kQwen3)
    c.HS = json.integer_or("head_dim", 128, 1, kMaxSize);
  else if (json.has("head_dim") || c.C % c.NH != 0)
    c.HS = json.integer("head_dim", 1, kMaxSize);
  else
    c.HS = c.C / c.NH;
  c.norm_eps = read_epsilon(json, "rms_norm_eps", 1e-6);
  c.rope_base = read_rope_base(json);
  c.activation = read_activation(json, family, "hidden_act", "silu");
  c.tied_embeddings = json.boolean_or("tie_word_embeddings", false);
  if (family == Family::kLlama) {
    c.qkv_bias = json.boolean_or("attention_bias", false);
    c.linear_bias = json.boolean_or("mlp_bias", false);
    if (c.qkv_bias != c.linear_bias)
      fail("{}: attention_bias and mlp_bias must be both true or both false", json.where());
  } else {
    require(json, "attention_bias", family == Family::kQwen2);
    require(json, "mlp_bias", false);
    read_sliding_window(json, c);
  }
  return c;
}

std::string_view torch_dtype(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::kF16: return "float16";
    case tensor::DType::kBF16: return "bfloat16";
    default: return "float32";
  }
}

// The shortest decimal that means the same float: 1e-05, not 9.999999747378752e-06.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

std::string_view activation_name(const ModelConfig& c) {
  for (const ActivationName& a : activation_names(c.family))
    if (a.activation == c.activation) return a.name;
  fail("{} has no name for this activation", family_name(c.family).model_type);
}

void write_gpt(const ModelConfig& c, OrderedJson& json) {
  json["n_positions"] = c.T;
  json["n_ctx"] = c.T;
  json["n_embd"] = c.C;
  json["n_layer"] = c.L;
  json["n_head"] = c.NH;
  json["layer_norm_epsilon"] = shortest(c.norm_eps);
  if (c.family == Family::kGpt1) {
    json["afn"] = activation_name(c);
  } else {
    json["n_inner"] = c.F;
    json["activation_function"] = activation_name(c);
  }
  // A model trained here is trained without dropout, so it goes on without it elsewhere.
  for (const char* key : {"resid_pdrop", "embd_pdrop", "attn_pdrop"}) json[key] = 0.0;
}

void write_llama(const ModelConfig& c, OrderedJson& json) {
  json["max_position_embeddings"] = c.T;
  json["hidden_size"] = c.C;
  json["intermediate_size"] = c.F;
  json["num_hidden_layers"] = c.L;
  json["num_attention_heads"] = c.NH;
  json["num_key_value_heads"] = c.NKV;
  json["head_dim"] = c.HS;
  json["hidden_act"] = activation_name(c);
  json["rms_norm_eps"] = shortest(c.norm_eps);
  // For transformers 4 and converters, and for transformers 5.
  json["rope_theta"] = c.rope_base;
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", c.rope_base}};
  if (c.family == Family::kLlama) {
    json["attention_bias"] = c.qkv_bias;
    json["mlp_bias"] = c.linear_bias;
    return;
  }
  if (c.family == Family::kQwen3) json["attention_bias"] = false;
  json["use_sliding_window"] = c.window > 0;
  if (c.window > 0) {
    json["sliding_window"] = c.window;
    json["max_window_layers"] = 0;
    for (int64_t l = 0; l < c.L; ++l)
      json["layer_types"].push_back(c.layer_window(l) > 0 ? "sliding_attention" : "full_attention");
  }
}

}  // namespace

ModelConfig parse_config(std::string_view text, std::string_view where) {
  const Json value = formats::parse_json(text, where);
  const JsonFields json(value, where);
  const Family family = read_family(json);
  parse_quantization(json);  // refuses what loading the weights would
  ModelConfig c = is_gpt(family) ? read_gpt(json, family) : read_llama(json, family);
  read_parley_keys(json, c);
  read_score_head(json, c);
  c.bos_token = read_token(json, "bos_token_id", c.V);
  c.eos_token = read_token(json, "eos_token_id", c.V);
  c.pad_token = read_token(json, "pad_token_id", c.V);
  validate(c, where);
  return c;
}

OrderedJson config_json(const ModelConfig& c, tensor::DType dtype) {
  const FamilyName& family = family_name(c.family);
  OrderedJson json;
  json["architectures"] = {c.score_head ? family.scorer : family.architecture};
  json["model_type"] = family.model_type;
  json["vocab_size"] = c.V;
  if (is_gpt(c.family))
    write_gpt(c, json);
  else
    write_llama(c, json);
  json["tie_word_embeddings"] = c.tied_embeddings;
  const auto token = [](int32_t id) { return id < 0 ? OrderedJson(nullptr) : OrderedJson(id); };
  json["bos_token_id"] = token(c.bos_token);
  json["eos_token_id"] = token(c.eos_token);
  json["pad_token_id"] = token(c.pad_token);
  json["torch_dtype"] = torch_dtype(dtype);
  const bool has_sliding_layers = c.family == Family::kQwen2 || c.family == Family::kQwen3;
  if (c.window > 0 && !has_sliding_layers)
    json["parley"] = {{"window", c.window}, {"alternate_window", c.alternate_window}};
  if (c.score_head) {
    json["num_labels"] = 1;
    json["id2label"] = {{"0", "reward"}};
    json["label2id"] = {{"reward", 0}};
    json["parley"]["score_bias"] = c.score_bias;
  }

  // What the text does not say is lost, so reading it must give the same model.
  if (parse_config(json.dump(), "the configuration to save") != c)
    fail("no {} model computes this configuration: it cannot be saved as one", family.model_type);
  return json;
}

}  // namespace parley::model

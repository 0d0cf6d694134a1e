// ModelConfig: every model family is a value of this struct, validated once at
// load, then trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/activation.h"

namespace parley::model {

using kernels::Activation;

enum class NormKind { kLayerNorm, kRmsNorm };
enum class NormPlace {
  kPost,  // GPT-1: norm(x + f(x)), no final norm
  kPre,   // GPT-2 and later: x + f(norm(x)), a final norm
};
enum class PositionKind { kLearned, kRope };

// The Hugging Face architecture a directory is saved as.
enum class Family { kGpt1, kGpt2, kLlama, kQwen2, kQwen3 };

struct ModelConfig {
  Family family = Family::kGpt2;
  int64_t V = 0;    // vocabulary size
  int64_t T = 0;    // longest context
  int64_t C = 0;    // channels
  int64_t L = 0;    // layers
  int64_t NH = 0;   // query heads
  int64_t NKV = 0;  // key/value heads
  int64_t HS = 0;   // head size
  int64_t F = 0;    // feed-forward channels

  NormKind norm = NormKind::kLayerNorm;
  NormPlace norm_place = NormPlace::kPre;
  float norm_eps = 1e-5f;
  PositionKind positions = PositionKind::kLearned;
  double rope_base = 10000.0;
  Activation activation = Activation::kGeluTanh;
  bool gated = false;  // feed-forward is act(gate) · up
  bool qkv_bias = true;
  bool linear_bias = true;        // the attention output and feed-forward layers
  bool qk_norm = false;           // RMSNorm of each query and key head
  bool tied_embeddings = true;    // the output matrix is the token embedding
  int64_t window = 0;             // keys a banded layer's query sees; 0: all layers dense
  bool alternate_window = false;  // GPT-3: odd layers banded, even dense; else all banded

  // A scalar head beside the language model: a reward or value model. A model with one
  // has no output matrix of its own (tied_embeddings is true).
  bool score_head = false;
  double score_bias = 0;  // added to the head's product: puts the mean reward where it should be

  int32_t bos_token = -1, eos_token = -1, pad_token = -1;  // −1: none

  bool operator==(const ModelConfig&) const = default;

  int64_t qkv_width() const { return (NH + 2 * NKV) * HS; }
  int64_t fc_width() const { return gated ? 2 * F : F; }
  bool has_final_norm() const { return norm_place == NormPlace::kPre; }
  // The window of layer l; 0: dense.
  int64_t layer_window(int64_t l) const {
    return window > 0 && (!alternate_window || l % 2 == 1) ? window : 0;
  }
};

// Error naming the field and the remedy when the values cannot be a model (zero or
// huge sizes, NH not a multiple of NKV, odd head size with RoPE, …).
void validate(const ModelConfig& config, std::string_view where);

// Parameters, all of them.
int64_t count_parameters(const ModelConfig& config);
// Parameters that multiply every token: the matrices of linear layers, the output
// matrix included (tied or not), embeddings' look-ups, norms and biases not.
int64_t count_matmul_parameters(const ModelConfig& config);
// FLOPs of one training token (forward and backward, no recomputation) at context
// T: 6 · matmul parameters + attention's 12 · L · NH · HS · (keys a query sees on average).
double train_flops_per_token(const ModelConfig& config, int64_t T);

// Presets: "mini", "gpt1", "gpt2-124m" … "gpt2-1558m", "gpt3-125m" … "gpt3-175b", ….
std::vector<std::string> preset_names();
// Error listing the names when there is no such preset. V 0 keeps the preset's vocabulary.
ModelConfig preset(std::string_view name, int64_t V = 0);

}  // namespace parley::model

#include "model/config.h"

#include <algorithm>

#include "base/error.h"

namespace parley::model {
namespace {

// Bounds far above any real model, so that products of sizes stay inside int64
// and a broken config cannot ask for absurd memory.
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;
constexpr int64_t kMaxContext = int64_t{1} << 24;
constexpr int64_t kMaxWidth = int64_t{1} << 18;
constexpr int64_t kMaxLayers = 4096;

void check_range(std::string_view where, std::string_view field, int64_t value, int64_t max) {
  if (value < 1 || value > max)
    base::fail("{}: {} is {}, expected 1 to {}", where, field, value, max);
}

void check_token(std::string_view where, std::string_view field, int32_t token, int64_t V) {
  if (token < -1 || token >= V)
    base::fail("{}: {} is {}, outside the vocabulary of {}", where, field, token, V);
}

}  // namespace

void validate(const ModelConfig& c, std::string_view where) {
  check_range(where, "the vocabulary size", c.V, kMaxVocabulary);
  check_range(where, "the context length", c.T, kMaxContext);
  check_range(where, "the number of channels", c.C, kMaxWidth);
  check_range(where, "the number of layers", c.L, kMaxLayers);
  check_range(where, "the number of heads", c.NH, kMaxWidth);
  check_range(where, "the number of key/value heads", c.NKV, c.NH);
  check_range(where, "the head size", c.HS, kMaxWidth);
  check_range(where, "the feed-forward size", c.F, 16 * kMaxWidth);
  check_range(where, "heads times head size", c.NH * c.HS, 4 * kMaxWidth);
  if (c.NH % c.NKV != 0)
    base::fail("{}: {} heads cannot share {} key/value heads evenly", where, c.NH, c.NKV);
  if (c.positions == PositionKind::kRope && c.HS % 2 != 0)
    base::fail("{}: rotary positions need an even head size, not {}", where, c.HS);
  if (c.positions == PositionKind::kRope && !(c.rope_base > 1))
    base::fail("{}: the rotary base is {}, expected more than 1", where, c.rope_base);
  if (!(c.norm_eps > 0 && c.norm_eps < 1))
    base::fail("{}: the norm's epsilon is {}, expected between 0 and 1", where, c.norm_eps);
  if (c.window < 0 || c.window > kMaxContext)
    base::fail("{}: the attention window is {}, expected 0 to {}", where, c.window, kMaxContext);
  check_token(where, "the BOS token", c.bos_token, c.V);
  check_token(where, "the EOS token", c.eos_token, c.V);
  check_token(where, "the padding token", c.pad_token, c.V);
}

namespace {

// Parameters of one layer's matrices.
int64_t layer_matrices(const ModelConfig& c) {
  return c.qkv_width() * c.C + c.C * c.NH * c.HS + c.fc_width() * c.C + c.C * c.F;
}

}  // namespace

int64_t count_parameters(const ModelConfig& c) {
  const int64_t norm = c.norm == NormKind::kLayerNorm ? 2 * c.C : c.C;
  int64_t layer = layer_matrices(c) + 2 * norm;
  if (c.qkv_bias) layer += c.qkv_width();
  if (c.linear_bias) layer += c.C + c.fc_width() + c.C;
  if (c.qk_norm) layer += 2 * c.HS;
  int64_t total = c.V * c.C + c.L * layer;
  if (c.positions == PositionKind::kLearned) total += c.T * c.C;
  if (c.has_final_norm()) total += norm;
  if (!c.tied_embeddings) total += c.V * c.C;
  if (c.score_head) total += c.C;
  return total;
}

int64_t count_matmul_parameters(const ModelConfig& c) {
  return c.L * layer_matrices(c) + (c.score_head ? 1 : c.V) * c.C;
}

double train_flops_per_token(const ModelConfig& c, int64_t T) {
  double attention = 0;
  for (int64_t l = 0; l < c.L; ++l) {
    const int64_t window = c.layer_window(l);
    const int64_t W = window > 0 ? std::min(window, T) : T;
    // The query at t sees min(t + 1, W) keys.
    const double keys = (static_cast<double>(W) * static_cast<double>(W + 1) / 2 +
                         static_cast<double>(T - W) * static_cast<double>(W)) /
                        static_cast<double>(T);
    // q·k and p·v: 2 · 2 · NH · HS FLOPs a key forward, twice that backward.
    attention += 12.0 * static_cast<double>(c.NH * c.HS) * keys;
  }
  return 6.0 * static_cast<double>(count_matmul_parameters(c)) + attention;
}

}  // namespace parley::model

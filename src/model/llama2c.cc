#include "model/llama2c.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "formats/convert.h"

namespace parley::model {
namespace {

using base::fail;

struct Header {
  int32_t dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
};
constexpr int32_t kVersionedMagic = 0x616b3432;  // "ak42": versions 1 and 2

ModelConfig make_config(const Header& h, const std::string& where) {
  ModelConfig c;
  c.family = Family::kLlama;
  c.V = std::abs(int64_t{h.vocab_size});
  c.T = h.seq_len;
  c.C = h.dim;
  c.L = h.n_layers;
  c.NH = h.n_heads;
  c.NKV = h.n_kv_heads;
  if (c.NH < 1 || c.C % c.NH != 0)
    fail("{}: {} channels cannot be split into {} heads; not a llama2.c checkpoint", where, c.C,
         c.NH);
  c.HS = c.C / c.NH;
  c.F = h.hidden_dim;
  c.norm = NormKind::kRmsNorm;
  c.norm_eps = 1e-5f;
  c.positions = PositionKind::kRope;
  c.rope_base = 10000;
  c.activation = Activation::kSilu;
  c.gated = true;
  c.qkv_bias = c.linear_bias = false;
  c.tied_embeddings = h.vocab_size > 0;
  // Training put a BOS between texts and no EOS behind them, so a BOS ends a text.
  c.bos_token = c.eos_token = c.V > 1 ? 1 : -1;
  validate(c, where);
  return c;
}

// Takes tensors off the file one after the other.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  void read(F32 out) {
    const size_t size = static_cast<size_t>(out.size()) * sizeof(float);
    PARLEY_CHECK(size <= bytes_.size(), "{} bytes wanted, {} left", size, bytes_.size());
    if (!formats::to_f32(out.data(), bytes_.data(), tensor::DType::kF32, out.size()))
      fail("{}: a weight is NaN or infinite; the file is damaged", where_);
    bytes_ = bytes_.subspan(size);
  }

  // Reads (heads · HS, C) whose heads hold neighbouring RoPE pairs into the half layout.
  void read_heads(F32 out, int64_t HS) {
    const int64_t heads = out.dim(0) / HS;
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < HS; ++i)  // file row i is half i % 2 of pair i / 2
        read(out.row(h * HS + i / 2 + (i % 2) * (HS / 2)));
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

}  // namespace

Model parse_llama2c(std::span<const std::byte> bytes, const std::string& where) {
  Header header;
  if (bytes.size() < sizeof header)
    fail("{}: {} bytes are too few for a llama2.c checkpoint", where, bytes.size());
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.dim == kVersionedMagic)
    fail("{}: a llama2.c checkpoint of version {}; export it again with --version 0", where,
         header.hidden_dim);
  const ModelConfig c = make_config(header, where);

  const int64_t rope_tables = c.T * c.HS;  // cos and sin, (T, HS/2) each
  const int64_t expected =
      static_cast<int64_t>(sizeof header) +
      (count_parameters(c) + rope_tables) * static_cast<int64_t>(sizeof(float));
  if (std::ssize(bytes) != expected)
    fail("{}: {} bytes, but its header asks for {}; not a llama2.c checkpoint, or a damaged one",
         where, bytes.size(), expected);

  Model model{c, Weights(c)};
  Weights& w = model.weights;
  const int64_t Q = c.NH * c.HS, KV = c.NKV * c.HS;
  Cursor cursor(bytes.subspan(sizeof header), where);
  cursor.read(w.wte);
  for (LayerWeights& layer : w.layers) cursor.read(layer.norm1_w);
  for (LayerWeights& layer : w.layers) cursor.read_heads(layer.qkv_w.rows(0, Q), c.HS);
  for (LayerWeights& layer : w.layers) cursor.read_heads(layer.qkv_w.rows(Q, Q + KV), c.HS);
  for (LayerWeights& layer : w.layers) cursor.read(layer.qkv_w.rows(Q + KV, Q + 2 * KV));
  for (LayerWeights& layer : w.layers) cursor.read(layer.att_w);
  for (LayerWeights& layer : w.layers) cursor.read(layer.norm2_w);
  for (LayerWeights& layer : w.layers) cursor.read(layer.fc_w.rows(0, c.F));        // w1: gate
  for (LayerWeights& layer : w.layers) cursor.read(layer.proj_w);                   // w2: down
  for (LayerWeights& layer : w.layers) cursor.read(layer.fc_w.rows(c.F, 2 * c.F));  // w3: up
  cursor.read(w.norm_f_w);
  if (!c.tied_embeddings) {
    tensor::Tensor<float> unused({rope_tables});
    cursor.read(unused);
    cursor.read(w.lm_head);
  }
  return model;
}

Model load_llama2c(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  return parse_llama2c(file.bytes(), path.string());
}

}  // namespace parley::model

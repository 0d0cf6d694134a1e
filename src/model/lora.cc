#include "model/lora.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernels/matmul.h"
#include "model/hf.h"

namespace parley::model {
namespace {

constexpr int64_t kAlign = 16;  // floats: where tensors of the flat buffer begin
constexpr std::array<std::string_view, 4> kProjections = {"qkv_w", "att_w", "fc_w", "proj_w"};

F32 weight_of(const LayerWeights& w, Projection which) {
  switch (which) {
    case Projection::kQkv: return w.qkv_w;
    case Projection::kAtt: return w.att_w;
    case Projection::kFc: return w.fc_w;
    case Projection::kProj: return w.proj_w;
  }
  return {};
}

// "layers.3.qkv_w" to 3 and kQkv; false for what is not a linear layer of a block.
bool parse_projection(std::string_view param, int64_t& layer, size_t& which) {
  if (!param.starts_with("layers.")) return false;
  const size_t dot = param.find('.', 7);
  const auto found = std::ranges::find(kProjections, param.substr(dot + 1));
  if (dot == param.npos || found == kProjections.end()) return false;
  layer = std::stoll(std::string(param.substr(7, dot - 7)));
  which = static_cast<size_t>(found - kProjections.begin());
  return true;
}

bool names(const std::string& target, const std::string& module) {
  return module == target || module.ends_with("." + target);
}

void check_options(const LoraOptions& o) {
  if (o.rank < 1 || o.rank > 4096)
    base::fail("a LoRA rank of {}; expected 1 to 4096, 8 to 64 are usual", o.rank);
  if (!(o.alpha > 0) || !std::isfinite(o.alpha))
    base::fail("LoRA's alpha is {}; expected a positive number, twice the rank is usual", o.alpha);
}

std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

LoraWeights::LoraWeights(const ModelConfig& config, const LoraOptions& options)
    : options_(options), layers_(static_cast<size_t>(config.L)) {
  check_options(options);
  const int64_t r = options.rank;

  // 1. Which matrices; hf_tensors() has those of a layer in the order of its rows.
  struct Columns {
    int64_t layer;
    size_t which;
    int64_t in;
  };
  std::vector<Columns> adapted;
  std::vector<bool> used(options.targets.size());
  std::vector<std::string> known;
  for (const HfTensor& t : hf_tensors(config)) {
    int64_t layer = 0;
    size_t which = 0;
    if (!parse_projection(t.param, layer, which)) continue;
    const std::string module = t.name.substr(0, t.name.size() - std::string_view(".weight").size());
    if (std::ranges::find(known, last_part(module)) == known.end())
      known.push_back(last_part(module));
    bool wanted = options.targets.empty();
    for (size_t i = 0; i < used.size(); ++i)
      if (names(options.targets[i], module)) wanted = used[i] = true;
    if (!wanted) continue;
    LoraProjection& p = layers_[static_cast<size_t>(layer)][which];
    if (p.targets.empty()) adapted.push_back({layer, which, t.shape[t.transposed ? 0 : 1]});
    p.targets.push_back({module, t.first_row, t.shape[t.transposed ? 1 : 0], {}, {}});
  }
  for (size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      base::fail("the LoRA target \"{}\" is no linear layer of this model, which has {}",
                 options.targets[i], joined(known));

  // 2. The layout.
  int64_t size = 0;
  const auto add = [&](std::string name, Shape shape) {
    params_.push_back({std::move(name), shape, size, ParamKind::kMatrix});
    size += (shape.size() + kAlign - 1) / kAlign * kAlign;
  };
  for (const Columns& c : adapted) {
    const LoraProjection& p = layers_[static_cast<size_t>(c.layer)][c.which];
    add(fmt::format("layers.{}.{}.lora_A", c.layer, kProjections[c.which]),
        Shape{std::ssize(p.targets) * r, c.in});
    for (const LoraTarget& t : p.targets) add(t.module + ".lora_B", Shape{t.rows, r});
  }

  // 3. Storage and views.
  flat_ = tensor::Tensor<float>(Shape{size});
  auto param = params_.begin();
  for (const Columns& c : adapted) {
    LoraProjection& p = layers_[static_cast<size_t>(c.layer)][c.which];
    p.a = view(*param++);
    for (size_t i = 0; i < p.targets.size(); ++i) {
      const auto row = static_cast<int64_t>(i) * r;
      p.targets[i].a = p.a.rows(row, row + r);
      p.targets[i].b = view(*param++);
    }
  }
}

F32 LoraWeights::view(const ParamInfo& info) const {
  return {flat_.data() + info.offset, info.shape};
}

std::vector<const LoraTarget*> LoraWeights::targets() const {
  std::vector<const LoraTarget*> all;
  for (const auto& layer : layers_)
    for (const LoraProjection& p : layer)
      for (const LoraTarget& t : p.targets) all.push_back(&t);
  return all;
}

std::vector<std::string> LoraWeights::target_names() const {
  std::vector<std::string> all;
  for (const LoraTarget* t : targets())
    if (std::ranges::find(all, last_part(t->module)) == all.end())
      all.push_back(last_part(t->module));
  return all;
}

void init_lora(LoraWeights& lora, uint64_t seed) {
  uint64_t stream = 0;
  for (const ParamInfo& info : lora.params()) {
    const F32 values = lora.view(info);
    ++stream;
    if (info.name.ends_with(".lora_B")) {
      std::ranges::fill(values, 0.0f);
      continue;
    }
    const base::Philox random(seed, stream);
    const double bound = 1 / std::sqrt(static_cast<double>(info.shape[1]));
    for (int64_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(bound * (2 * random.uniform(static_cast<uint64_t>(i)) - 1));
  }
}

void merge_lora(Weights& weights, const LoraWeights& lora, float sign) {
  for (size_t l = 0; l < weights.layers.size(); ++l)
    for (const Projection which :
         {Projection::kQkv, Projection::kAtt, Projection::kFc, Projection::kProj}) {
      const F32 w = weight_of(weights.layers[l], which);  // (out, in)
      for (const LoraTarget& t : lora.projection(static_cast<int64_t>(l), which).targets) {
        tensor::Tensor<float> b(t.b.shape());  // (rows, r) s·B
        for (int64_t i = 0; i < b.size(); ++i) b[i] = sign * lora.scale() * t.b[i];
        kernels::matmul_backward_input(w.rows(t.first_row, t.first_row + t.rows), b, t.a, true);
      }
    }
}

// ---- Passes

LoraScratch::LoraScratch(const ModelConfig& c, const LoraWeights& lora, int64_t N) {
  int64_t columns = 1, elements = 1;
  for (int64_t l = 0; l < c.L; ++l)
    for (const auto& [which, out] : {std::pair{Projection::kQkv, c.qkv_width()},
                                     {Projection::kAtt, c.C},
                                     {Projection::kFc, c.fc_width()},
                                     {Projection::kProj, c.C}}) {
      const LoraProjection& p = lora.projection(l, which);
      if (p.targets.empty()) continue;
      columns = std::max(columns, p.a.dim(0));
      elements = std::max(elements, out * p.a.dim(0));
    }
  u = tensor::Tensor<float>(Shape{N, columns});
  du = tensor::Tensor<float>(Shape{N, columns});
  b = tensor::Tensor<float>(Shape{elements});
  db = tensor::Tensor<float>(Shape{elements});
  const int64_t widest = std::max(c.C, c.HS);
  dnorm_w = tensor::Tensor<float>(Shape{widest});
  dnorm_b = tensor::Tensor<float>(Shape{widest});
  params = lora.params().size();
  rank = lora.options().rank;
}

bool LoraScratch::fits(const LoraWeights& lora) const {
  return params == lora.params().size() && rank == lora.options().rank;
}

LayerWeights LoraScratch::frozen_grads(const LayerWeights& w) const {
  const auto place = [](const tensor::Tensor<float>& at, F32 like) {
    return like ? F32(at.data(), like.shape()) : F32();
  };
  LayerWeights g;
  g.norm1_w = place(dnorm_w, w.norm1_w);
  g.norm1_b = place(dnorm_b, w.norm1_b);
  g.norm2_w = place(dnorm_w, w.norm2_w);
  g.norm2_b = place(dnorm_b, w.norm2_b);
  g.q_norm_w = place(dnorm_w, w.q_norm_w);
  g.k_norm_w = place(dnorm_w, w.k_norm_w);
  return g;
}

namespace {

// s·B of all targets as one matrix (out, k·r), zero off their rows: the fused layer's adapters
// are then one product each way.
F32 stacked_b(const LoraProjection& p, int64_t out, float scale, LoraScratch& scratch) {
  const int64_t columns = p.a.dim(0), r = columns / std::ssize(p.targets);
  const F32 b(scratch.b.data(), Shape{out, columns});
  std::ranges::fill(b, 0.0f);
  for (size_t k = 0; k < p.targets.size(); ++k) {
    const LoraTarget& t = p.targets[k];
    for (int64_t i = 0; i < t.rows; ++i)
      for (int64_t j = 0; j < r; ++j)
        b[(t.first_row + i) * columns + static_cast<int64_t>(k) * r + j] = scale * t.b[i * r + j];
  }
  return b;
}

// grads' dB from that of the stacked matrix.
void unstack_db(const LoraProjection& grads, ConstF32 db, float scale, bool accumulate) {
  const int64_t columns = db.dim(1), r = columns / std::ssize(grads.targets);
  for (size_t k = 0; k < grads.targets.size(); ++k) {
    const LoraTarget& t = grads.targets[k];
    for (int64_t i = 0; i < t.rows; ++i)
      for (int64_t j = 0; j < r; ++j) {
        const float d = scale * db[(t.first_row + i) * columns + static_cast<int64_t>(k) * r + j];
        float& to = t.b[i * r + j];
        to = accumulate ? to + d : d;
      }
  }
}

}  // namespace

std::function<void(F32, ConstF32, Projection)> lora_projections(const LayerWeights& w,
                                                                const LoraWeights& lora, int64_t l,
                                                                LoraScratch& scratch) {
  return [base = f32_projections(w), &lora, l, &scratch](F32 out, ConstF32 x, Projection which) {
    base(out, x, which);
    const LoraProjection& p = lora.projection(l, which);
    if (p.targets.empty()) return;
    const F32 u(scratch.u.data(), Shape{x.dim(0), p.a.dim(0)});  // (N, k·r)
    kernels::matmul_forward(u, x, p.a, {});
    kernels::matmul_forward(out, u, stacked_b(p, out.dim(1), lora.scale(), scratch), {}, true);
  };
}

ProjectBackward lora_projections_backward(LoraWeights& grads, const LayerWeights& w,
                                          const LoraWeights& lora, int64_t l, LoraScratch& scratch,
                                          bool accumulate) {
  return [&grads, &w, &lora, l, &scratch, accumulate](F32 dx, ConstF32 dout, ConstF32 x,
                                                      Projection which, bool accumulate_dx) {
    kernels::matmul_backward_input(dx, dout, weight_of(w, which), accumulate_dx);
    const LoraProjection& p = lora.projection(l, which);
    if (p.targets.empty()) return;
    const LoraProjection& g = grads.projection(l, which);
    const int64_t N = x.dim(0), columns = p.a.dim(0), out = dout.dim(1);
    const F32 u(scratch.u.data(), Shape{N, columns});    // x·Aᵀ
    const F32 du(scratch.du.data(), Shape{N, columns});  // dout·(s·B)
    const F32 db(scratch.db.data(), Shape{out, columns});
    kernels::matmul_forward(u, x, p.a, {});
    kernels::matmul_backward_weight(db, {}, dout, u, false);
    unstack_db(g, db, lora.scale(), accumulate);
    kernels::matmul_backward_input(du, dout, stacked_b(p, out, lora.scale(), scratch));
    kernels::matmul_backward_weight(g.a, {}, du, x, accumulate);
    kernels::matmul_backward_input(dx, du, p.a, true);
  };
}

}  // namespace parley::model

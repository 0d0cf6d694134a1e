#include "model/block.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/activation.h"
#include "kernels/matmul.h"
#include "kernels/norm.h"

namespace parley::model {

using tensor::Arena;

namespace {

// out[:, column … column + width) = x[:, column … column + width); x, out (N, W)
void copy_columns(F32 out, ConstF32 x, int64_t column, int64_t width) {
  base::parallel_blocks(x.dim(0), 64, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      std::copy_n(x.row(n).data() + column, width, out.row(n).data() + column);
  });
}

}  // namespace

size_t block_activation_bytes(const ModelConfig& c, int64_t N) {
  const auto floats = [](int64_t n) { return Arena::bytes_for<float>(n); };
  // att_in or res2, res1, mlp_in: (N, C) each.
  size_t bytes = 3 * floats(N * c.C) + 2 * floats(N);
  if (c.norm == NormKind::kLayerNorm) bytes += 2 * floats(N);
  bytes += floats(N * c.qkv_width()) + floats(N * c.NH * c.HS) + floats(N * c.NH);
  if (c.qk_norm) bytes += floats(N * c.qkv_width()) + floats(N * c.NH) + floats(N * c.NKV);
  return bytes + floats(N * c.fc_width()) + floats(N * c.F);
}

BlockActivations take_block_activations(Arena& arena, const ModelConfig& c, int64_t N, F32 x,
                                        F32 out) {
  const auto take = [&](int64_t columns) { return arena.take<float>(Shape{N, columns}); };
  const auto take_rows = [&] { return arena.take<float>(Shape{N}); };
  const bool pre = c.norm_place == NormPlace::kPre;
  BlockActivations a;
  a.att_in = pre ? take(c.C) : x;
  if (c.norm == NormKind::kLayerNorm) {
    a.norm1_mean = take_rows();
    a.norm2_mean = take_rows();
  }
  a.norm1_rstd = take_rows();
  a.norm2_rstd = take_rows();
  a.qkv = take(c.qkv_width());
  if (c.qk_norm) {
    a.qkv_raw = take(c.qkv_width());
    a.q_rstd = take(c.NH);
    a.k_rstd = take(c.NKV);
  }
  a.att = take(c.NH * c.HS);
  a.lse = arena.take<float>(Shape{N * c.NH});
  a.res1 = take(c.C);
  a.mlp_in = take(c.C);
  a.h = take(c.fc_width());
  a.act = take(c.F);
  a.res2 = pre ? out : take(c.C);
  return a;
}

size_t block_scratch_bytes(const ModelConfig& c, int64_t N) {
  const auto floats = [](int64_t n) { return Arena::bytes_for<float>(n); };
  return floats(N * c.C) + floats(N * c.F) + floats(N * c.NH * c.HS) + floats(N * c.qkv_width());
}

BlockScratch take_block_scratch(Arena& arena, const ModelConfig& c, int64_t N) {
  return {arena.take<float>(Shape{N, c.C}), arena.take<float>(Shape{N, c.F}),
          arena.take<float>(Shape{N, c.NH * c.HS}), arena.take<float>(Shape{N, c.qkv_width()})};
}

void norm_forward(F32 out, F32 mean, F32 rstd, ConstF32 x, ConstF32 weight, ConstF32 bias,
                  const ModelConfig& c) {
  if (c.norm == NormKind::kLayerNorm)
    kernels::layernorm_forward(out, mean, rstd, x, weight, bias, c.norm_eps);
  else
    kernels::rmsnorm_forward(out, rstd, x, weight, c.norm_eps);
}

void norm_backward(F32 dx, F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, ConstF32 weight,
                   ConstF32 mean, ConstF32 rstd, const ModelConfig& c, bool accumulate_dx,
                   bool accumulate_dw) {
  if (c.norm == NormKind::kLayerNorm)
    kernels::layernorm_backward(dx, dweight, dbias, dout, x, weight, mean, rstd, accumulate_dx,
                                accumulate_dw);
  else
    kernels::rmsnorm_backward(dx, dweight, dout, x, weight, rstd, accumulate_dx, accumulate_dw);
}

std::function<void(F32, ConstF32, Projection)> f32_projections(const LayerWeights& w) {
  return [&w](F32 out, ConstF32 x, Projection which) {
    switch (which) {
      case Projection::kQkv: return kernels::matmul_forward(out, x, w.qkv_w, w.qkv_b);
      case Projection::kAtt: return kernels::matmul_forward(out, x, w.att_w, w.att_b);
      case Projection::kFc: return kernels::matmul_forward(out, x, w.fc_w, w.fc_b);
      case Projection::kProj: return kernels::matmul_forward(out, x, w.proj_w, w.proj_b);
    }
  };
}

ProjectBackward f32_projections_backward(const LayerWeights& g, const LayerWeights& w,
                                         bool accumulate) {
  return [&g, &w, accumulate](F32 dx, ConstF32 dout, ConstF32 x, Projection which,
                              bool accumulate_dx) {
    const auto linear = [&](F32 dweight, F32 dbias, ConstF32 weight) {
      kernels::matmul_backward_weight(dweight, dbias, dout, x, accumulate);
      kernels::matmul_backward_input(dx, dout, weight, accumulate_dx);
    };
    switch (which) {
      case Projection::kQkv: return linear(g.qkv_w, g.qkv_b, w.qkv_w);
      case Projection::kAtt: return linear(g.att_w, g.att_b, w.att_w);
      case Projection::kFc: return linear(g.fc_w, g.fc_b, w.fc_w);
      case Projection::kProj: return linear(g.proj_w, g.proj_b, w.proj_w);
    }
  };
}

void block_forward(F32 out, ConstF32 x, const LayerWeights& w, const ModelConfig& c,
                   const BlockActivations& a, ConstI32 positions, const kernels::RopeTable& rope,
                   const BlockOps& ops) {
  const bool pre = c.norm_place == NormPlace::kPre;

  // 1. Attention.
  if (pre) norm_forward(a.att_in, a.norm1_mean, a.norm1_rstd, x, w.norm1_w, w.norm1_b, c);
  ops.project(c.qk_norm ? a.qkv_raw : a.qkv, a.att_in, Projection::kQkv);
  if (c.qk_norm) {
    kernels::head_rmsnorm_forward(a.qkv, a.q_rstd, a.qkv_raw, 0, c.NH, w.q_norm_w, c.norm_eps);
    kernels::head_rmsnorm_forward(a.qkv, a.k_rstd, a.qkv_raw, c.NH * c.HS, c.NKV, w.k_norm_w,
                                  c.norm_eps);
    copy_columns(a.qkv, a.qkv_raw, (c.NH + c.NKV) * c.HS, c.NKV * c.HS);
  }
  if (c.positions == PositionKind::kRope)  // queries and keys stand side by side
    kernels::rope_forward(a.qkv, 0, c.NH + c.NKV, positions, rope);
  ops.attend(a.att, a.qkv);
  ops.project(a.res1, a.att, Projection::kAtt);
  kernels::add_forward(a.res1, a.res1, x);

  // 2. Feed-forward.
  if (pre)
    norm_forward(a.mlp_in, a.norm2_mean, a.norm2_rstd, a.res1, w.norm2_w, w.norm2_b, c);
  else
    norm_forward(a.mlp_in, a.norm1_mean, a.norm1_rstd, a.res1, w.norm1_w, w.norm1_b, c);
  ops.project(a.h, a.mlp_in, Projection::kFc);
  if (c.gated)
    kernels::gated_forward(a.act, a.h, c.activation);
  else
    kernels::activation_forward(a.act, a.h, c.activation);
  ops.project(a.res2, a.act, Projection::kProj);
  kernels::add_forward(a.res2, a.res2, pre ? a.res1 : a.mlp_in);
  if (!pre) norm_forward(out, a.norm2_mean, a.norm2_rstd, a.res2, w.norm2_w, w.norm2_b, c);
}

void block_backward(F32 dx, const LayerWeights& g, ConstF32 x, const LayerWeights& w,
                    const ModelConfig& c, const BlockActivations& a, const BlockScratch& s,
                    ConstI32 positions, const kernels::RopeTable& rope,
                    const AttendBackward& attend_backward, const ProjectBackward& project_backward,
                    bool accumulate) {
  const bool pre = c.norm_place == NormPlace::kPre;

  // 2. Feed-forward, backwards. dx becomes the gradient of res1 (pre) or mlp_in (post).
  if (!pre)
    norm_backward(dx, g.norm2_w, g.norm2_b, dx, a.res2, w.norm2_w, a.norm2_mean, a.norm2_rstd, c,
                  false, accumulate);
  project_backward(s.dact, dx, a.act, Projection::kProj, false);
  F32 dh;  // (N, F or 2F), in memory that is no longer needed
  if (c.gated) {
    dh = a.h;
    kernels::gated_backward(dh, s.dact, a.h, c.activation);
  } else {
    dh = s.dact;
    kernels::activation_backward(dh, s.dact, a.h, c.activation);
  }
  project_backward(pre ? s.dnorm : dx, dh, a.mlp_in, Projection::kFc, !pre);
  if (pre) {
    norm_backward(dx, g.norm2_w, g.norm2_b, s.dnorm, a.res1, w.norm2_w, a.norm2_mean, a.norm2_rstd,
                  c, true, accumulate);
  } else {
    norm_backward(dx, g.norm1_w, g.norm1_b, dx, a.res1, w.norm1_w, a.norm1_mean, a.norm1_rstd, c,
                  false, accumulate);
  }

  // 1. Attention, backwards. dx becomes the gradient of x.
  project_backward(s.datt, dx, a.att, Projection::kAtt, false);
  attend_backward(s.dqkv, s.datt);
  if (c.positions == PositionKind::kRope)
    kernels::rope_backward(s.dqkv, 0, c.NH + c.NKV, positions, rope);
  if (c.qk_norm) {
    kernels::head_rmsnorm_backward(s.dqkv, g.q_norm_w, s.dqkv, a.qkv_raw, 0, c.NH, w.q_norm_w,
                                   a.q_rstd, accumulate);
    kernels::head_rmsnorm_backward(s.dqkv, g.k_norm_w, s.dqkv, a.qkv_raw, c.NH * c.HS, c.NKV,
                                   w.k_norm_w, a.k_rstd, accumulate);
  }
  project_backward(pre ? s.dnorm : dx, s.dqkv, a.att_in, Projection::kQkv, !pre);
  if (pre)
    norm_backward(dx, g.norm1_w, g.norm1_b, s.dnorm, x, w.norm1_w, a.norm1_mean, a.norm1_rstd, c,
                  true, accumulate);
}

}  // namespace parley::model

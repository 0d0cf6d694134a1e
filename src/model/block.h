// One transformer block, for every family; its forward serves training and inference.
#pragma once

#include <functional>

#include "kernels/rope.h"
#include "model/weights.h"

namespace parley::model {

using tensor::ConstI32;

// What the block's forward leaves for its backward. N tokens; a buffer a variant
// has no use for is empty or another name for one that holds the same values.
struct BlockActivations {
  F32 att_in;  // (N, C) input of the qkv layer: norm1(x) pre-norm, x itself post-norm
  F32 norm1_mean, norm1_rstd;  // (N)
  F32 qkv_raw;                 // (N, QKV) before QK norm; empty without QK norm
  F32 q_rstd, k_rstd;          // (N, NH), (N, NKV) of QK norm
  F32 qkv;                     // (N, QKV) as attention reads it
  F32 att;                     // (N, NH·HS) attention's output
  F32 lse;                     // (B, NH, T) log-sum-exp; training only
  F32 res1;                    // (N, C) x + attention
  F32 norm2_mean, norm2_rstd;  // (N)
  F32 mlp_in;                  // (N, C) input of the feed-forward layer
  F32 h;                       // (N, F or 2F) before the activation
  F32 act;                     // (N, F)
  F32 res2;                    // (N, C) post-norm's second sum; pre-norm: the block's output
};

// Bytes of one block's activations at N tokens (pre-norm's output, which is the next
// block's input, not counted).
size_t block_activation_bytes(const ModelConfig& config, int64_t N);
// Takes them from an arena. `x` is the block's input, `out` its output, (N, C) each.
BlockActivations take_block_activations(tensor::Arena& arena, const ModelConfig& config, int64_t N,
                                        F32 x, F32 out);

// The linear layers of a block.
enum class Projection { kQkv, kAtt, kFc, kProj };

// What training and inference do differently: weights in f32 or packed, attention within the
// batch or to a cache.
struct BlockOps {
  std::function<void(F32 out, ConstF32 x, Projection which)> project;  // out = x · wᵀ + b
  std::function<void(F32 att, F32 qkv)> attend;  // att (N, NH·HS) = attention of qkv (N, QKV)
};

// `project` with the layer's own f32 weights.
std::function<void(F32, ConstF32, Projection)> f32_projections(const LayerWeights& w);

// out = block(x); x, out (N, C), positions (N). Fills `acts`. Of `w` it reads the norms.
void block_forward(F32 out, ConstF32 x, const LayerWeights& w, const ModelConfig& config,
                   const BlockActivations& acts, ConstI32 positions, const kernels::RopeTable& rope,
                   const BlockOps& ops);

// Scratch the backward of any block shares.
struct BlockScratch {
  F32 dnorm;  // (N, C)
  F32 dact;   // (N, F)
  F32 datt;   // (N, NH·HS)
  F32 dqkv;   // (N, QKV)
};
size_t block_scratch_bytes(const ModelConfig& config, int64_t N);
BlockScratch take_block_scratch(tensor::Arena& arena, const ModelConfig& config, int64_t N);

// dqkv (N, QKV) = the gradient of attention, from datt (N, NH·HS).
using AttendBackward = std::function<void(F32 dqkv, ConstF32 datt)>;

// The backward of BlockOps::project: dx = the gradient of its input x, or dx += … when
// accumulate_dx, from dout, that of its output; and the gradients of what in it is trained.
using ProjectBackward =
    std::function<void(F32 dx, ConstF32 dout, ConstF32 x, Projection which, bool accumulate_dx)>;
// With the layer's own f32 weights; their gradients are written to `grads`, or added when
// accumulate.
ProjectBackward f32_projections_backward(const LayerWeights& grads, const LayerWeights& w,
                                         bool accumulate);

// dx (N, C) comes in as the gradient of the block's output and leaves as that of
// its input. Gradients of the norms are written to `grads`, or added when
// accumulate; project_backward sees to the linear layers, of `w` and `grads` only the
// norms are used. Overwrites acts.h and acts.act.
void block_backward(F32 dx, const LayerWeights& grads, ConstF32 x, const LayerWeights& w,
                    const ModelConfig& config, const BlockActivations& acts,
                    const BlockScratch& scratch, ConstI32 positions, const kernels::RopeTable& rope,
                    const AttendBackward& attend_backward, const ProjectBackward& project_backward,
                    bool accumulate);

// The config's norm. mean is empty for RMSNorm.
void norm_forward(F32 out, F32 mean, F32 rstd, ConstF32 x, ConstF32 weight, ConstF32 bias,
                  const ModelConfig& config);
void norm_backward(F32 dx, F32 dweight, F32 dbias, ConstF32 dout, ConstF32 x, ConstF32 weight,
                   ConstF32 mean, ConstF32 rstd, const ModelConfig& config, bool accumulate_dx,
                   bool accumulate_dw);

}  // namespace parley::model

// Causal attention without a T×T matrix in memory, forward and backward
// (FlashAttention, Dao et al. 2022, arXiv 2205.14135, and FlashAttention-2,
// arXiv 2307.08691, Algorithms 1 and 2): tiles of keys with an online softmax;
// backward recomputes the tiles from the kept log-sum-exp.
#pragma once

#include "tensor/view.h"

namespace parley::kernels {

using tensor::ConstF32;
using tensor::ConstI32;
using tensor::F32;

struct AttentionShape {
  int64_t B, T;     // sequences, tokens each
  int64_t NH, NKV;  // query heads, key/value heads; NH is a multiple of NKV
  int64_t HS;       // head size
  float scale;      // of q·k, usually 1/sqrt(HS)
  int64_t window;   // a query at t sees keys > t − window; 0: all (GPT-3's banded layers)
};

// The query at (b, t) sees the keys s of the same sequence with
//   max(first_key[b, t], t − window + 1) ≤ s ≤ t.
// first_key keeps packed documents apart; empty: 0 everywhere.
//   qkv (B, T, (NH + 2·NKV)·HS): queries, then keys, then values
//   first_key (B, T) or empty; out (B, T, NH·HS); lse (B, NH, T) log-sum-exp of the scores
void attention_forward(F32 out, F32 lse, ConstF32 qkv, ConstI32 first_key,
                       const AttentionShape& shape);

// dqkv (B, T, (NH + 2·NKV)·HS) = …, overwriting. dqkv must not be qkv.
//   dout, out (B, T, NH·HS)
void attention_backward(F32 dqkv, ConstF32 dout, ConstF32 qkv, ConstF32 out, ConstF32 lse,
                        ConstI32 first_key, const AttentionShape& shape);

}  // namespace parley::kernels

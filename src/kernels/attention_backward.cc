// The flash backward (FlashAttention-2, Algorithm 2) in lanes: for a tile of queries,
//   P = exp(K·Qᵀ − lse), dP = V·dOᵀ, dS = P ∘ (dP − Σ dO∘O),
//   dV += P·dO, dK += dS·Q, dQᵀ += Kᵀ·dS.
#include <algorithm>

#include "base/threads.h"
#include "kernels/attention.h"
#include "kernels/attention_internal.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_backward.cc"
#include <hwy/foreach_target.h>

#include "kernels/attention-inl.h"

#ifndef PARLEY_KERNELS_ATTENTION_BACKWARD_ONCE
#define PARLEY_KERNELS_ATTENTION_BACKWARD_ONCE
namespace parley::kernels::internal {

// The gradients of one HeadGroup; pointers are placed as the group's are.
struct GroupGradients {
  const float *dout, *out;  // rows of out_row floats
  int64_t out_row;
  const float* lse;     // (G, T)
  float *dq, *dk, *dv;  // rows of the group's q_row and kv_row
};

inline int64_t backward_scratch_size(int64_t T, int64_t HS) {
  const int64_t HSP = padded(HS);
  return 4 * T * HSP + kTileLanes * (2 * HSP + 3 * HS + 2 * kTileKeys);
}

}  // namespace parley::kernels::internal
#endif

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// sum (64 keys, padded HS), the strip's rows of it, += strip (keys, lanes) of tile ·
// queries (64, padded HS).
HWY_INLINE void strip_outer(const Strip& s, const float* tile, const float* queries, int64_t HSP,
                            float* sum) {
  tile_product(s.keys, HSP,
               {.a = tile + s.row * kTileLanes + s.lane,
                .a_row = kTileLanes,
                .a_column = 1,
                .b = queries + s.lane * HSP,
                .ldb = HSP,
                .c = sum + s.row * HSP,
                .ldc = HSP,
                .K = s.lane_end - s.lane,
                .accumulate = true});
}

// scores → probabilities, dprobs → dscores, in place.
HWY_INLINE void softmax_backward_strip(const Strip& s, const float* lse, const float* mean,
                                       float* scores, float* dprobs) {
  const D d;
  for (int64_t i = s.lane; i < s.lane_end; i += lanes()) {
    const V shift = hn::LoadU(d, lse + i), centre = hn::LoadU(d, mean + i);
    int64_t at = s.row * kTileLanes + i;
    for (int64_t k = 0; k < s.keys; ++k, at += kTileLanes) {
      const V p = exp(hn::Sub(hn::LoadU(d, scores + at), shift));
      hn::StoreU(p, d, scores + at);
      hn::StoreU(hn::Mul(p, hn::Sub(hn::LoadU(d, dprobs + at), centre)), d, dprobs + at);
    }
  }
}

// All of one group: its queries tile by tile, in order.
void backward_group(const HeadGroup& g, const internal::GroupGradients& grads, float* scratch) {
  const int64_t HSP = internal::padded(g.HS);
  float* dk = scratch;                              // (T, padded HS)
  float* dv = dk + g.T * HSP;                       // (T, padded HS)
  float* keys = dv + g.T * HSP;                     // (T, padded HS)
  float* values = keys + g.T * HSP;                 // (T, padded HS)
  float* q = values + g.T * HSP;                    // (64, padded HS), scaled
  float* dout = q + kTileLanes * HSP;               // (64, padded HS)
  float* q_t = dout + kTileLanes * HSP;             // (HS, 64)
  float* dout_t = q_t + g.HS * kTileLanes;          // (HS, 64)
  float* dq_t = dout_t + g.HS * kTileLanes;         // (HS, 64)
  float* probs = dq_t + g.HS * kTileLanes;          // (64 keys, 64)
  float* dscores = probs + kTileKeys * kTileLanes;  // (64 keys, 64)
  HWY_ALIGN float lse[kTileLanes];
  HWY_ALIGN float mean[kTileLanes];  // of dprobs under probs: Σ dO∘O
  HWY_ALIGN float scale[kTileLanes];
  std::fill(dk, keys, 0.0f);
  load_keys(g, g.k, 0, g.T, keys);
  load_keys(g, g.v, 0, g.T, values);
  std::fill(scale, scale + kTileLanes, g.scale);

  for (int64_t tile_index = 0; tile_index < g.tiles(); ++tile_index) {
    const LaneTile tile(g, tile_index);
    load_lanes(tile, g, g.q, g.q_row, g.scale, q, q_t);
    load_lanes(tile, g, grads.dout, grads.out_row, 1.0f, dout, dout_t);
    std::fill(dq_t, probs, 0.0f);
    std::fill(lse, lse + kTileLanes, 0.0f);
    std::fill(mean, mean + kTileLanes, 0.0f);
    for (int64_t i = 0; i < tile.count; ++i) {
      const int64_t t = (tile.lane0 + i) / g.G, head = (tile.lane0 + i) % g.G;
      const float* o = grads.out + t * grads.out_row + head * g.HS;
      const float* d_o = dout + i * HSP;
      lse[i] = grads.lse[head * g.T + t];
      mean[i] = sum_lanes(g.HS, [&](int64_t h, auto io)
                                    HWY_ATTR { return hn::Mul(io.load(o + h), io.load(d_o + h)); });
    }
    for (int64_t key = tile.first_tile(); key <= tile.max_last; key += kTileKeys) {
      for (const Strip& s : tile.strips(key)) {
        strip_scores(s, g.HS, keys + key * HSP, q_t, probs);
        mask_strip(s, tile, key, probs);
        strip_scores(s, g.HS, values + key * HSP, dout_t, dscores);
        softmax_backward_strip(s, lse, mean, probs, dscores);
        strip_outer(s, probs, dout, HSP, dv + key * HSP);
        strip_outer(s, dscores, q, HSP, dk + key * HSP);
        strip_accumulate(s, g.HS, keys + key * HSP, dscores, dq_t);
      }
    }
    store_lanes(tile, g, dq_t, scale, q, grads.dq, g.q_row);
  }
  for (int64_t t = 0; t < g.T; ++t) {
    std::copy_n(dk + t * HSP, g.HS, grads.dk + t * g.kv_row);
    std::copy_n(dv + t * HSP, g.HS, grads.dv + t * g.kv_row);
  }
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {
HWY_EXPORT(backward_group);
}  // namespace

void attention_backward(F32 dqkv, ConstF32 dout, ConstF32 qkv, ConstF32 out, ConstF32 lse,
                        ConstI32 first_key, const AttentionShape& s) {
  internal::check_attention("attention_backward", s, qkv, out, lse, first_key);
  PARLEY_CHECK(dqkv.size() == qkv.size() && dout.size() == out.size() && dqkv.data() != qkv.data(),
               "attention_backward: dqkv, dout, qkv, out {}", shapes(dqkv, dout, qkv, out));
  const int64_t G = s.NH / s.NKV;
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(backward_group);
  base::parallel_for(s.B * s.NKV, [&](int64_t item) {
    const int64_t b = item / s.NKV, kv = item % s.NKV;
    const internal::HeadGroup group = internal::head_group(s, qkv, first_key, b, kv);
    const int64_t columns = (b * s.T * s.NH + kv * G) * s.HS;
    const internal::GroupGradients grads = {.dout = dout.data() + columns,
                                            .out = out.data() + columns,
                                            .out_row = s.NH * s.HS,
                                            .lse = lse.data() + (b * s.NH + kv * G) * s.T,
                                            .dq = dqkv.data() + (group.q - qkv.data()),
                                            .dk = dqkv.data() + (group.k - qkv.data()),
                                            .dv = dqkv.data() + (group.v - qkv.data())};
    kernel(group, grads, internal::thread_scratch(internal::backward_scratch_size(s.T, s.HS)));
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

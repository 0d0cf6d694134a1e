#include "kernels/attention.h"

#include <cmath>
#include <vector>

#include "base/threads.h"
#include "kernels/attention_internal.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"
#include "tensor/buffer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention.cc"
#include <hwy/foreach_target.h>

#include "kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

// One tile of scores becomes exp(score − max) under the running maximum; sum and the
// output so far are rescaled where the maximum grew (the online softmax).
//   scores (64 keys, 64 lanes), output (HS, 64), max, sum (64)
HWY_INLINE void softmax_tile(const Strips& strips, int64_t tile_key, int64_t width, int64_t HS,
                             float* scores, float* output, float* max, float* sum) {
  const D d;
  for (int64_t i = 0; i < width; i += lanes()) {
    const V old_max = hn::LoadU(d, max + i);
    V m0 = old_max, m1 = old_max;
    for (const Strip& s : strips) {
      if (i < s.lane || i >= s.lane_end) continue;
      const float* p = scores + (s.key - tile_key) * kTileLanes + i;
      int64_t k = 0;
      for (; k + 2 <= s.keys; k += 2) {
        m0 = hn::Max(m0, hn::LoadU(d, p + k * kTileLanes));
        m1 = hn::Max(m1, hn::LoadU(d, p + (k + 1) * kTileLanes));
      }
      if (k < s.keys) m0 = hn::Max(m0, hn::LoadU(d, p + k * kTileLanes));
    }
    const V new_max = hn::Max(m0, m1);
    V added = hn::Zero(d);
    for (const Strip& s : strips) {
      if (i < s.lane || i >= s.lane_end) continue;
      float* p = scores + (s.key - tile_key) * kTileLanes + i;
      for (int64_t k = 0; k < s.keys; ++k, p += kTileLanes) {
        const V e = exp(hn::Sub(hn::LoadU(d, p), new_max));
        added = hn::Add(added, e);
        hn::StoreU(e, d, p);
      }
    }
    const V shrink = exp(hn::Sub(old_max, new_max));
    hn::StoreU(hn::MulAdd(hn::LoadU(d, sum + i), shrink, added), d, sum + i);
    hn::StoreU(new_max, d, max + i);
    if (hn::AllTrue(d, hn::Eq(old_max, new_max))) continue;
    for (int64_t h = 0; h < HS; ++h) {
      float* o = output + h * kTileLanes + i;
      hn::StoreU(hn::Mul(hn::LoadU(d, o), shrink), d, o);
    }
  }
}

// scratch: 64·(padded HS) + 2·HS·64 + 64·64 floats.
void forward_tile(const HeadGroup& g, int64_t tile_index, float* out, int64_t out_row, float* lse,
                  float* scratch) {
  const LaneTile tile(g, tile_index);
  float* rows = scratch;                                  // (64, padded HS)
  float* q = rows + kTileLanes * internal::padded(g.HS);  // (HS, 64)
  float* output = q + g.HS * kTileLanes;                  // (HS, 64)
  float* scores = output + g.HS * kTileLanes;             // (64 keys, 64)
  HWY_ALIGN float max[kTileLanes];
  HWY_ALIGN float sum[kTileLanes];
  load_lanes(tile, g, g.q, g.q_row, g.scale, rows, q);
  std::fill(output, output + g.HS * kTileLanes, 0.0f);
  std::fill(max, max + kTileLanes, kMasked);
  std::fill(sum, sum + kTileLanes, 0.0f);

  for (int64_t key = tile.first_tile(); key <= tile.max_last; key += kTileKeys) {
    const Strips strips = tile.strips(key);
    for (const Strip& s : strips) {
      strip_scores(s, g, g.k, q, key, scores);
      mask_strip(s, tile, key, scores);
    }
    softmax_tile(strips, key, tile.width, g.HS, scores, output, max, sum);
    for (const Strip& s : strips) strip_accumulate(s, g, g.v, scores, key, output);
  }

  for (int64_t i = 0; i < tile.count; ++i) {
    const int64_t lane = tile.lane0 + i;
    if (lse) lse[lane % g.G * g.T + lane / g.G] = max[i] + std::log(sum[i]);
    sum[i] = 1.0f / sum[i];
  }
  store_lanes(tile, g, output, sum, rows, out, out_row);
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace internal {
namespace {
HWY_EXPORT(forward_tile);
}  // namespace

float* thread_scratch(int64_t floats) {
  thread_local tensor::Tensor<float> scratch;
  if (scratch.size() < floats) scratch = tensor::Tensor<float>({floats});
  return scratch.data();
}

void forward_tile(const HeadGroup& g, int64_t tile, float* out, int64_t out_row, float* lse) {
  float* scratch = thread_scratch(kTileLanes * (padded(g.HS) + 2 * g.HS + kTileKeys));
  HWY_DYNAMIC_DISPATCH(forward_tile)(g, tile, out, out_row, lse, scratch);
}

HeadGroup head_group(const AttentionShape& s, ConstF32 qkv, ConstI32 first_key, int64_t b,
                     int64_t kv) {
  const int64_t G = s.NH / s.NKV, row = (s.NH + 2 * s.NKV) * s.HS;
  const float* base = qkv.data() + b * s.T * row;
  return {.q = base + kv * G * s.HS,
          .q_row = row,
          .k = base + (s.NH + kv) * s.HS,
          .v = base + (s.NH + s.NKV + kv) * s.HS,
          .kv_row = row,
          .T = s.T,
          .past = 0,
          .G = G,
          .HS = s.HS,
          .scale = s.scale,
          .window = s.window,
          .first_key = first_key ? first_key.data() + b * s.T : nullptr};
}

void check_attention(const char* what, const AttentionShape& s, ConstF32 qkv, ConstF32 out,
                     ConstF32 lse, ConstI32 first_key) {
  PARLEY_CHECK(s.B > 0 && s.T > 0 && s.NKV > 0 && s.NH % s.NKV == 0 && s.HS > 0 &&
                   s.T < (int64_t{1} << 24) &&
                   qkv.size() == s.B * s.T * (s.NH + 2 * s.NKV) * s.HS &&
                   out.size() == s.B * s.T * s.NH * s.HS && lse.size() == s.B * s.NH * s.T &&
                   (first_key.empty() || first_key.size() == s.B * s.T),
               "{}: B {} T {} NH {} NKV {} HS {}; qkv, out, lse, first_key {}", what, s.B, s.T,
               s.NH, s.NKV, s.HS, shapes(qkv, out, lse, first_key));
  for (int64_t i = 0; i < first_key.size(); ++i)
    PARLEY_CHECK(first_key[i] >= 0 && first_key[i] <= i % s.T, "{}: first_key {} at (b {}, t {})",
                 what, first_key[i], i / s.T, i % s.T);
}

}  // namespace internal

void attention_forward(F32 out, F32 lse, ConstF32 qkv, ConstI32 first_key,
                       const AttentionShape& s) {
  internal::check_attention("attention_forward", s, qkv, out, lse, first_key);
  const int64_t G = s.NH / s.NKV;
  const int64_t tiles = (s.T * G + internal::kTileLanes - 1) / internal::kTileLanes;
  base::parallel_for(s.B * s.NKV * tiles, [&](int64_t item) {
    // The last tiles see the most keys: they go first, so that threads end together.
    const int64_t tile = tiles - 1 - item / (s.B * s.NKV);
    const int64_t b = item % (s.B * s.NKV) / s.NKV, kv = item % s.NKV;
    const auto group = internal::head_group(s, qkv, first_key, b, kv);
    internal::forward_tile(group, tile, out.data() + (b * s.T * s.NH + kv * G) * s.HS, s.NH * s.HS,
                           lse.data() + (b * s.NH + kv * G) * s.T);
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

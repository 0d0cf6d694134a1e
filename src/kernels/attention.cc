#include "kernels/attention.h"

#include <algorithm>
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
HWY_INLINE void softmax_tile(const Strips& strips, int64_t width, int64_t HS, float* scores,
                             float* output, float* max, float* sum) {
  const D d;
  for (int64_t i = 0; i < width; i += lanes()) {
    const V old_max = hn::LoadU(d, max + i);
    V m0 = old_max, m1 = old_max;
    for (const Strip& s : strips) {
      if (i < s.lane || i >= s.lane_end) continue;
      const float* p = scores + s.row * kTileLanes + i;
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
      float* p = scores + s.row * kTileLanes + i;
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

// keys, values (…, padded HS): row 0 is position key0.
//   scratch: 64·(padded HS) + 2·HS·64 + 64·64 floats
HWY_INLINE void forward_tile(const HeadGroup& g, int64_t tile_index, const float* keys,
                             const float* values, int64_t key0, float* out, int64_t out_row,
                             float* lse, float* scratch) {
  const LaneTile tile(g, tile_index);
  const int64_t HSP = internal::padded(g.HS);
  float* rows = scratch;                       // (64, padded HS)
  float* q = rows + kTileLanes * HSP;          // (HS, 64)
  float* output = q + g.HS * kTileLanes;       // (HS, 64)
  float* scores = output + g.HS * kTileLanes;  // (64 keys, 64)
  HWY_ALIGN float max[kTileLanes];
  HWY_ALIGN float sum[kTileLanes];
  load_lanes(tile, g, g.q, g.q_row, g.scale, rows, q);
  std::fill(output, output + g.HS * kTileLanes, 0.0f);
  std::fill(max, max + kTileLanes, kMasked);
  std::fill(sum, sum + kTileLanes, 0.0f);

  for (int64_t key = tile.first_tile(); key <= tile.max_last; key += kTileKeys) {
    const Strips strips = tile.strips(key);
    for (const Strip& s : strips) {
      strip_scores(s, g.HS, keys + (key - key0) * HSP, q, scores);
      mask_strip(s, tile, key, scores);
    }
    softmax_tile(strips, tile.width, g.HS, scores, output, max, sum);
    for (const Strip& s : strips)
      strip_accumulate(s, g.HS, values + (key - key0) * HSP, scores, output);
  }

  for (int64_t i = 0; i < tile.count; ++i) {
    const int64_t lane = tile.lane0 + i;
    if (lse) lse[lane % g.G * g.T + lane / g.G] = max[i] + std::log(sum[i]);
    sum[i] = 1.0f / sum[i];
  }
  store_lanes(tile, g, output, sum, rows, out, out_row);
}

// Tiles [tile, tile_end), which see the keys [key, key_end).
//   scratch: 2·(key_end − key)·(padded HS) floats more than forward_tile's
void forward_tiles(const HeadGroup& g, int64_t tile, int64_t tile_end, int64_t key, int64_t key_end,
                   float* out, int64_t out_row, float* lse, float* scratch) {
  float* keys = scratch;                                            // (key_end − key, padded HS)
  float* values = keys + (key_end - key) * internal::padded(g.HS);  // the same
  float* rest = values + (key_end - key) * internal::padded(g.HS);
  load_keys(g, g.k, key, key_end, keys);
  load_keys(g, g.v, key, key_end, values);
  for (; tile < tile_end; ++tile) forward_tile(g, tile, keys, values, key, out, out_row, lse, rest);
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace internal {
namespace {
HWY_EXPORT(forward_tiles);
}  // namespace

float* thread_scratch(int64_t floats) {
  thread_local tensor::Tensor<float> scratch;
  if (scratch.size() < floats) scratch = tensor::Tensor<float>({floats});
  return scratch.data();
}

void forward_chunk(const HeadGroup& g, int64_t chunk, float* out, int64_t out_row, float* lse) {
  const int64_t tile = chunk * kChunkTiles, tile_end = std::min(tile + kChunkTiles, g.tiles());
  const int64_t first = g.past + tile * kTileLanes / g.G;  // position of the first query
  const int64_t key =
      g.window > 0 ? std::max<int64_t>(0, first - g.window + 1) / kTileKeys * kTileKeys : 0;
  const int64_t key_end = g.past + (std::min(tile_end * kTileLanes, g.lanes()) - 1) / g.G + 1;
  const int64_t HSP = padded(g.HS);
  float* scratch =
      thread_scratch(2 * (key_end - key) * HSP + kTileLanes * (HSP + 2 * g.HS + kTileKeys));
  auto* const kernel = &HWY_DYNAMIC_DISPATCH(forward_tiles);
  kernel(g, tile, tile_end, key, key_end, out, out_row, lse, scratch);
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
  const int64_t G = s.NH / s.NKV, groups = s.B * s.NKV;
  const int64_t chunks = internal::chunks(internal::head_group(s, qkv, first_key, 0, 0));
  base::parallel_for(groups * chunks, [&](int64_t item) {
    // The last chunks see the most keys: they go first, so that threads end together.
    const int64_t chunk = chunks - 1 - item / groups;
    const int64_t b = item % groups / s.NKV, kv = item % s.NKV;
    internal::forward_chunk(internal::head_group(s, qkv, first_key, b, kv), chunk,
                            out.data() + (b * s.T * s.NH + kv * G) * s.HS, s.NH * s.HS,
                            lse.data() + (b * s.NH + kv * G) * s.T);
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE

// Attention over blocks of keys and values. Many queries run as tiles of lanes (see
// attention_internal.h), a few (decoding) one after the other, where a vector is a stretch
// of keys or of the head. Both take the same steps in the same order for each query: blocks of
// 64 keys, scores summed along the head, the online softmax, sums of as many parts as a
// vector has lanes, values summed along the keys. A masked key adds an exact zero. So the
// result is the same to the last bit, whichever runs.
#include "kernels/attention_paged.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.h"
#include "kernels/attention_internal.h"
#include "kernels/kv_block.h"
#include "kernels/shapes.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_paged.cc"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>

#include "kernels/attention-inl.h"

#ifndef PARLEY_KERNELS_ATTENTION_PAGED_ONCE
#define PARLEY_KERNELS_ATTENTION_PAGED_ONCE
namespace parley::kernels::internal {

static_assert(kKvBlock == kTileKeys);
// From this many lanes on, a tile is faster than one query after the other.
constexpr int64_t kTileQueries = 8;

// One key/value head of one sequence: its queries and its blocks.
struct PagedGroup {
  HeadGroup group;  // no k and v
  std::span<std::byte* const> blocks;
  int64_t offset;  // bytes from a block's begin to the head's part
  KvFormat format;
  float* out;  // the group's first head of token 0; rows of out_row floats
  int64_t out_row;
};

}  // namespace parley::kernels::internal
#endif

HWY_BEFORE_NAMESPACE();
namespace parley::kernels::HWY_NAMESPACE {

using internal::KvHead;
using internal::PagedGroup;

// A head's part of a block as f32, without the scales of int8, which multiply scores and
// weights instead.
struct HeadTile {
  const float* keys;          // (HS, 64)
  const float* values;        // (64, HS)
  const float* key_scales;    // (64) or null
  const float* value_scales;  // (64) or null
};

// to (n) = from, n a multiple of 16
HWY_INLINE void widen(const uint16_t* from, int64_t n, float* to) {
  const D d;
  const hn::Rebind<uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  for (int64_t i = 0; i < n; i += lanes())
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from + i)))), d,
               to + i);
}

HWY_INLINE V load_int8(const int8_t* from) {
  const D d;
  const hn::Rebind<int8_t, D> d8;
  const hn::RebindToSigned<D> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, from)));
}

HWY_INLINE void widen(const int8_t* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += lanes()) hn::StoreU(load_int8(from + i), D(), to + i);
}

// `scratch`: 2·HS·64 floats
HWY_INLINE HeadTile head_tile(const KvHead& head, KvFormat format, int64_t HS, float* scratch) {
  const int64_t n = HS * kKvBlock;
  switch (format) {
    case KvFormat::kF32:
      return {static_cast<const float*>(head.keys), static_cast<const float*>(head.values), nullptr,
              nullptr};
    case KvFormat::kBf16:
      widen(static_cast<const uint16_t*>(head.keys), n, scratch);
      widen(static_cast<const uint16_t*>(head.values), n, scratch + n);
      return {scratch, scratch + n, nullptr, nullptr};
    case KvFormat::kInt8:
      widen(static_cast<const int8_t*>(head.keys), n, scratch);
      widen(static_cast<const int8_t*>(head.values), n, scratch + n);
      return {scratch, scratch + n, head.key_scales, head.value_scales};
  }
  return {};
}

// One tile of scores becomes exp(score − max) under the running maximum; sum and the output
// so far are rescaled where the maximum grew. Scores are (64 keys, 64 lanes); those of
// strips only. output (HS, 64); max, sum (64); value_scales (64) or null
HWY_INLINE void softmax_lanes(const Strips& strips, int64_t width, int64_t HS, float* scores,
                              float* output, float* max, float* sum, const float* value_scales) {
  const D d;
  const int64_t parts = lanes();
  for (int64_t i = 0; i < width; i += lanes()) {
    const V old_max = hn::LoadU(d, max + i);
    V new_max = old_max;
    for (const Strip& s : strips) {
      if (i < s.lane || i >= s.lane_end) continue;
      for (int64_t k = s.row; k < s.row + s.keys; ++k)
        new_max = hn::Max(new_max, hn::LoadU(d, scores + k * kTileLanes + i));
    }
    HWY_ALIGN float added[16 * 16];  // (parts, lanes): key k adds to part k % parts
    for (int64_t part = 0; part < parts; ++part) hn::StoreU(hn::Zero(d), d, added + part * parts);
    for (const Strip& s : strips) {
      if (i < s.lane || i >= s.lane_end) continue;
      for (int64_t k = s.row; k < s.row + s.keys; ++k) {
        float* p = scores + k * kTileLanes + i;
        float* part = added + k % parts * parts;
        const V e = exp(hn::Sub(hn::LoadU(d, p), new_max));
        hn::StoreU(hn::Add(hn::LoadU(d, part), e), d, part);
        hn::StoreU(value_scales ? hn::Mul(e, hn::Set(d, value_scales[k])) : e, d, p);
      }
    }
    for (int64_t half = parts / 2; half > 0; half /= 2)
      for (int64_t part = 0; part < half; ++part)
        hn::StoreU(hn::Add(hn::LoadU(d, added + part * parts),
                           hn::LoadU(d, added + (part + half) * parts)),
                   d, added + part * parts);
    const V shrink = exp(hn::Sub(old_max, new_max));
    hn::StoreU(hn::MulAdd(hn::LoadU(d, sum + i), shrink, hn::LoadU(d, added)), d, sum + i);
    hn::StoreU(new_max, d, max + i);
    if (hn::AllTrue(d, hn::Eq(old_max, new_max))) continue;
    for (int64_t h = 0; h < HS; ++h) {
      float* o = output + h * kTileLanes + i;
      hn::StoreU(hn::Mul(hn::LoadU(d, o), shrink), d, o);
    }
  }
}

// Tile `index` of a group's lanes.
//   scratch: 2·HS·64 + 64·(padded HS) + 2·HS·64 + 64·64 floats
void attend_tile(const PagedGroup& p, int64_t index, float* scratch) {
  const HeadGroup& g = p.group;
  const LaneTile tile(g, index);
  const int64_t HS = g.HS;
  float* rows = scratch + 2 * HS * kKvBlock;            // (64, padded HS)
  float* q = rows + kTileLanes * internal::padded(HS);  // (HS, 64)
  float* output = q + HS * kTileLanes;                  // (HS, 64)
  float* scores = output + HS * kTileLanes;             // (64 keys, 64)
  HWY_ALIGN float max[kTileLanes];
  HWY_ALIGN float sum[kTileLanes];
  load_lanes(tile, g, g.q, g.q_row, g.scale, rows, q);
  std::fill(output, output + HS * kTileLanes, 0.0f);
  std::fill(max, max + kTileLanes, kMasked);
  std::fill(sum, sum + kTileLanes, 0.0f);
  for (int64_t key = tile.first_tile(); key <= tile.max_last; key += kTileKeys) {
    const KvHead head =
        internal::kv_head(p.blocks[static_cast<size_t>(key / kKvBlock)] + p.offset, p.format, HS);
    const HeadTile t = head_tile(head, p.format, HS, scratch);
    const Strips strips = tile.strips(key);
    for (const Strip& s : strips) {
      tile_product(s.keys, s.lane_end - s.lane,
                   {.a = t.keys + s.row,
                    .a_row = 1,
                    .a_column = kKvBlock,
                    .b = q + s.lane,
                    .ldb = kTileLanes,
                    .c = scores + s.row * kTileLanes + s.lane,
                    .ldc = kTileLanes,
                    .K = HS,
                    .accumulate = false});
      if (t.key_scales)
        for (int64_t k = s.row; k < s.row + s.keys; ++k)
          for (int64_t i = s.lane; i < s.lane_end; i += lanes()) {
            float* to = scores + k * kTileLanes + i;
            hn::StoreU(hn::Mul(hn::LoadU(D(), to), hn::Set(D(), t.key_scales[k])), D(), to);
          }
      mask_strip(s, tile, key, scores);
    }
    softmax_lanes(strips, tile.width, HS, scores, output, max, sum, t.value_scales);
    for (const Strip& s : strips)
      tile_product(HS, s.lane_end - s.lane,
                   {.a = t.values + s.row * HS,
                    .a_row = 1,
                    .a_column = HS,
                    .b = scores + s.row * kTileLanes + s.lane,
                    .ldb = kTileLanes,
                    .c = output + s.lane,
                    .ldc = kTileLanes,
                    .K = s.keys,
                    .accumulate = true});
  }
  for (int64_t i = 0; i < tile.count; ++i) sum[i] = 1.0f / sum[i];
  store_lanes(tile, g, output, sum, rows, p.out, p.out_row);
}

// The state of one query: output (HS), the running maximum and the sum under it.
struct Query {
  float* output;
  float max = kMasked, sum = 0;
};

// Asks for row `row` of 64 elements of a block of keys or values that comes next.
template <typename T>
HWY_INLINE void prefetch_row(const T* next, int64_t row) {
  const auto* from = reinterpret_cast<const std::byte*>(next + row * kKvBlock);
  for (size_t line = 0; line < sizeof(T); ++line) hwy::Prefetch(from + 64 * line);
}

// As many running sums as hide the latency of fused multiply-add, where registers allow.
constexpr int64_t kSums = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 ? 8 : 4;

// The 64 keys of a block against q (HS, scaled).
//   load_key(h, k) gives one vector of keys (h, k …); scores (64). `next` is prefetched.
template <class LoadKey, typename T>
HWY_INLINE void block_scores(const float* q, int64_t HS, const float* key_scales, LoadKey load_key,
                             const T* next, float* scores) {
  const D d;
  constexpr int64_t kVectors =
      HWY_MIN(kSums, kKvBlock / static_cast<int64_t>(HWY_MIN(16, HWY_LANES(float))));
  const int64_t step = lanes();
  for (int64_t k = 0; k < kKvBlock; k += kVectors * step) {
    V sum[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
    for (int64_t h = 0; h < HS; ++h) {
      const V left = hn::Set(d, q[h]);
      for (int64_t v = 0; v < kVectors; ++v)
        sum[v] = hn::MulAdd(load_key(h, k + v * step), left, sum[v]);
      prefetch_row(next, h);
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      const int64_t at = k + v * step;
      hn::StoreU(key_scales ? hn::Mul(sum[v], hn::LoadU(d, key_scales + at)) : sum[v], d,
                 scores + at);
    }
  }
}

// What softmax_lanes does, for one query; the scores of keys [first, last] count.
HWY_INLINE void softmax_query(Query& query, int64_t HS, int64_t first, int64_t last, float* scores,
                              const float* value_scales) {
  const D d;
  const int64_t step = lanes();
  std::fill(scores, scores + first, kMasked);
  std::fill(scores + last + 1, scores + kKvBlock, kMasked);
  const float new_max = std::max(query.max, max_lanes(scores, kKvBlock));
  const V shift = hn::Set(d, new_max);
  V added = hn::Zero(d);
  for (int64_t k = 0; k < kKvBlock; k += step) {
    const V e = exp(hn::Sub(hn::LoadU(d, scores + k), shift));
    added = hn::Add(added, e);
    hn::StoreU(value_scales ? hn::Mul(e, hn::LoadU(d, value_scales + k)) : e, d, scores + k);
  }
  HWY_ALIGN float parts[16];
  hn::StoreU(added, d, parts);
  for (int64_t half = step / 2; half > 0; half /= 2)
    for (int64_t part = 0; part < half; ++part) parts[part] += parts[part + half];
  const V shrink = exp(hn::Sub(hn::Set(d, query.max), shift));
  const V sum = hn::MulAdd(hn::Set(d, query.sum), shrink, hn::Set(d, parts[0]));
  query.sum = hn::GetLane(sum);
  if (new_max == query.max) return;
  query.max = new_max;
  for_lanes(HS, [&](int64_t h, auto io) HWY_ATTR {
    io.store(hn::Mul(io.load(query.output + h), shrink), query.output + h);
  });
}

// output (HS) += the values of keys [first, last], weighted.
//   load_value(k, h) gives one vector of values (k, h …), zero beyond HS. `next` is prefetched.
template <int64_t kVectors, class LoadValue, typename T>
HWY_INLINE void add_value_columns(float* output, int64_t first, int64_t last, const float* weights,
                                  LoadValue load_value, const T* next, int64_t h) {
  const D d;
  const int64_t step = lanes();
  V sum[kVectors];
  for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(d, output + h + v * step);
  for (int64_t k = first; k <= last; ++k) {
    const V w = hn::Set(d, weights[k]);
    for (int64_t v = 0; v < kVectors; ++v)
      sum[v] = hn::MulAdd(load_value(k, h + v * step), w, sum[v]);
    prefetch_row(next, k);
  }
  for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], d, output + h + v * step);
}

template <class LoadValue, typename T>
HWY_INLINE void add_values(float* output, int64_t HS, int64_t first, int64_t last,
                           const float* weights, LoadValue load_value, const T* next) {
  const int64_t step = lanes();
  int64_t h = 0;
  for (; h + kSums * step <= HS; h += kSums * step)
    add_value_columns<kSums>(output, first, last, weights, load_value, next, h);
  for (; h + 4 * step <= HS; h += 4 * step)
    add_value_columns<4>(output, first, last, weights, load_value, next, h);
  for (; h < HS; h += step) add_value_columns<1>(output, first, last, weights, load_value, next, h);
}

HWY_INLINE V load_vector(const float* from) { return hn::LoadU(D(), from); }
HWY_INLINE V load_vector(const int8_t* from) { return load_int8(from); }
HWY_INLINE V load_vector(const uint16_t* from) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from))));
}

// One query and the keys [first, last] of one block, T as stored (or widened to float).
//   q (HS, scaled); keys (HS, 64), values (64, HS); next_…: those of the block to come
template <typename T>
HWY_INLINE void attend_block(Query& query, const float* q, int64_t HS, int64_t first, int64_t last,
                             const T* keys, const T* values, const float* key_scales,
                             const float* value_scales, const T* next_keys, const T* next_values) {
  HWY_ALIGN float scores[kKvBlock];
  block_scores(
      q, HS, key_scales,
      [=](int64_t h, int64_t k) HWY_ATTR { return load_vector(keys + h * kKvBlock + k); },
      next_keys, scores);
  softmax_query(query, HS, first, last, scores, value_scales);
  if (HS % lanes() == 0)
    add_values(
        query.output, HS, first, last, scores,
        [=](int64_t k, int64_t h) HWY_ATTR { return load_vector(values + k * HS + h); },
        next_values);
  else if constexpr (sizeof(T) == sizeof(float))
    add_values(
        query.output, HS, first, last, scores,
        [=](int64_t k, int64_t h) HWY_ATTR {
          const auto left = static_cast<size_t>(std::max<int64_t>(0, HS - h));
          return hn::MaskedLoad(hn::FirstN(D(), std::min(left, hn::Lanes(D()))), D(),
                                values + k * HS + h);
        },
        next_values);
}

// The lanes of a group one after the other (few of them).
//   scratch: 2·HS·64 + lanes·2·(padded HS) floats
void attend_queries(const PagedGroup& p, float* scratch) {
  const HeadGroup& g = p.group;
  const int64_t HS = g.HS, HSP = internal::padded(HS), count = g.lanes();
  float* q = scratch + 2 * HS * kKvBlock;  // (lanes, padded HS)
  float* outputs = q + count * HSP;        // (lanes, padded HS)
  std::fill(outputs, outputs + count * HSP, 0.0f);
  Query queries[internal::kTileQueries];
  for (int64_t i = 0; i < count; ++i) {
    queries[i].output = outputs + i * HSP;
    const float* from = g.q + i / g.G * g.q_row + i % g.G * HS;
    for (int64_t h = 0; h < HS; ++h) q[i * HSP + h] = from[h] * g.scale;
  }
  const auto first_seen = [&](int64_t position) {
    return g.window == 0 ? 0 : std::max<int64_t>(0, position - g.window + 1);
  };
  const int64_t last_key = g.past + g.T - 1;
  // A single query converts on the way; more share the converted block.
  const bool direct = count == 1 && HS % lanes() == 0;
  for (int64_t key = first_seen(g.past) / kKvBlock * kKvBlock; key <= last_key; key += kKvBlock) {
    const auto block = static_cast<size_t>(key / kKvBlock);
    const KvHead head = internal::kv_head(p.blocks[block] + p.offset, p.format, HS);
    // The block after this one is asked for while this one is worked on.
    const size_t ahead = std::min(block + 1, static_cast<size_t>(last_key / kKvBlock));
    const KvHead next = internal::kv_head(p.blocks[ahead] + p.offset, p.format, HS);
    if (direct) {
      const int64_t first = std::max<int64_t>(0, first_seen(g.past) - key);
      const int64_t last = std::min(g.past - key, kKvBlock - 1);
      const auto attend = [&](auto zero) HWY_ATTR {
        using T = decltype(zero);
        const bool scaled = p.format == KvFormat::kInt8;
        attend_block<T>(queries[0], q, HS, first, last, static_cast<const T*>(head.keys),
                        static_cast<const T*>(head.values), scaled ? head.key_scales : nullptr,
                        scaled ? head.value_scales : nullptr, static_cast<const T*>(next.keys),
                        static_cast<const T*>(next.values));
      };
      switch (p.format) {
        case KvFormat::kF32: attend(float{}); break;
        case KvFormat::kBf16: attend(uint16_t{}); break;
        case KvFormat::kInt8: attend(int8_t{}); break;
      }
      continue;
    }
    const HeadTile t = head_tile(head, p.format, HS, scratch);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = g.past + i / g.G;
      const int64_t first = std::max<int64_t>(0, first_seen(at) - key);
      const int64_t last = std::min(at - key, kKvBlock - 1);
      if (first > last) continue;
      attend_block<float>(queries[i], q + i * HSP, HS, first, last, t.keys, t.values, t.key_scales,
                          t.value_scales, t.keys, t.values);
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    const V inverse = hn::Set(D(), 1.0f / queries[i].sum);
    float* to = p.out + i / g.G * p.out_row + i % g.G * HS;
    for_lanes(HS, [&](int64_t h, auto io) HWY_ATTR {
      io.store(hn::Mul(io.load(queries[i].output + h), inverse), to + h);
    });
  }
}

}  // namespace parley::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace parley::kernels {
namespace {
HWY_EXPORT(attend_tile);
HWY_EXPORT(attend_queries);
}  // namespace

void attention_paged(F32 out, ConstF32 qkv, std::span<const PagedSequence> sequences,
                     KvFormat format, const AttentionShape& s) {
  const int64_t G = s.NKV > 0 ? s.NH / s.NKV : 0, row = cols(qkv), N = rows(qkv);
  PARLEY_CHECK(G > 0 && s.NH == G * s.NKV && row == (s.NH + 2 * s.NKV) * s.HS &&
                   out.size() == N * s.NH * s.HS,
               "attention_paged: NH {} NKV {} HS {}; out, qkv {}", s.NH, s.NKV, s.HS,
               shapes(out, qkv));
  // One piece of work: a tile of lanes of one head of one sequence, or all of a few.
  struct Piece {
    const PagedSequence* sequence;
    int64_t kv, tile;
  };
  std::vector<Piece> pieces;
  for (const PagedSequence& sequence : sequences) {
    PARLEY_CHECK(sequence.begin >= 0 && sequence.begin + sequence.count <= N &&
                     static_cast<int64_t>(sequence.blocks.size()) * kKvBlock >=
                         sequence.past + sequence.count,
                 "attention_paged: rows {}+{} of {}, past {}, {} blocks", sequence.begin,
                 sequence.count, N, sequence.past, sequence.blocks.size());
    const int64_t tiles = (sequence.count * G + internal::kTileLanes - 1) / internal::kTileLanes;
    for (int64_t tile = tiles; tile-- > 0;)  // long ones first
      for (int64_t kv = 0; kv < s.NKV; ++kv) pieces.push_back({&sequence, kv, tile});
  }
  auto* const tile = &HWY_DYNAMIC_DISPATCH(attend_tile);
  auto* const queries = &HWY_DYNAMIC_DISPATCH(attend_queries);
  const int64_t HSP = internal::padded(s.HS);
  const auto head_bytes = static_cast<int64_t>(internal::kv_head_bytes(format, s.HS));
  base::parallel_for(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
    const Piece& piece = pieces[static_cast<size_t>(i)];
    const PagedSequence& sequence = *piece.sequence;
    const internal::PagedGroup p = {
        .group = {.q = qkv.data() + sequence.begin * row + piece.kv * G * s.HS,
                  .q_row = row,
                  .k = nullptr,
                  .v = nullptr,
                  .kv_row = 0,
                  .T = sequence.count,
                  .past = sequence.past,
                  .G = G,
                  .HS = s.HS,
                  .scale = s.scale,
                  .window = s.window,
                  .first_key = nullptr},
        .blocks = sequence.blocks,
        .offset = piece.kv * head_bytes,
        .format = format,
        .out = out.data() + sequence.begin * s.NH * s.HS + piece.kv * G * s.HS,
        .out_row = s.NH * s.HS};
    float* scratch =
        internal::thread_scratch(4 * s.HS * kKvBlock + 2 * internal::kTileLanes * (HSP + kKvBlock));
    if (p.group.lanes() >= internal::kTileQueries)
      tile(p, piece.tile, scratch);
    else
      queries(p, scratch);
  });
}

}  // namespace parley::kernels
#endif  // HWY_ONCE
